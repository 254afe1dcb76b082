"""How often each thing was done, read off the audit trail in bounded steps.

Events are only ever appended, in the order of their numbers: `audit.record` holds a lock until its
transaction ends. So what was counted once stays counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import Count

from enrollment.models import AuditEvent, Tally
from enrollment.services import locks

if TYPE_CHECKING:
    from datetime import datetime

_STEP: Final = 20_000
_ROW: Final = 1


def advance(now: datetime) -> None:
    """Count what happened since the last time, in steps that hold nobody up for long."""
    del now
    while _advance_once():
        pass


@transaction.atomic
def _advance_once() -> bool:
    locks.hold("tally")
    row, _ = Tally.objects.get_or_create(pk=_ROW)
    end = _end_of_step(row.up_to)
    if end is None:
        return False
    row.counts = _added(row.counts, row.up_to, end)
    row.up_to = end
    row.save()
    return True


def read() -> dict[str, int]:
    """Return how often each verb of the audit trail happened.

    What is beyond one step of what was counted is left out until it is: the site counts hourly.
    """
    row = Tally.objects.filter(pk=_ROW).first() or Tally()
    end = _end_of_step(row.up_to)
    return row.counts if end is None else _added(row.counts, row.up_to, end)


def _end_of_step(start: int) -> int | None:
    numbers = AuditEvent.objects.filter(pk__gt=start).order_by("pk").values_list("pk", flat=True)
    step = numbers[:_STEP]
    return max(step, default=None)


def _added(counts: dict[str, int], start: int, end: int) -> dict[str, int]:
    found = (
        AuditEvent.objects.filter(pk__gt=start, pk__lte=end)
        .order_by()
        .values_list("verb")
        .annotate(Count("pk"))
    )
    total = dict(counts)
    for verb, count in found:
        total[verb] = total.get(verb, 0) + count
    return total
