"""A certificate manager who may decide only a part, at the desk and in a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from enrollment.ca.disposition import Disposition
from enrollment.models import AuditEvent, EnrollmentRequest, ManagerScope, Template
from tests.admin.conftest import submit
from tests.admin.taking_back import ask, confirm, confirm_all, issue, page_of, state_of
from tests.admin.test_users import change
from tests.commands.conftest import Shell

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User
    from django.test import Client

    SignIn = Callable[[User], Client]

pytestmark = pytest.mark.django_db


@pytest.fixture
def within(alice: User) -> EnrollmentRequest:
    """A request that the manager may decide."""
    return submit(alice, "within.example.com")


@pytest.fixture
def beyond(alice: User) -> EnrollmentRequest:
    """A request of another template, which waits as well."""
    Template.objects.filter(name="WebServer").update(approval="always")
    return submit(alice, "beyond.example.com", template="WebServer")


@pytest.fixture(autouse=True)
def _limited(manager: User) -> None:
    ManagerScope.objects.create(user=manager, template=Template.objects.get(name="SubCA"))


def state_now(row: EnrollmentRequest) -> Disposition:
    return EnrollmentRequest.objects.get(pk=row.pk).state


def decide(client: Client, row: EnrollmentRequest, **fields: str) -> str:
    address = f"/admin/enrollment/enrollmentrequest/{row.pk}/decide/"
    return str(client.post(address, fields, follow=True).content.decode())


def test_the_queue_and_its_count_are_what_may_be_decided(
    within: EnrollmentRequest, beyond: EnrollmentRequest, desk: Client
) -> None:
    answer = desk.get("/admin/")

    assert [entry.row.pk for entry in answer.context["queue"].entries] == [within.pk]
    assert answer.context["counts"][0].value == "1"
    assert "You decide <bdi>what anybody asks for by template" in answer.content.decode()


def test_the_queue_of_a_limited_manager_is_read_from_an_index(
    within: EnrollmentRequest, desk: Client
) -> None:
    with CaptureQueriesContext(connection) as queries:
        desk.get("/admin/")

    [queue] = [
        query["sql"] for query in queries
        if 'FROM "enrollment_enrollmentrequest"' in query["sql"] and "COUNT" not in query["sql"]
        and "LIMIT 51" in query["sql"]
    ]  # fmt: skip
    with connection.cursor() as cursor:
        if connection.vendor != "sqlite":
            pytest.skip("the plan is read as SQLite writes it")
        cursor.execute(f"EXPLAIN QUERY PLAN {queue}")
        plan = " ".join(str(line) for line in cursor.fetchall())
    assert "SEARCH" in plan
    assert "USING INDEX request_" in plan


def test_another_request_can_be_read_and_says_why_it_is_not_theirs(
    beyond: EnrollmentRequest, desk: Client
) -> None:
    page = desk.get(f"/admin/enrollment/enrollmentrequest/{beyond.pk}/change/").content.decode()

    assert "beyond.example.com" in page
    assert "0x80094009" in page
    assert "desk-decide" not in page


@pytest.mark.parametrize("act", ["issue", "deny"])
def test_a_post_for_another_request_changes_nothing(
    act: str, beyond: EnrollmentRequest, desk: Client
) -> None:
    page = decide(desk, beyond, act=act, digest="0" * 64, reason="no")

    assert "0x80094009" in page
    assert state_now(beyond) is Disposition.UNDER_SUBMISSION


def test_of_several_those_beyond_are_left_out(
    within: EnrollmentRequest, beyond: EnrollmentRequest, desk: Client
) -> None:
    chosen = {"act": "deny", "request": [within.pk, beyond.pk]}
    asked = desk.post("/admin/queue/decide/", chosen).content.decode()
    desk.post("/admin/queue/decide/", {**chosen, "confirmed": "1", "reason": "no"})

    assert "Left out: Your right as a certificate manager is limited" in asked
    assert state_now(within) is Disposition.DENIED
    assert state_now(beyond) is Disposition.UNDER_SUBMISSION


def test_a_certificate_beyond_is_shown_without_acts_and_left_as_it_is(
    alice: User, desk: Client
) -> None:
    row = issue(alice)

    shown = page_of(desk, row)
    asked = ask(desk, "revoke", row).content.decode()
    done = confirm(desk, "revoke", row, reason="1")

    assert "This certificate:" not in shown
    for page in (shown, asked, done):
        assert "0x80094009" in page
    assert state_of(row) == "valid"


def test_of_all_certificates_of_a_requester_only_those_within_are_meant(
    alice: User, manager: User, desk: Client
) -> None:
    row = issue(alice)
    with_none = confirm_all_or_nothing(desk, "alice")
    ManagerScope.objects.create(user=manager, template=Template.objects.get(name="WebServer"))

    confirm_all(desk, "hold", requester="alice")

    assert "and yours to take back: nothing to do" in with_none
    assert state_of(row) != "valid"


def confirm_all_or_nothing(client: Client, requester: str) -> str:
    address = "/admin/certificates/status/"
    answer = client.post(address, {"act": "hold", "requester": requester}, follow=True)
    return str(answer.content.decode())


def test_a_shell_that_acts_as_the_manager_is_bound_by_the_limit(
    beyond: EnrollmentRequest, alice: User
) -> None:
    Template.objects.filter(name="WebServer").update(approval="none")
    certificate = issue(alice, "issued.example.com")
    shell = Shell()

    issuing = shell.refused("requests", "approve", str(beyond.pk), "--as", "maria")
    revoking = shell.refused(
        "certificates", "revoke", certificate.serial_number, "--reason", "superseded",
        "--as", "maria",
    )  # fmt: skip
    as_nobody = shell.refused("certificates", "hold", certificate.serial_number, "--as", "alice")

    assert "0x80094009" in issuing
    assert "0x80094009" in revoking
    assert "'alice' may not change the status" in as_nobody
    assert state_of(certificate) == "valid"


def test_an_administrator_limits_a_manager_and_that_is_recorded(
    manager: User, administrator: User, signed_in: SignIn
) -> None:
    office, web = signed_in(administrator), Template.objects.get(name="WebServer")
    [row] = ManagerScope.objects.filter(user=manager)

    change(office, manager, **{
        "manager_scopes-TOTAL_FORMS": "2",
        "manager_scopes-INITIAL_FORMS": "1",
        "manager_scopes-0-id": str(row.pk),
        "manager_scopes-0-user": str(manager.pk),
        "manager_scopes-0-template": str(row.template_id),
        "manager_scopes-1-user": str(manager.pk),
        "manager_scopes-1-template": str(web.pk),
    })  # fmt: skip

    event = AuditEvent.objects.get(subject="user maria", verb="user changed")
    assert ManagerScope.objects.filter(user=manager).count() == 2
    assert event.detail["changes"]["decides_only"] == [
        ["SubCA, asked for by everybody"],
        ["SubCA, asked for by everybody", "WebServer, asked for by everybody"],
    ]


def test_a_limit_of_nothing_is_refused_with_a_sentence(
    manager: User, administrator: User, signed_in: SignIn
) -> None:
    [row] = ManagerScope.objects.filter(user=manager)

    answer = change(signed_in(administrator), manager, **{
        "manager_scopes-TOTAL_FORMS": "1",
        "manager_scopes-INITIAL_FORMS": "1",
        "manager_scopes-0-id": str(row.pk),
        "manager_scopes-0-user": str(manager.pk),
        "manager_scopes-0-template": "",
    })  # fmt: skip

    assert "a limit without either limits nothing" in answer.content.decode()
    row.refresh_from_db()
    assert row.template is not None
