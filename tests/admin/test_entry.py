"""Who may come to the desk, and what each of them may do there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import Group, User

from enrollment.ca.disposition import Disposition

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from enrollment.models import EnrollmentRequest
    from enrollment.services.setup import SetupReport

    SignIn = Callable[[User], Client]

pytestmark = pytest.mark.django_db

LISTS = (
    "/admin/enrollment/enrollmentrequest/",
    "/admin/enrollment/certificate/",
    "/admin/enrollment/template/",
    "/admin/enrollment/authority/",
    "/admin/enrollment/certificaterevocationlist/",
    "/admin/enrollment/auditevent/",
    "/admin/auth/user/",
    "/admin/auth/group/",
)


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    "query", ["pk__regex=(a|a)*b", "id__in=1,2", "pk__iregex=(", "password__contains=a"]
)
@pytest.mark.parametrize("address", LISTS)
def test_an_address_compares_nothing_that_no_filter_compares(
    signed_in: SignIn, address: str, query: str
) -> None:
    """A link that another site made the browser follow could stop the server with an expression."""
    client = signed_in(User.objects.get(username="admin"))

    answer = client.get(f"{address}?{query}")

    assert answer.status_code == 400
    assert "Use the filters beside the list." in answer.content.decode()
    assert 'href="/certsrv/"' in answer.content.decode()


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    "query", ["auth/user/?is_active__exact=1", "auth/user/?groups__id__exact=1",
              "enrollment/template/?approval__exact=none", "enrollment/certificate/?ends=30"]
)  # fmt: skip
def test_the_links_of_a_filter_narrow_the_list(signed_in: SignIn, query: str) -> None:
    client = signed_in(User.objects.get(username="admin"))

    assert client.get(f"/admin/{query}").status_code == 200


def decide(client: Client, row: EnrollmentRequest, **fields: str) -> int:
    """Post a decision, as the buttons of the review page do; return the status code."""
    address = f"/admin/enrollment/enrollmentrequest/{row.pk}/decide/"
    return client.post(address, fields).status_code


@pytest.mark.parametrize("address", ["/admin/", *LISTS])
def test_a_requester_cannot_enter(address: str, alice: User, signed_in: SignIn) -> None:
    answer = signed_in(alice).get(address)

    assert answer.status_code == 403
    assert "Certificate Managers" in answer.content.decode()


def test_a_requester_cannot_decide_even_by_a_direct_post(
    waiting: EnrollmentRequest, alice: User, signed_in: SignIn
) -> None:
    client = signed_in(alice)

    statuses = {
        decide(client, waiting, act="deny", reason="mine"),
        client.post("/admin/queue/decide/", {"act": "deny", "request": waiting.pk}).status_code,
    }

    waiting.refresh_from_db()
    assert statuses == {403}
    assert waiting.disposition == Disposition.UNDER_SUBMISSION


def test_a_stranger_is_asked_to_sign_in(site: SetupReport, client: Client) -> None:
    answer = client.get("/admin/", headers={"host": "localhost"})

    assert answer.status_code in (302, 401)


def test_an_auditor_reads_every_list(auditor: User, signed_in: SignIn) -> None:
    client = signed_in(auditor)

    assert {client.get(address).status_code for address in ("/admin/", *LISTS)} == {200}


def test_an_auditor_changes_nothing(
    waiting: EnrollmentRequest, auditor: User, signed_in: SignIn
) -> None:
    """Reading the queue is not deciding; the right to review is granted by name."""
    client = signed_in(auditor)
    page = client.get(f"/admin/enrollment/enrollmentrequest/{waiting.pk}/change/")

    status = decide(client, waiting, act="deny", reason="I should not be able to")

    waiting.refresh_from_db()
    assert status == 403
    assert waiting.disposition == Disposition.UNDER_SUBMISSION
    assert "Deny" not in page.content.decode()


def test_an_auditor_who_looks_leaves_nothing_to_approve(
    waiting: EnrollmentRequest, auditor: User, signed_in: SignIn
) -> None:
    signed_in(auditor).get(f"/admin/enrollment/enrollmentrequest/{waiting.pk}/change/")

    assert not waiting.signing_records.exists()


def test_an_administrator_without_the_right_to_review_decides_nothing(
    waiting: EnrollmentRequest, administrator: User, signed_in: SignIn
) -> None:
    assert decide(signed_in(administrator), waiting, act="deny", reason="no") == 403


def test_a_manager_sees_neither_users_nor_the_audit_trail(manager: User, signed_in: SignIn) -> None:
    client = signed_in(manager)

    assert client.get("/admin/auth/user/").status_code == 403
    assert client.get("/admin/enrollment/auditevent/").status_code == 403


def test_an_operator_reads_about_the_ca_and_nothing_else(
    site: SetupReport, signed_in: SignIn
) -> None:
    operator = User.objects.create_user("olga")
    operator.groups.set(Group.objects.filter(name="Operators"))
    client = signed_in(operator)

    about_the_ca = (LISTS[3], LISTS[4], "/admin/rollover/", "/admin/condition/")
    assert {client.get(address).status_code for address in about_the_ca} == {200}
    others = set(LISTS) - set(about_the_ca)
    assert {client.get(address).status_code for address in others} == {403}
    assert client.get("/admin/").headers["Location"] == LISTS[3]


def test_a_right_that_is_taken_away_is_gone_with_the_next_click(
    waiting: EnrollmentRequest, manager: User, signed_in: SignIn
) -> None:
    client = signed_in(manager)
    before = client.get("/admin/").status_code
    manager.groups.clear()

    after = decide(client, waiting, act="deny", reason="too late")

    assert (before, after) == (200, 403)


@pytest.mark.parametrize(
    "address",
    [
        "/admin/enrollment/enrollmentrequest/add/",
        "/admin/enrollment/certificate/add/",
        "/admin/enrollment/authority/add/",
        "/admin/enrollment/certificaterevocationlist/add/",
        "/admin/enrollment/auditevent/add/",
        "/admin/auth/group/add/",
    ],
)
def test_nobody_types_in_what_must_happen(
    address: str, signed_in: SignIn, site: SetupReport
) -> None:
    """Not even a superuser."""
    root = User.objects.create_superuser("root")

    assert signed_in(root).get(address).status_code == 403


def test_nobody_edits_or_deletes_a_request(waiting: EnrollmentRequest, signed_in: SignIn) -> None:
    client = signed_in(User.objects.create_superuser("root"))
    address = f"/admin/enrollment/enrollmentrequest/{waiting.pk}"

    edited = client.post(f"{address}/change/", {"requester": "mallory"}).status_code
    deleted = client.post(f"{address}/delete/", {"post": "yes"}).status_code

    assert (edited, deleted) == (405, 403)


def test_every_page_works_under_the_strict_policy(waiting: EnrollmentRequest, desk: Client) -> None:
    """No inline style, script or handler: the policy of the site forbids all three."""
    for address in ("/admin/", *LISTS[:5], f"{LISTS[0]}{waiting.pk}/change/"):
        page = desk.get(address).content.decode()

        assert "<style" not in page
        assert " style=" not in page
        assert "<script>" not in page


def test_a_page_that_does_not_exist_is_said_not_to(desk: Client) -> None:
    assert desk.get("/admin/enrollment/enrollmentrequest/99/change/").status_code in (302, 404)
    assert desk.get("/admin/nothing/here/").status_code == 404
