"""Reasons, statuses, and every legal change of a status.

Stricter than the original: a revocation is never taken back, and its date never moves. Only a hold
ends, by release or by becoming a revocation.

Source: RFC 5280 section 5.3.1; MS-CSRA 3.1.4.1.8 for the codes of what is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from typing import Final


class Reason(IntEnum):
    """Why a certificate is revoked; the numbers of RFC 5280 and of AD CS."""

    UNSPECIFIED = 0
    KEY_COMPROMISE = 1
    CA_COMPROMISE = 2
    AFFILIATION_CHANGED = 3
    SUPERSEDED = 4
    CESSATION_OF_OPERATION = 5
    CERTIFICATE_HOLD = 6
    REMOVE_FROM_CRL = 8
    PRIVILEGE_WITHDRAWN = 9

    @property
    def label(self) -> str:
        """The reason for a person."""
        return _LABELS[self]

    @property
    def meaning(self) -> str:
        """When to choose this reason, for somebody who has to choose one."""
        return _MEANINGS[self]


_LABELS: Final = {
    Reason.UNSPECIFIED: "unspecified",
    Reason.KEY_COMPROMISE: "key compromise",
    Reason.CA_COMPROMISE: "CA compromise",
    Reason.AFFILIATION_CHANGED: "affiliation changed",
    Reason.SUPERSEDED: "superseded",
    Reason.CESSATION_OF_OPERATION: "cessation of operation",
    Reason.CERTIFICATE_HOLD: "on hold",
    Reason.REMOVE_FROM_CRL: "removed from the list",
    Reason.PRIVILEGE_WITHDRAWN: "privilege withdrawn",
}

# What a person may choose; a hold is an act of its own, and 8 stands in deltas only.
REVOCATION_REASONS: Final = tuple(
    reason for reason in Reason if reason not in (Reason.CERTIFICATE_HOLD, Reason.REMOVE_FROM_CRL)
)

# The key is in other hands: nobody gets a certificate with it again.
COMPROMISES: Final = (Reason.KEY_COMPROMISE, Reason.CA_COMPROMISE)

_MEANINGS: Final = {
    Reason.UNSPECIFIED: "None of the others, or nobody shall read why.",
    Reason.KEY_COMPROMISE: "The private key is, or may be, in other hands. This CA never issues "
    "for that key again.",
    Reason.CA_COMPROMISE: "The same, and the certificate is that of a CA below this one.",
    Reason.AFFILIATION_CHANGED: "The names are no longer right: somebody left, a name changed.",
    Reason.SUPERSEDED: "Another certificate took its place.",
    Reason.CESSATION_OF_OPERATION: "What it was for is switched off.",
    Reason.PRIVILEGE_WITHDRAWN: "Its holder should not have it any more.",
}

# GeneralizedTime and every parser read years from here on.
_EARLIEST: Final = datetime(1950, 1, 1, tzinfo=UTC)

INVALID_DATA: Final = 0x8007000D
INVALID_PARAMETER: Final = 0x80070057


class Act(StrEnum):
    """What may be done to the status of a certificate."""

    REVOKE = "revoke"
    HOLD = "hold"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Status:
    """Whether a certificate is good, and if not, since when and why."""

    revoked_at: datetime | None = None
    reason: Reason | None = None
    invalidity_date: datetime | None = None

    @property
    def is_revoked(self) -> bool:
        """Whether it stands on lists: held certificates do."""
        return self.revoked_at is not None

    @property
    def is_held(self) -> bool:
        """Whether it may still be released."""
        return self.reason is Reason.CERTIFICATE_HOLD


GOOD: Final = Status()


class RevocationRefused(Exception):
    """A change of status that is not made, and why, in one sentence."""

    def __init__(self, detail: str, *, hresult: int = INVALID_DATA) -> None:
        super().__init__(detail)
        self.hresult = hresult


def change(  # noqa: PLR0913 - all that an act says
    status: Status,
    act: Act,
    *,
    now: datetime,
    not_after: datetime,
    reason: Reason | None = None,
    invalidity_date: datetime | None = None,
) -> Status:
    """Return the status after `act`.

    Args:
        status: the status now.
        act: what is to be done.
        now: the moment of the act; becomes the revocation date.
        not_after: the end of the certificate.
        reason: for a revocation only.
        invalidity_date: when the key is known or suspected to have been lost, not after `now`
            (RFC 5280 section 5.3.2).

    Raises:
        RevocationRefused: the status does not allow it; the sentence says what the status is.
    """
    if now >= not_after:
        raise RevocationRefused(
            f"The certificate ended on {not_after:%Y-%m-%d %H:%M} UTC; nobody accepts it any more."
        )
    check_invalidity(invalidity_date, now=now)
    if act is Act.RELEASE:
        return _release(status)
    if act is Act.HOLD:
        return _hold(status, now, invalidity_date)
    return _revoke(status, now, reason or Reason.UNSPECIFIED, invalidity_date)


def check_invalidity(invalidity_date: datetime | None, *, now: datetime) -> None:
    """See that a key can have been lost at that moment.

    Raises:
        RevocationRefused: it has not come yet, or no list can say it.
    """
    if invalidity_date is not None and invalidity_date > now:
        raise RevocationRefused(
            "The invalidity date lies in the future.", hresult=INVALID_PARAMETER
        )
    if invalidity_date is not None and invalidity_date < _EARLIEST:
        raise RevocationRefused("The invalidity date lies before 1950.", hresult=INVALID_PARAMETER)


def may_change(act: Act) -> tuple[bool, bool]:
    """Say of which certificates in time `act` may be carried out: of valid ones, of held ones."""
    return _OPEN_TO[act]


def _release(status: Status) -> Status:
    if not status.is_revoked:
        raise RevocationRefused("The certificate is not on hold: it is valid.")
    if not status.is_held:
        raise _already(status)
    return GOOD


def _hold(status: Status, now: datetime, invalidity_date: datetime | None) -> Status:
    if status.is_held:
        raise RevocationRefused(f"The certificate is on hold since {status.revoked_at:%Y-%m-%d}.")
    if status.is_revoked:
        raise _already(status)
    return Status(now, Reason.CERTIFICATE_HOLD, invalidity_date)


def _revoke(
    status: Status, now: datetime, reason: Reason, invalidity_date: datetime | None
) -> Status:
    if reason not in REVOCATION_REASONS:
        raise RevocationRefused(
            f"'{reason.label}' is no reason for a revocation.", hresult=INVALID_PARAMETER
        )
    if status.is_revoked and not status.is_held:
        raise _already(status)
    # A hold that becomes a revocation keeps its date: the certificate was not good in between.
    return Status(status.revoked_at or now, reason, invalidity_date or status.invalidity_date)


def _already(status: Status) -> RevocationRefused:
    label = status.reason.label if status.reason is not None else "unspecified"
    return RevocationRefused(
        f"The certificate is revoked since {status.revoked_at:%Y-%m-%d %H:%M} UTC ({label}); that "
        "is never taken back."
    )


# The same as `change`, for choosing rows of a table; a test keeps the two equal.
_OPEN_TO: Final = {
    Act.REVOKE: (True, True),
    Act.HOLD: (True, False),
    Act.RELEASE: (False, True),
}
