"""How long before an end, and how close to a bound, it is said: the whole table, with reasons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from enrollment.ca.check import Severity

_NONE: Final = timedelta()
_MOST_SHARE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Limit:
    """When an end is near.

    Attributes:
        warning: at the latest this long before the end, or
        share: when this part of the life is left, whichever is earlier; but never before half of
            the life is over, or what is new and short-lived would begin with a warning.
        critical: this long before the end, or half of the above.
        reason: why so early.
    """

    warning: timedelta
    share: float
    critical: timedelta
    reason: str

    def warns_at(self, life: timedelta) -> timedelta:
        """Return how long before the end of a life of this length a warning begins."""
        return min(max(self.warning, life * self.share), life * _MOST_SHARE)

    def severity(self, left: timedelta, life: timedelta) -> Severity:
        """Judge what is left of a life."""
        warns_at = self.warns_at(life)
        if left <= min(self.critical, warns_at / 2):
            return Severity.CRITICAL
        return Severity.WARNING if left <= warns_at else Severity.OK


CA_CERTIFICATE: Final = Limit(
    timedelta(days=90),
    1 / 5,
    timedelta(days=30),
    "A new CA certificate has to reach every relying party before the old one ends.",
)
ABOVE: Final = Limit(
    timedelta(days=180),
    1 / 10,
    timedelta(days=30),
    "Somebody else has to renew it, and then this CA's own certificate follows.",
)
SITE_CERTIFICATE: Final = Limit(
    _NONE,
    1 / 4,
    timedelta(days=7),
    "It is renewed when a third of its life is left, so by then a renewal has failed for weeks.",
)
RESPONDER: Final = Limit(
    _NONE,
    1 / 10,
    timedelta(hours=12),
    "It is renewed two of its fourteen days before the end, so by then a renewal has failed often.",
)

LIST_GRACE: Final = timedelta(hours=2)
"""After its publishing time a list is late by then: the site looks every hour."""

LIST_CRITICAL_SHARE: Final = 0.5
"""Of the time between publishing time and end: by then caches cannot all fetch the next one."""

INTERRUPTED_AFTER: Final = timedelta(minutes=10)
"""Requests that are being worked on look the same for a moment."""

CLOCK_BACK: Final = timedelta(minutes=5)
"""Clocks of several machines on one database differ a little."""

DISK_WARNING: Final = 1024**3
DISK_CRITICAL: Final = 200 * 1024**2
"""A list of a million entries and the write-ahead log of a busy hour fit into the former."""

FILES_WARNING: Final = 1000
"""Free inodes: without one, no key, list or journal can be written however much room there is."""

EVENTS_WALKED: Final = 20_000
"""Events of the audit trail verified each time: a second; `audit verify` walks them all."""

LOOK_IS_OLD: Final = timedelta(hours=3)
"""The site looks every hour; by then it has missed two."""
