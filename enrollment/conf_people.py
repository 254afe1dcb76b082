"""The settings of people who sign in: when guessing ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from enrollment.environment import Environment


@dataclass(frozen=True, slots=True)
class LockOut:
    """When wrong passwords end in a wait.

    Attributes:
        failures: how many for one account from one address; 0 for no end.
        period: within which they count, and how long the wait is.
    """

    failures: int = 10
    period: timedelta = timedelta(minutes=15)


def lock_out(environment: Environment) -> LockOut:
    """Read these settings.

    Raises:
        ImproperlyConfigured: a value is wrong; the text says what to type.
    """
    return LockOut(
        failures=environment.number("CERTSRV_LOCKOUT_FAILURES", 10, least=0, most=1000),
        period=environment.minutes("CERTSRV_LOCKOUT_MINUTES", 15, least=1, most=1440),
    )
