"""States of a request, and every legal move between them.

Source: CR_DISP_* of MS-WCCE 3.2.1.4.2.1.3; certsrv-contract section 6.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Disposition(IntEnum):
    """Where a request stands, numbered as clients know it."""

    INCOMPLETE = 0
    ERROR = 1
    DENIED = 2
    ISSUED = 3
    ISSUED_OUT_OF_BAND = 4
    UNDER_SUBMISSION = 5
    REVOKED = 6


class Step(StrEnum):
    """What may be done to a request."""

    HOLD = "hold"
    ISSUE = "issue"
    DENY = "deny"
    FAIL = "fail"
    REVOKE = "revoke"
    RELEASE = "release"


# Every legal move. A move that is not here does not exist; docs/reference/dispositions.md draws
# this table, and a test keeps the two equal.
TRANSITIONS: Mapping[tuple[Disposition, Step], Disposition] = MappingProxyType(
    {
        (Disposition.INCOMPLETE, Step.HOLD): Disposition.UNDER_SUBMISSION,
        (Disposition.INCOMPLETE, Step.ISSUE): Disposition.ISSUED,
        (Disposition.INCOMPLETE, Step.DENY): Disposition.DENIED,
        (Disposition.INCOMPLETE, Step.FAIL): Disposition.ERROR,
        (Disposition.UNDER_SUBMISSION, Step.ISSUE): Disposition.ISSUED,
        (Disposition.UNDER_SUBMISSION, Step.DENY): Disposition.DENIED,
        (Disposition.ISSUED, Step.REVOKE): Disposition.REVOKED,
        (Disposition.REVOKED, Step.RELEASE): Disposition.ISSUED,
    }
)


class IllegalTransition(Exception):
    """A step that the current disposition does not allow: a bug, or a race somebody lost."""


def advance(current: Disposition, step: Step) -> Disposition:
    """Return the disposition after `step`.

    Raises:
        IllegalTransition: `current` does not allow `step`.
    """
    try:
        return TRANSITIONS[current, step]
    except KeyError:
        raise IllegalTransition(
            f"cannot {step.value} a request that is {current.name.replace('_', ' ').lower()}"
        ) from None
