"""The settings of the web's edge: how often something may be tried, and what the log tells."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from enrollment.environment import Environment

ON: Final = "on"
REPORT: Final = "report"
OFF: Final = "off"
_TWO_YEARS: Final = 63_072_000
_SECONDS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0}
_RATE: Final = re.compile(r"([1-9][0-9]{0,6})/([smh])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and so many again in each `seconds`."""

    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Limits:
    """How often something may fail, or be asked for; None is as often as one likes.

    Attributes:
        mode: `on`, `report` (count and tell, refuse nobody) or `off`.
        strangers: answers "sign in" or "not there", to one address.
        passwords: wrong credentials for one name, from one address.
        names: wrong credentials for whatever name, from one address.
        ids: request ids that are unknown to an account, or hidden from it.
        submissions: requests and previews of one account.
        open_submissions: the same from one address, of whoever has not signed in.
    """

    mode: str = ON
    strangers: Rate | None = Rate(600, 60.0)
    passwords: Rate | None = Rate(20, 60.0)
    names: Rate | None = Rate(120, 60.0)
    ids: Rate | None = Rate(60, 60.0)
    submissions: Rate | None = Rate(6000, 60.0)
    open_submissions: Rate | None = Rate(60, 60.0)


@dataclass(frozen=True, slots=True)
class Web:
    """All of these settings.

    Attributes:
        limits: how often something may fail.
        log_format: `line` or `json`.
        access_log: whether each request gets a line in the log.
        strict_requests: `on`, or `report` to tell who sends what no client should.
        read_seconds: for one request to arrive.
        write_seconds: for one answer to be taken.
        hsts_seconds: for which browsers shall ask over TLS only; None to see for ourselves.
    """

    limits: Limits = Limits()
    log_format: str = "line"
    access_log: bool = False
    strict_requests: str = ON
    read_seconds: float = 30.0
    write_seconds: float = 600.0
    hsts_seconds: int | None = None


def read(environment: Environment) -> Web:
    """Read these settings.

    Raises:
        ImproperlyConfigured: a value is wrong; the text says what to type.
    """
    return Web(
        limits=_limits(environment),
        log_format=environment.choice("CERTSRV_LOG_FORMAT", "line", ("line", "json")),
        access_log=environment.flag("CERTSRV_ACCESS_LOG", default=False),
        strict_requests=environment.choice("CERTSRV_STRICT_REQUESTS", ON, (ON, REPORT)),
        read_seconds=float(environment.number("CERTSRV_READ_SECONDS", 30, least=1, most=600)),
        write_seconds=float(environment.number("CERTSRV_WRITE_SECONDS", 600, least=1, most=86400)),
        hsts_seconds=_hsts(environment),
    )


def _hsts(environment: Environment) -> int | None:
    if not environment.text("CERTSRV_HSTS_SECONDS", ""):
        return None
    return environment.number("CERTSRV_HSTS_SECONDS", 0, least=0, most=_TWO_YEARS)


def _limits(environment: Environment) -> Limits:
    def rate(name: str, default: str) -> Rate | None:
        return _rate(name, environment.text(name, default).casefold())

    return Limits(
        mode=environment.choice("CERTSRV_LIMITS", ON, (ON, REPORT, OFF)),
        strangers=rate("CERTSRV_LIMIT_STRANGERS", "600/m"),
        passwords=rate("CERTSRV_LIMIT_PASSWORDS", "20/m"),
        names=rate("CERTSRV_LIMIT_NAMES", "120/m"),
        ids=rate("CERTSRV_LIMIT_IDS", "60/m"),
        submissions=rate("CERTSRV_LIMIT_SUBMISSIONS", "6000/m"),
        open_submissions=rate("CERTSRV_LIMIT_OPEN_SUBMISSIONS", "60/m"),
    )


def _rate(name: str, raw: str) -> Rate | None:
    if raw == OFF:
        return None
    found = _RATE.fullmatch(raw)
    if found is None:
        raise ImproperlyConfigured(
            f"{name} is '{raw}'. Write a number and s, m or h for each second, minute or hour, for "
            "example 60/m, or off."
        )
    return Rate(int(found[1]), _SECONDS[found[2]])
