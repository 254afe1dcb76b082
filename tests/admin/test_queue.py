"""The queue, and several requests decided at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from enrollment.ca.disposition import Disposition
from enrollment.models import EnrollmentRequest
from tests.admin.conftest import submit

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User
    from django.test import Client

pytestmark = pytest.mark.django_db


def confirm(client: Client, act: str, rows: list[EnrollmentRequest], **more: str) -> str:
    """Select requests, read the page that asks again, and confirm it; return the queue."""
    chosen = {"act": act, "request": [row.pk for row in rows]}
    page = client.post("/admin/queue/decide/", chosen)
    digests = {
        f"digest_{candidate.row.pk}": candidate.digest
        for candidate in page.context["candidates"]
        if candidate.digest
    }
    answer = client.post(
        "/admin/queue/decide/", {**chosen, **digests, **more, "confirmed": "1"}, follow=True
    )
    return answer.content.decode()


def test_the_queue_is_the_landing_page(waiting: EnrollmentRequest, desk: Client) -> None:
    page = desk.get("/admin/").content.decode()

    assert f"Request {waiting.pk}" in page
    assert "www.example.com" in page
    assert "alice" in page
    assert "Subordinate Certification Authority" in page


def test_an_empty_queue_says_so(desk: Client) -> None:
    assert "Nothing waits." in desk.get("/admin/").content.decode()


def test_the_one_who_waits_longest_comes_first(alice: User, charlie: User, desk: Client) -> None:
    first, second = submit(charlie, "a.example.com"), submit(alice, "b.example.com")

    entries = desk.get("/admin/").context["queue"].entries

    assert [entry.row.pk for entry in entries] == [first.pk, second.pk]


def test_a_name_that_somebody_else_holds_is_pointed_out(
    alice: User, charlie: User, desk: Client
) -> None:
    submit(charlie, "www.example.com", template="WebServer")
    submit(alice, "www.example.com")

    assert "www.example.com is held by charlie" in desk.get("/admin/").content.decode()


def test_a_name_that_the_requester_holds_is_not_pointed_out(alice: User, desk: Client) -> None:
    submit(alice, "www.example.com", template="WebServer")
    submit(alice, "www.example.com")

    assert "is held by" not in desk.get("/admin/").content.decode()


def test_the_numbers_at_the_top_count_what_waits_and_what_was_issued(
    alice: User, desk: Client
) -> None:
    submit(alice)
    submit(alice, template="WebServer")

    counts = {count.label: count.value for count in desk.get("/admin/").context["counts"]}

    assert counts == {"waiting": "1", "issued today": "1", "end within 30 days": "0"}


def test_a_filter_stays_until_it_is_cleared(alice: User, charlie: User, desk: Client) -> None:
    submit(alice, "a.example.com")
    submit(charlie, "c.example.com")
    desk.get("/admin/?requester=alice")

    kept = desk.get("/admin/").context["queue"].entries
    desk.get("/admin/?clear=1")
    cleared = desk.get("/admin/").context["queue"].entries

    assert [entry.row.requester for entry in kept] == ["alice"]
    assert len(cleared) == 2


def test_a_filter_that_makes_no_sense_shows_everything(
    waiting: EnrollmentRequest, desk: Client
) -> None:
    page = desk.get("/admin/?template=nothing&after=-5%27--&requester=" + "x" * 999)

    assert [entry.row.pk for entry in page.context["queue"].entries] == [waiting.pk]


def test_a_hostile_subject_is_shown_escaped(alice: User, desk: Client) -> None:
    submit(alice, "<script>alert(1)</script>\u202egnp.exe")

    page = desk.get("/admin/").content.decode()

    assert "<script>alert" not in page
    assert "\u202e" not in page


def test_drawing_fifty_requests_costs_no_more_queries_than_drawing_one(
    alice: User, waiting: EnrollmentRequest, desk: Client
) -> None:
    desk.get("/admin/")
    with CaptureQueriesContext(connection) as for_one:
        desk.get("/admin/")
    copies = [EnrollmentRequest.objects.get(pk=waiting.pk) for _ in range(49)]
    for number, copy in enumerate(copies):
        copy.pk, copy.names = None, [f"host{number}.example.com"]
    EnrollmentRequest.objects.bulk_create(copies)

    with CaptureQueriesContext(connection) as for_fifty:
        desk.get("/admin/")

    assert len(for_fifty) == len(for_one)


def test_no_list_counts_the_whole_table(waiting: EnrollmentRequest, desk: Client) -> None:
    """Every COUNT reads a subquery that stops at a limit."""
    with CaptureQueriesContext(connection) as queries:
        for address in ("/admin/", "/admin/enrollment/certificate/",
                        "/admin/enrollment/enrollmentrequest/"):  # fmt: skip
            desk.get(address)

    counts = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
    assert counts
    assert all("LIMIT" in sql for sql in counts)


def test_several_are_issued_at_once_each_with_the_digest_that_was_shown(
    alice: User, charlie: User, desk: Client
) -> None:
    rows = [submit(alice, "a.example.com"), submit(charlie, "c.example.com")]

    queue = confirm(desk, "issue", rows)

    assert {EnrollmentRequest.objects.get(pk=row.pk).state for row in rows} == {Disposition.ISSUED}
    assert f"Request {rows[0].pk} is issued to alice." in queue
    assert f"Request {rows[1].pk} is issued to charlie." in queue


def test_nothing_happens_before_it_is_confirmed(waiting: EnrollmentRequest, desk: Client) -> None:
    page = desk.post("/admin/queue/decide/", {"act": "issue", "request": [waiting.pk]})

    waiting.refresh_from_db()
    assert waiting.signing_records.get().digest in page.content.decode()
    assert waiting.disposition == Disposition.UNDER_SUBMISSION


def test_one_refusal_does_not_undo_the_others(alice: User, manager: User, desk: Client) -> None:
    """The manager may not approve their own; Alice's, after it, is issued all the same."""
    manager.groups.add(*alice.groups.all())
    own, other = submit(manager, "own.example.com"), submit(alice, "a.example.com")

    queue = confirm(desk, "issue", [own, other])

    own.refresh_from_db()
    other.refresh_from_db()
    assert own.disposition == Disposition.UNDER_SUBMISSION
    assert other.disposition == Disposition.ISSUED
    assert "another certificate manager must decide" in queue


