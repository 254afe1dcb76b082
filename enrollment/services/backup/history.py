"""What logs tell of the time after a backup: the audit log, exports of it, the signer's own log.

A log is not trusted. Whoever can write one can write events, and the chain of hashes proves only
that nothing was taken out between its ends. So a certificate counts when a key of ours signed it,
and what is done again on the word of a log only takes rights away: revocations and refusals.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from enrollment.models import AuditEvent
from enrollment.services import audit
from enrollment.services.audit_log import SIGNED
from enrollment.services.backup.errors import BackupFault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from gzip import GzipFile
    from io import BufferedReader
    from pathlib import Path

_LONGEST_LINE: Final = 4 * 1024 * 1024
_CHUNK: Final = 500


@dataclass(slots=True)
class History:
    """What the logs tell and the database does not.

    `events` are those after the backup, the oldest first; `chain` are those of them that the
    database lacks and that follow its newest one without a gap, `beside` counts the others that it
    lacks; `signed_by_key` are serial numbers in the log of the signer; `unreadable` counts lines
    that are no event, or were altered.
    """

    chain: list[AuditEvent] = field(default_factory=list)
    events: list[AuditEvent] = field(default_factory=list)
    beside: int = 0
    signed_by_key: dict[str, str] = field(default_factory=dict)
    unreadable: int = 0


def read(paths: Iterable[Path], *, after: int) -> History:
    """Read logs, in any order, also overlapping ones.

    Args:
        paths: the files.
        after: the last event of the backup. Later ones are told even when the database has them
            by now: a restore that was interrupted may have done no more than that.

    Raises:
        BackupFault: a file cannot be read.
    """
    found = History()
    told: dict[str, AuditEvent] = {}
    unknown: list[AuditEvent] = []
    source = _told(paths, found)
    while chunk := list(islice(source, _CHUNK)):
        news = {event.hash: event for event in chunk if event.hash not in told}
        known = set(AuditEvent.objects.filter(hash__in=list(news)).values_list("hash", flat=True))
        unknown += [event for event in news.values() if event.hash not in known]
        told |= {
            event.hash: event
            for event in news.values()
            if event.pk > after or event.hash not in known
        }
    found.events = sorted(told.values(), key=lambda event: (event.at, event.pk))
    found.chain = _follow(unknown)
    found.beside = len(unknown) - len(found.chain)
    return found


def certificates(paths: Iterable[Path]) -> Iterator[tuple[AuditEvent, bytes]]:
    """Yield each certificate in the logs with the event that tells of it."""
    for line in _lines(paths):
        event = _event(line)
        if event is None or event.verb != SIGNED:
            continue
        try:
            der = base64.b64decode(str(line.get("certificate", "")), validate=True)
        except binascii.Error:
            continue
        if der:
            yield event, der


def _told(paths: Iterable[Path], found: History) -> Iterator[AuditEvent]:
    for line in _lines(paths):
        if line.get("outcome") == "signed" and line.get("content") == "certificate":
            found.signed_by_key[str(line.get("serial_number"))] = str(line.get("at"))
        elif "outcome" in line:
            continue
        elif (event := _event(line)) is not None:
            yield event
        else:
            found.unreadable += 1


def _event(line: dict[str, Any]) -> AuditEvent | None:
    """Return the event of a line; None when it is none, or its hash is another."""
    try:
        event = AuditEvent(
            pk=int(line["id"]),
            at=datetime.fromisoformat(line["at"]),
            actor=line["actor"],
            verb=line["verb"],
            subject=line["object"],
            detail=line["detail"],
            previous_hash=line["previous_hash"],
            hash=line["hash"],
        )
        is_whole = event.at.tzinfo is not None and isinstance(event.detail, dict)
        return event if is_whole and audit.digest(event) == event.hash else None
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


def _follow(events: list[AuditEvent]) -> list[AuditEvent]:
    """Return the events that continue the chain of the database.

    Where it forks, because an older backup was restored before, the way that ends later counts.
    """
    newest = AuditEvent.objects.order_by("-pk").first()
    if newest is None:
        return []
    children: dict[str, list[AuditEvent]] = {}
    for event in events:
        children.setdefault(event.previous_hash, []).append(event)
    ends: dict[str, datetime] = {}
    for event in sorted(events, key=lambda each: each.pk, reverse=True):
        later = [ends[child.hash] for child in children.get(event.hash, ()) if child.hash in ends]
        ends[event.hash] = max((event.at, *later))
    chain: list[AuditEvent] = []
    last = newest
    while after := [each for each in children.get(last.hash, ()) if each.pk > last.pk]:
        last = max(after, key=lambda each: ends[each.hash])
        chain.append(last)
    return chain


def _lines(paths: Iterable[Path]) -> Iterator[dict[str, Any]]:
    for path in paths:
        try:
            with _open(path) as file:
                yield from _objects(file)
        except (OSError, EOFError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise BackupFault(f"The log {path} cannot be read: {reason}.") from error


def _open(path: Path) -> GzipFile | BufferedReader:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _objects(file: GzipFile | BufferedReader) -> Iterator[dict[str, Any]]:
    """Yield a value for each line; an empty one for what is no JSON object."""
    while line := file.readline(_LONGEST_LINE):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError:
            value = {}
        yield value if isinstance(value, dict) else {}
