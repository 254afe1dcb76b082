"""Certificates taken back together: a selection, all of a requester, all with one key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User

from enrollment.admin import target
from tests.admin.taking_back import (
    LIST,
    STATUS,
    ask,
    confirm,
    confirm_all,
    issue,
    state_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from enrollment.models import Certificate

    SignIn = Callable[[User], Client]

pytestmark = pytest.mark.django_db


@pytest.fixture
def certificate(alice: User) -> Certificate:
    """Alice's certificate."""
    return issue(alice)


def test_several_are_selected_in_the_list(alice: User, charlie: User, desk: Client) -> None:
    rows = [issue(alice, "a.example.com"), issue(charlie, "c.example.com")]
    listed = desk.get(LIST).content.decode()

    page = confirm(desk, "revoke", *rows, reason="4")

    assert [f'name="certificate" value="{row.pk}"' in listed for row in rows] == [True, True]
    assert "2 certificates are revoked; CRL 2 says so." in page
    assert [state_of(row) for row in rows] == ["superseded", "superseded"]


def test_those_that_cannot_be_changed_are_said_before_and_the_others_done(
    alice: User, desk: Client
) -> None:
    gone, good = issue(alice, "gone.example.com"), issue(alice, "good.example.com")
    confirm(desk, "revoke", gone, reason="1")

    asked = ask(desk, "hold", gone, good)
    done = confirm(desk, "hold", gone, good)

    problems = {c.names: bool(c.problem) for c in asked.context["asked"].candidates}
    assert problems == {"gone.example.com": True, "good.example.com": False}
    assert f'name="certificate" value="{gone.pk}"' not in asked.content.decode()
    assert "issued to alice, is on hold" in done
    assert "The certificate for gone.example.com, issued to alice, was left as it is." in done


# --- all of a requester, all of a key ---


def test_all_valid_certificates_of_a_requester_are_counted_and_revoked(
    alice: User, charlie: User, desk: Client
) -> None:
    rows = [issue(alice, f"{name}.example.com") for name in "abc"]
    other = issue(charlie, "c.example.org")
    confirm(desk, "revoke", rows[0], reason="1")

    asked = desk.post(STATUS, {"act": "revoke", "requester": "alice"})
    done = confirm_all(desk, "revoke", requester="alice", reason="9")

    assert asked.context["asked"].count == 2
    assert "Revoke all certificates of alice?" in asked.content.decode()
    assert "2 certificates are revoked; CRL 3 says so." in done
    assert [state_of(row) for row in rows] == ["key compromise"] + ["privilege withdrawn"] * 2
    assert state_of(other) == "valid"


def test_all_with_one_key_are_revoked_whoever_has_them(
    alice: User, charlie: User, desk: Client
) -> None:
    rows = [issue(alice), issue(charlie, "c.example.org")]

    page = confirm_all(desk, "revoke", key=rows[0].spki_sha256, reason="1")

    assert "2 certificates are revoked" in page
    assert [state_of(row) for row in rows] == ["key compromise"] * 2


def test_all_on_hold_are_released_together(alice: User, desk: Client) -> None:
    rows = [issue(alice, f"{name}.example.com") for name in "ab"]
    confirm_all(desk, "hold", requester="alice")

    assert "2 certificates are valid again" in confirm_all(desk, "release", requester="alice")
    assert [state_of(row) for row in rows] == ["valid", "valid"]


def test_what_was_issued_after_the_page_was_shown_is_told_and_not_touched(
    alice: User, desk: Client
) -> None:
    first = issue(alice, "first.example.com")
    page = desk.post(STATUS, {"act": "revoke", "requester": "alice"})
    second = issue(alice, "second.example.com")

    answer = confirm(desk, "revoke", requester="alice", reason="1",
                     newest=str(page.context["asked"].newest))  # fmt: skip

    assert "1 certificate of alice is left" in answer
    assert [state_of(first), state_of(second)] == ["key compromise", "valid"]


@pytest.mark.parametrize("newest", [{}, {"newest": ""}, {"newest": "x"}])
def test_a_set_that_was_never_counted_is_not_changed(
    newest: dict[str, str], certificate: Certificate, desk: Client
) -> None:
    page = confirm(desk, "revoke", requester="alice", reason="1", **newest)

    assert "Revoke all certificates of alice?" in page
    assert state_of(certificate) == "valid"


def test_a_large_set_is_done_in_goes(
    alice: User, desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(target, "MOST_AT_ONCE", 2)
    monkeypatch.setattr("enrollment.admin.revoke.MOST_AT_ONCE", 2)
    rows = [issue(alice, f"{name}.example.com") for name in "abc"]

    asked = desk.post(STATUS, {"act": "revoke", "requester": "alice"}).content.decode()
    first = confirm_all(desk, "revoke", requester="alice", reason="4")
    confirm_all(desk, "revoke", requester="alice", reason="4")

    assert "so many are done in one go" in asked
    assert "1 certificate of alice is left" in first
    assert [state_of(row) for row in rows] == ["superseded"] * 3


def test_a_long_set_is_listed_in_part_and_meant_as_a_whole(
    certificate: Certificate, desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("enrollment.admin.revoke.SHOWN", 1)
    issue(certificate.request.account or User(), "second.example.com")

    page = desk.post(STATUS, {"act": "revoke", "requester": "alice"}).content.decode()

    assert "The first 1 are listed; all are meant." in page


def test_the_sets_are_offered_where_they_are_seen(alice: User, charlie: User, desk: Client) -> None:
    row, _ = issue(alice), issue(charlie, "c.example.org")

    alone = desk.get(LIST).context["holdings"]
    by_requester = desk.get(LIST, {"q": "alice"}).context["holdings"]
    by_key = desk.get(LIST, {"key": row.spki_sha256})
    on_page = desk.get(f"{LIST}{row.pk}/change/").context["holdings"]

    assert alone == ()
    assert [one.value for one in by_requester] == ["alice"]
    assert [one.value for one in by_key.context["holdings"]] == [row.spki_sha256]
    assert by_key.context["cl"].result_count == 2
    # Alice has one certificate; its key is Charlie's, too.
    assert [one.value for one in on_page] == [row.spki_sha256]


def test_the_page_of_an_account_leads_to_its_certificates(
    certificate: Certificate, alice: User, signed_in: SignIn, administrator: User
) -> None:
    page = signed_in(administrator).get(f"/admin/auth/user/{alice.pk}/change/")
    root = signed_in(User.objects.create_superuser("root"))
    both = root.get(f"/admin/auth/user/{alice.pk}/change/")

    assert f'{LIST}?q=alice"' in page.content.decode()
    assert page.context["holdings"] == ()
    assert [one.value for one in both.context["holdings"]] == ["alice"]