def test_several_are_denied_with_one_reason(alice: User, charlie: User, desk: Client) -> None:
    rows = [submit(alice, "a.example.com"), submit(charlie, "c.example.com")]

    confirm(desk, "deny", rows, reason="Ask for one name at a time.")

    found = EnrollmentRequest.objects.filter(pk__in=[row.pk for row in rows])
    assert {(row.state, row.detail) for row in found} == {
        (Disposition.DENIED, "Ask for one name at a time.")
    }


def test_denying_without_a_reason_asks_for_one(waiting: EnrollmentRequest, desk: Client) -> None:
    page = confirm(desk, "deny", [waiting], reason="  ")

    waiting.refresh_from_db()
    assert "Say why" in page
    assert waiting.disposition == Disposition.UNDER_SUBMISSION


def test_choosing_nothing_is_answered_with_a_sentence(desk: Client) -> None:
    page = desk.post("/admin/queue/decide/", {"act": "issue"}, follow=True).content.decode()

    assert "Select at least one request" in page


@pytest.mark.parametrize("junk", ["x", "-1", "9" * 400, "\u0663", "1;DROP"])
def test_a_request_number_that_is_none_is_ignored(junk: str, desk: Client) -> None:
    answer = desk.post("/admin/queue/decide/", {"act": "issue", "request": junk})

    assert answer.status_code == 302


def test_the_page_works_for_somebody_who_only_reads(
    waiting: EnrollmentRequest,
    auditor: User,
    signed_in: Callable[[User], Client],
) -> None:
    page = signed_in(auditor).get("/admin/").content.decode()

    assert "www.example.com" in page
    assert 'name="act"' not in page
