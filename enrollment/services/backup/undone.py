"""What people did after the backup and nothing brings back: they have to do it again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from enrollment.models import EnrollmentRequest
from enrollment.services.backup.report import line
from enrollment.services.backup.statuses import ACTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from enrollment.models import AuditEvent

_REQUEST: Final = re.compile(r"request (\d{1,18})")


def to_do(told: Iterable[AuditEvent]) -> Iterator[str]:
    """Return what people did that nothing brings back: accounts, templates, refusals."""
    done = {"signing", "signed", "held", "crl published", "restored", "brought back", *ACTS}
    done |= {"site certificate renewed", "backup begun", "backup made"}
    return (line(event) for event in told if event.verb not in done)


def waited(told: Iterable[AuditEvent]) -> Iterator[str]:
    """Return requests that waited for a manager and are gone: their requesters must ask again."""
    held: dict[str, AuditEvent] = {}
    for event in told:
        if event.verb == "held":
            held[event.subject] = event
        elif event.verb in ("signed", "denied"):
            held.pop(event.subject, None)
    for event in held.values():
        match = _REQUEST.fullmatch(event.subject)
        if match and not EnrollmentRequest.objects.filter(pk=int(match[1])).exists():
            yield line(event)
