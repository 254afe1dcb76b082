"""What a reviewer should mind about a waiting request, at one glance.

Only what the rows already say: no request is parsed to draw a list. The review page goes deeper.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from enrollment.models import CertificateName, EnrollmentRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

_MOST_NAMES: Final = 500
_MOST_HOLDERS: Final = 1_000


def of(rows: Sequence[EnrollmentRequest], now: datetime) -> dict[int, tuple[str, ...]]:
    """Return the warnings of each row, with one query for all of them."""
    holders = _holders([name for row in rows for name in values_of(row)], now)
    return {row.pk: tuple(_warnings(row, holders)) for row in rows}


def values_of(row: EnrollmentRequest) -> list[str]:
    """Return the names that a request asks for, without their kinds."""
    return [str(name) for name in row.names]


def _holders(names: Iterable[str], now: datetime) -> dict[str, set[str]]:
    """Say who holds a valid certificate with each of `names`."""
    wanted = list(dict.fromkeys(names))[:_MOST_NAMES]
    found = CertificateName.objects.filter(
        value__in=wanted, not_after__gt=now, certificate__revoked_at=None
    ).values_list("value", "certificate__requester")[:_MOST_HOLDERS]
    holders: dict[str, set[str]] = defaultdict(set)
    for value, requester in found:
        holders[value].add(requester)
    return holders


def _warnings(row: EnrollmentRequest, holders: dict[str, set[str]]) -> Iterable[str]:
    others: dict[str, set[str]] = {}
    for name in values_of(row):
        others.setdefault(name, holders.get(name, set()) - {row.requester})
    for name, held_by in others.items():
        if held_by:
            yield f"{name} is held by {_listed(held_by)}"
    if any(name.startswith("*.") for name in others):
        yield "wildcard name"
    if not others:
        yield "no name at all"
    yield from (str(remark) for remark in row.remarks)


def _listed(people: set[str]) -> str:
    first, *rest = sorted(people)
    return f"{first} and {len(rest)} more" if rest else first
