"""Every legal change of a status, and what is said of the others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from enrollment.ca.revocation import (
    GOOD,
    REVOCATION_REASONS,
    Act,
    Reason,
    RevocationRefused,
    Status,
    change,
    may_change,
)

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
END = NOW + timedelta(days=365)
EARLIER = NOW - timedelta(days=3)
HELD = Status(EARLIER, Reason.CERTIFICATE_HOLD)
REVOKED = Status(EARLIER, Reason.KEY_COMPROMISE)


def test_a_revocation_says_when_and_why() -> None:
    status = change(GOOD, Act.REVOKE, now=NOW, not_after=END, reason=Reason.SUPERSEDED)

    assert status == Status(NOW, Reason.SUPERSEDED)


def test_a_hold_counts_as_revoked_until_it_is_released() -> None:
    held = change(GOOD, Act.HOLD, now=NOW, not_after=END)

    assert held.is_revoked
    assert held.is_held
    assert change(held, Act.RELEASE, now=NOW, not_after=END) == GOOD


def test_a_hold_that_becomes_a_revocation_keeps_its_date() -> None:
    status = change(HELD, Act.REVOKE, now=NOW, not_after=END, reason=Reason.KEY_COMPROMISE)

    assert status == REVOKED


@pytest.mark.parametrize("act", list(Act))
def test_a_revocation_is_never_taken_back(act: Act) -> None:
    with pytest.raises(RevocationRefused, match="revoked since 2026-11-20"):
        change(REVOKED, act, now=NOW, not_after=END)


def test_what_is_good_cannot_be_released() -> None:
    with pytest.raises(RevocationRefused, match="not on hold"):
        change(GOOD, Act.RELEASE, now=NOW, not_after=END)


def test_what_is_on_hold_is_not_held_again() -> None:
    with pytest.raises(RevocationRefused, match="on hold since"):
        change(HELD, Act.HOLD, now=NOW, not_after=END)


@pytest.mark.parametrize("act", list(Act))
def test_an_ended_certificate_keeps_its_status(act: Act) -> None:
    with pytest.raises(RevocationRefused, match="ended on"):
        change(HELD, act, now=END, not_after=END)


@pytest.mark.parametrize("reason", [Reason.CERTIFICATE_HOLD, Reason.REMOVE_FROM_CRL])
def test_hold_and_removal_are_no_reasons_to_revoke(reason: Reason) -> None:
    with pytest.raises(RevocationRefused, match="no reason"):
        change(GOOD, Act.REVOKE, now=NOW, not_after=END, reason=reason)


def test_an_invalidity_date_does_not_lie_ahead() -> None:
    with pytest.raises(RevocationRefused, match="future"):
        change(GOOD, Act.REVOKE, now=NOW, not_after=END, invalidity_date=NOW + timedelta(days=1))


@pytest.mark.parametrize("year", [1, 999, 1949])
def test_an_invalidity_date_that_no_list_can_say_is_refused(year: int) -> None:
    """Years below 1000 would be written with three digits, and the whole list be unreadable."""
    with pytest.raises(RevocationRefused, match="before 1950"):
        change(
            GOOD,
            Act.REVOKE,
            now=NOW,
            not_after=END,
            invalidity_date=datetime(year, 1, 1, tzinfo=UTC),
        )


@pytest.mark.parametrize("act", list(Act))
def test_what_is_chosen_from_a_table_is_what_can_be_changed(act: Act) -> None:
    """`may_change` says of rows what `change` does with values."""

    def changes(status: Status) -> bool:
        try:
            change(status, act, now=NOW, not_after=END)
        except RevocationRefused:
            return False
        return True

    assert may_change(act) == (changes(GOOD), changes(HELD))
    assert not changes(REVOKED)


def test_every_reason_that_can_be_chosen_says_when_to_choose_it() -> None:
    assert all(reason.meaning.endswith(".") for reason in REVOCATION_REASONS)
