"""The settings of people who sign in: when guessing ends, and who needs a second factor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from enrollment.environment import Environment

MANAGERS: Final = "managers"
EVERYBODY: Final = "everybody"
REPORT: Final = "report"
OFF: Final = "off"
# Ways to sign in that can be as good as two factors, as `SignedInBy` calls them. Passwords cannot.
ELSEWHERE: Final = ("certificate", "negotiate", "oidc", "oidc-mfa", "remote-user")


@dataclass(frozen=True, slots=True)
class LockOut:
    """When wrong passwords end in a wait.

    Attributes:
        failures: how many for one account from one address; 0 for no end.
        period: within which they count, and how long the wait is.
    """

    failures: int = 10
    period: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """Who needs more than a password.

    Attributes:
        required: `managers` (everybody who may enter the desk), `everybody`, `report` or `off`.
        elsewhere: ways to sign in that are enough by themselves.
    """

    required: str = MANAGERS
    elsewhere: tuple[str, ...] = ("certificate",)


def read(environment: Environment) -> dict[str, Any]:
    """Read these settings, by their names in `conf.Settings`.

    Raises:
        ImproperlyConfigured: a value is wrong; the text says what to type.
    """
    return {"lock_out": _lock_out(environment), "second_factor": _second_factor(environment)}


def _lock_out(environment: Environment) -> LockOut:
    return LockOut(
        failures=environment.number("CERTSRV_LOCKOUT_FAILURES", 10, least=0, most=1000),
        period=environment.minutes("CERTSRV_LOCKOUT_MINUTES", 15, least=1, most=1440),
    )


def _second_factor(environment: Environment) -> SecondFactor:
    written = environment.text("CERTSRV_SECOND_FACTOR_ELSEWHERE", "certificate").casefold()
    words = tuple(dict.fromkeys(written.replace(",", " ").split()))
    if not set(words) <= set(ELSEWHERE):
        raise ImproperlyConfigured(
            f"CERTSRV_SECOND_FACTOR_ELSEWHERE is '{','.join(words)}'. Write any of these, parted "
            f"by commas, or nothing: {', '.join(ELSEWHERE)}."
        )
    return SecondFactor(
        required=environment.choice(
            "CERTSRV_SECOND_FACTOR", MANAGERS, (MANAGERS, EVERYBODY, REPORT, OFF)
        ),
        elsewhere=words,
    )
