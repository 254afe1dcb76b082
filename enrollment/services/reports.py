"""What was found at the last look, where every process and every machine can read it.

The site looks by itself every hour. Whoever is first does it; of several machines on one database,
each looks at itself, and one of them at the rest.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db import DatabaseError
from django.db.models import Q

from enrollment.ca.check import Check, Severity
from enrollment.models import ConditionReport
from enrollment.services import condition, limits, ntlm_checks
from enrollment.services.condition import Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

# The site looks every hour, give or take a tenth.
_APART: Final = timedelta(minutes=50)
_APART_BY_HAND: Final = timedelta(seconds=30)
# What a machine that is gone said of itself is forgotten.
_MACHINE_GONE: Final = timedelta(days=1)
LAST_LOOK: Final = "Last look"


@dataclass(frozen=True, slots=True)
class Report:
    """What is known of the CA's condition, the worst first; little before the first look."""

    checks: tuple[Check, ...]
    looked_at: datetime | None

    @property
    def worst(self) -> Severity:
        """The worst of all."""
        return max((check.severity for check in self.checks), default=Severity.OK)

    @property
    def troubles(self) -> tuple[Check, ...]:
        """What is not in order."""
        return tuple(check for check in self.checks if not check.passed)


def keep_fresh(now: datetime) -> None:
    """Look, where nobody did within the hour."""
    _refresh(_APART, now)


def look_now(now: datetime) -> bool:
    """Look because a person asks.

    Returns:
        Whether it was done; not when somebody began half a minute ago.
    """
    return bool(_refresh(_APART_BY_HAND, now))


def look(now: datetime, *, is_offline: bool) -> list[Check]:
    """Look because a command asks, and keep what was found where it can be kept.

    Raises:
        condition.CaFault: there is no CA.
    """
    wanted = [scope for scope in Scope if not (is_offline and scope is Scope.OUTSIDE)]
    found = condition.check(now, *wanted)
    # A database that does not answer is among the findings.
    with suppress(DatabaseError):
        store(found, now)
    return [check for checks in found.values() for check in checks]


def _refresh(apart: timedelta, now: datetime) -> list[Scope]:
    claimed = [scope for scope in Scope if _claim(_key(scope), now, apart)]
    if claimed:
        store(condition.check(now, *claimed), now)
    return claimed


def _claim(key: str, now: datetime, apart: timedelta) -> bool:
    """Be the one who looks; a start in the future was written by a clock that was wrong."""
    ConditionReport.objects.get_or_create(scope=key)
    is_free = (
        Q(started_at=None)
        | Q(started_at__lte=now - apart)
        | Q(started_at__gt=now + limits.CLOCK_BACK)
    )
    return bool(ConditionReport.objects.filter(is_free, scope=key).update(started_at=now))


def store(found: Mapping[Scope, Iterable[Check]], now: datetime) -> None:
    """Write over what the last look at these scopes found."""
    for scope, checks in found.items():
        ConditionReport.objects.update_or_create(
            scope=_key(scope),
            defaults={
                "started_at": now,
                "looked_at": now,
                "checks": [to_json(check) for check in checks],
            },
        )


def read(now: datetime) -> Report:
    """Return what the last looks found."""
    found = [
        (row.looked_at, row)
        for row in ConditionReport.objects.all()
        if row.looked_at is not None
        and (row.scope in _SHARED or now - row.looked_at < _MACHINE_GONE)
    ]
    if not found:
        return Report(tuple(ntlm_checks.standing(now)), None)
    looked_at = min(moment for moment, _ in found)
    rows = sorted((row for _, row in found), key=_place)
    has_one_machine = sum(row.scope not in _SHARED for row in rows) == 1
    checks = [
        _from_json(value, "" if row.scope in _SHARED or has_one_machine else row.scope)
        for row in rows
        for value in row.checks
        if value["name"] != ntlm_checks.NAME
    ]
    # As it is now, and not as it was within the hour: it follows from settings and a few rows.
    checks += ntlm_checks.standing(now)
    if now - looked_at > limits.LOOK_IS_OLD:
        checks.append(
            Check(
                LAST_LOOK,
                Severity.WARNING,
                f"It was {looked_at:%Y-%m-%d %H:%M}; the site that serves looks every hour. See "
                "its log.",
            )
        )
    return Report(tuple(sorted(checks, key=lambda check: -check.severity)), looked_at)


def _key(scope: Scope) -> str:
    return f"machine {socket.gethostname()[:100]}" if scope is Scope.MACHINE else scope.value


_SHARED: Final = frozenset({Scope.SITE.value, Scope.OUTSIDE.value})


def _place(row: ConditionReport) -> tuple[int, str]:
    """Sort what is read: the site, its machines, what others see."""
    order = {Scope.SITE.value: 0, Scope.OUTSIDE.value: 2}
    return order.get(row.scope, 1), row.scope


def to_json(check: Check) -> dict[str, Any]:
    """Return a check as it is stored, and as commands print it."""
    return {
        "name": check.name,
        "severity": check.severity.name.lower(),
        "finding": check.finding,
        "about": check.about,
    }


def _from_json(value: dict[str, Any], of: str) -> Check:
    """Read a check back; `of` says of which machine, where there are several."""
    return Check(
        value["name"], Severity[value["severity"].upper()], value["finding"], value["about"] or of
    )
