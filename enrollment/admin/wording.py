"""Words for times, numbers and lengths: what a person reads first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

_FIRST_NAMES: Final = 3
_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
# From the longest unit down; a length is told in the first unit of which it holds two, so that
# "in 23 months" is never cut down to "in 1 year".
_UNITS: Final = (
    ("year", 365 * _DAY),
    ("month", 30 * _DAY),
    ("day", _DAY),
    ("hour", _HOUR),
    ("minute", _MINUTE),
)


def length(span: timedelta) -> str:
    """Say how long `span` is: ``11 months``, ``2 years``, ``under a minute``."""
    seconds = int(abs(span.total_seconds()))
    for unit, size in _UNITS:
        count = seconds // size
        if count >= 2 or (unit == "minute" and count == 1):  # noqa: PLR2004 - see _UNITS
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return "under a minute"


def relative(moment: datetime, now: datetime) -> str:
    """Say where `moment` lies, seen from `now`: ``in 11 months``, ``3 days ago``."""
    words = length(moment - now)
    return f"in {words}" if moment > now else f"{words} ago"


def grouped(text: str, size: int = 4) -> str:
    """Cut a serial number or thumbprint into groups that the eye can hold."""
    return " ".join(text[start : start + size] for start in range(0, len(text), size))


def first_names(names: Iterable[str], otherwise: str) -> str:
    """Name the first few, each once; `otherwise` where there is none."""
    values = list(dict.fromkeys(names))
    if not values:
        return otherwise or "(no name)"
    rest = len(values) - _FIRST_NAMES
    return ", ".join(values[:_FIRST_NAMES]) + (f" and {rest} more" if rest > 0 else "")
