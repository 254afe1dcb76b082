"""Two managers at the desk, for a template that wants both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from enrollment.ca.disposition import Disposition
from enrollment.models import EnrollmentRequest, Template
from tests.admin.conftest import submit
from tests.commands.conftest import Shell
from tests.conftest import person

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User
    from django.test import Client

    SignIn = Callable[[User], Client]

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(alice: User) -> EnrollmentRequest:
    """A request that two must approve."""
    Template.objects.filter(name="SubCA").update(approvals_needed=2)
    return submit(alice)


@pytest.fixture
def other_desk(manager: User, signed_in: SignIn) -> Client:
    """A second desk, with another manager at it."""
    return signed_in(person("mike", "Certificate Managers"))


def page_of(client: Client, row: EnrollmentRequest) -> str:
    return client.get(f"/admin/enrollment/enrollmentrequest/{row.pk}/change/").content.decode()


def approve(client: Client, row: EnrollmentRequest) -> str:
    """Press the button that the page shows; return the page that follows."""
    address = f"/admin/enrollment/enrollmentrequest/{row.pk}/"
    digest = client.get(f"{address}change/").context["exhibit"].digest
    answer = client.post(f"{address}decide/", {"act": "issue", "digest": digest}, follow=True)
    return answer.content.decode()


def test_two_managers_issue_and_each_sees_how_far_it_is(
    row: EnrollmentRequest, desk: Client, other_desk: Client
) -> None:
    before = page_of(desk, row)
    queue = approve(desk, row)
    again, others = page_of(desk, row), page_of(other_desk, row)
    last = approve(other_desk, row)

    assert ">Approve</button>" in before
    assert f"You approved request {row.pk}: 1 of 2 approvals." in queue
    assert "1 of 2 approvals</span>" in queue
    assert "You approved it already" in again
    assert ">Approve</button>" not in again
    assert "<bdi>maria</bdi>" in others
    assert f"Request {row.pk} is issued to alice." in last


def test_the_requester_only_learns_that_it_waits(
    row: EnrollmentRequest, alice: User, desk: Client, signed_in: SignIn
) -> None:
    approve(desk, row)

    for address in (f"status?id={row.pk}", "requests"):
        page = signed_in(alice).get(f"/certsrv/{address}").content.decode()
        assert "maria" not in page
        assert "1 of 2" not in page


def test_a_content_that_changed_is_said_to_the_next_manager(
    row: EnrollmentRequest, desk: Client, other_desk: Client
) -> None:
    approve(desk, row)
    Template.objects.filter(name="SubCA").update(validity_days=100)

    assert "The approval of maria counts no more" in page_of(other_desk, row)


def test_two_managers_in_a_shell(row: EnrollmentRequest, desk: Client) -> None:
    person("mike", "Certificate Managers")
    shell = Shell()

    nobody = shell.refused("requests", "approve", str(row.pk))
    first = shell("requests", "approve", str(row.pk), "--as", "maria")
    shown = shell.json("requests", "show", str(row.pk))
    shell("requests", "approve", str(row.pk), "--as", "mike")

    row.refresh_from_db()
    assert "--as NAME" in nobody
    assert "1 of 2 approvals" in first
    assert (shown["approvals"], shown["approved_by"]) == ("1 of 2", ["maria"])
    assert row.state is Disposition.ISSUED
