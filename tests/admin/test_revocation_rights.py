"""Who may take certificates back at the desk, and by which posts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from enrollment.ca.disposition import Disposition
from enrollment.ca.revocation import Act
from tests.admin.conftest import submit
from tests.admin.taking_back import (
    LIST,
    STATUS,
    ask,
    confirm,
    issue,
    page_of,
    state_of,
)
from tests.conftest import person

if TYPE_CHECKING:
    from collections.abc import Callable

    from enrollment.models import Certificate

    SignIn = Callable[[User], Client]

pytestmark = pytest.mark.django_db


@pytest.fixture
def certificate(alice: User) -> Certificate:
    """Alice's certificate."""
    return issue(alice)


@pytest.fixture
def on_duty(certificate: Certificate, signed_in: SignIn) -> Client:
    """The desk, with somebody at it who may revoke and not review."""
    return signed_in(person("rita", "Certificate Revokers"))


def test_who_may_only_review_revokes_nothing(certificate: Certificate, signed_in: SignIn) -> None:
    """Approval and taking back are granted apart from each other."""
    clerk = User.objects.create_user("clerk")
    clerk.user_permissions.set(
        Permission.objects.filter(codename__in=["review_enrollmentrequest", "view_certificate"])
    )
    client = signed_in(clerk)

    listed = client.get(LIST).content.decode()
    shown = page_of(client, certificate)
    statuses = {
        client.post(STATUS, {"act": act, "confirmed": "1", "reason": "1", **fields}).status_code
        for act in Act
        for fields in (
            {"certificate": str(certificate.pk)},
            {"requester": "alice", "newest": "9"},
            {"key": certificate.spki_sha256, "newest": "9"},
        )
    }

    assert statuses == {403}
    assert state_of(certificate) == "valid"
    assert 'name="certificate"' not in listed
    assert STATUS not in listed + shown


def test_who_may_only_revoke_reviews_nothing(
    certificate: Certificate, alice: User, on_duty: Client
) -> None:
    waiting = submit(alice, "waits.example.com")

    revoked = confirm(on_duty, "revoke", certificate, reason="1")
    decided = on_duty.post(
        f"/admin/enrollment/enrollmentrequest/{waiting.pk}/decide/",
        {"act": "deny", "reason": "no"},
    )

    waiting.refresh_from_db()
    assert "is revoked; CRL 2 says so." in revoked
    assert decided.status_code == 403
    assert waiting.disposition == Disposition.UNDER_SUBMISSION
    assert on_duty.get("/admin/", follow=True).status_code == 200


@pytest.mark.parametrize("role", ["Auditors", "CA Administrators", "Enrollees", "Operators"])
def test_no_other_role_takes_anything_back(
    role: str, certificate: Certificate, signed_in: SignIn
) -> None:
    client = signed_in(person("somebody", role))

    answer = ask(client, "revoke", certificate, confirmed="1", reason="1")

    assert answer.status_code == 403
    assert state_of(certificate) == "valid"


def test_a_stranger_takes_nothing_back(certificate: Certificate) -> None:
    answer = ask(Client(SERVER_NAME="localhost"), "revoke", certificate, confirmed="1", reason="1")

    assert answer.status_code in (302, 401)
    assert state_of(certificate) == "valid"


def test_a_right_that_is_taken_away_is_gone_with_the_next_click(
    certificate: Certificate, manager: User, desk: Client
) -> None:
    asked = ask(desk, "revoke", certificate).status_code
    manager.groups.clear()

    done = ask(desk, "revoke", certificate, confirmed="1", reason="1").status_code

    assert (asked, done) == (200, 403)
    assert state_of(certificate) == "valid"


def test_an_account_that_is_switched_off_takes_nothing_back(
    certificate: Certificate, manager: User, desk: Client
) -> None:
    User.objects.filter(pk=manager.pk).update(is_active=False)

    ask(desk, "revoke", certificate, confirmed="1", reason="1")

    assert state_of(certificate) == "valid"


def test_a_post_without_the_token_does_nothing(certificate: Certificate, manager: User) -> None:
    client = Client(SERVER_NAME="localhost", enforce_csrf_checks=True)
    client.force_login(manager)

    answer = ask(client, "revoke", certificate, confirmed="1", reason="1")

    assert answer.status_code == 403
    assert state_of(certificate) == "valid"


def test_a_link_does_nothing(certificate: Certificate, desk: Client) -> None:
    answer = desk.get(f"{STATUS}?act=revoke&certificate={certificate.pk}&confirmed=1&reason=1")

    assert answer.status_code == 405
    assert state_of(certificate) == "valid"


def test_the_pages_work_under_the_strict_policy(certificate: Certificate, desk: Client) -> None:
    """No inline style, script or handler: the policy of the site forbids all three."""
    pages = [desk.get(LIST, {"q": "alice"}), desk.get(f"{LIST}{certificate.pk}/change/")]
    pages += [ask(desk, act, certificate) for act in ("revoke", "hold", "release")]

    for page in pages:
        text = page.content.decode()
        assert "<style" not in text
        assert " style=" not in text
        assert "<script>" not in text


def test_a_hostile_name_is_shown_escaped(alice: User, desk: Client) -> None:
    row = issue(alice, "<script>alert(1)</script>\u202egnp.exe")

    for page in (ask(desk, "revoke", row).content.decode(),
                 confirm(desk, "revoke", row, reason="1")):  # fmt: skip
        assert "<script>alert" not in page
        assert "\u202e" not in page
