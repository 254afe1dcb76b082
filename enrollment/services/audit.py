"""The audit trail: a chain of events that cannot be altered unseen."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.utils import timezone

from enrollment.models import AuditEvent
from enrollment.services import audit_log, locks
from enrollment.services.prepared import PreparedSelect, insert

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

_NEWEST: Final = PreparedSelect(lambda: AuditEvent.objects.order_by("-pk").values_list("hash")[:1])
_log = logging.getLogger("certsrv.audit")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify` found: how many events, and the first one that does not fit, if any."""

    events: int
    broken_at: int | None
    last_hash: str

    @property
    def is_whole(self) -> bool:
        """Whether every event fits the one before it."""
        return self.broken_at is None


@transaction.atomic(savepoint=False)
def record(
    verb: str,
    *,
    actor: str,
    subject: str = "",
    at: datetime | None = None,
    certificate: bytes | None = None,
    **detail: Any,  # noqa: ANN401 - whatever JSON can hold
) -> AuditEvent:
    """Append one event; inside a transaction it stands or falls with the fact it tells.

    Texts are cut to what their columns hold, and rid of NUL, which PostgreSQL does not store: what
    is hashed must be what is read back. A certificate goes into the audit log only; its thumbprint
    belongs into the detail.
    """
    locks.hold("audit")
    newest = _NEWEST.rows()
    previous = newest[0][0] if newest else audit_log.FIRST_HASH
    event = AuditEvent(
        at=(at or timezone.now()).astimezone(UTC),
        actor=actor[:150],
        verb=verb[:60],
        subject=subject[:120],
        detail={name: _storable(value) for name, value in detail.items()},
        previous_hash=previous,
    )
    event.hash = digest(event)
    insert(event)
    transaction.on_commit(partial(audit_log.append, event, certificate))
    _log.info("%s %s %s %s", verb, subject, actor, json.dumps(detail, sort_keys=True))
    return event


def _storable(value: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    return value.replace("\0", "") if isinstance(value, str) else value


def digest(event: AuditEvent) -> str:
    """Return the SHA-256, in hexadecimal, of an event and the hash before it."""
    content = [
        event.previous_hash,
        event.at.isoformat(),
        event.actor,
        event.verb,
        event.subject,
        event.detail,
    ]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def verify(alias: str = "default") -> Verdict:
    """Walk the whole chain in a database and check each link."""
    previous, count = audit_log.FIRST_HASH, 0
    for event in AuditEvent.objects.using(alias).order_by("pk").iterator():
        if event.previous_hash != previous or event.hash != digest(event):
            return Verdict(count, event.pk, previous)
        previous, count = event.hash, count + 1
    return Verdict(count, None, previous)


def verify_newest(count: int) -> Verdict:
    """Check the links of the newest `count` events; the oldest of them is taken as it is."""
    newest = list(AuditEvent.objects.order_by("-pk")[: count + 1])
    is_whole_trail = len(newest) <= count
    previous = audit_log.FIRST_HASH if is_whole_trail else newest.pop().hash
    walked = 0
    for event in reversed(newest):
        if event.previous_hash != previous or event.hash != digest(event):
            return Verdict(walked, event.pk, previous)
        previous, walked = event.hash, walked + 1
    return Verdict(walked, None, previous)


def export() -> Iterator[dict[str, Any]]:
    """Yield every event, oldest first, as it stands in the audit log."""
    yield from audit_log.lines_of(AuditEvent.objects.order_by("pk").iterator())
