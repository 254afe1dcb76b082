"""What the audit trail says about the thing on a page."""

from __future__ import annotations

from typing import Any, Final

from enrollment.admin import links
from enrollment.models import AuditEvent

_MOST: Final = 20


def of(*subjects: str) -> dict[str, Any]:
    """Return what ``admin/events.html`` draws: the newest events, and where all of them are."""
    events = AuditEvent.objects.filter(subject__in=subjects)[:_MOST] if subjects else ()
    return {"events": events, "events_address": links.events_of(*subjects)}
