"""The audit trail beside the database: one line of JSON for each event, in a file to be kept apart.

Lines are appended after their commit, in the order of the chain. A small file in the home remembers
how far the log reaches; what is missing, after a crash or while a disk was full, is appended with
the next event or by housekeeping. Whoever reads logs drops lines that they have seen: after a crash
one may come twice. A log that cannot be written never stops the CA.

The line of a certificate that was signed holds the certificate itself. It leaves the house only
after its line was written, so a database that was lost can be brought up to date from the log.
"""

from __future__ import annotations

import base64
import fcntl
import json
import logging
import os
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from django.db import DatabaseError

from enrollment import conf
from enrollment.ca import names
from enrollment.models import AuditEvent, Certificate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

FIRST_HASH: Final = "0" * 64
SIGNED: Final = "signed"
_POSITION: Final = "audit-log.position"
_OWNER_ONLY: Final = 0o600
_CHUNK: Final = 500
# A request waits for no more than this; housekeeping does the rest.
_MOST_AT_ONCE: Final = 1000
_LONGEST_LINE: Final = 1024 * 1024
_log = logging.getLogger("certsrv.audit")


@dataclass(frozen=True, slots=True)
class Position:
    """The last event that stands in the log."""

    id: int = 0
    hash: str = FIRST_HASH


@dataclass(frozen=True, slots=True)
class State:
    """How the log stands: where it is, how far it reaches, and the first event it lacks."""

    path: Path
    position: Position
    missing: AuditEvent | None
    is_of_this_trail: bool


def line_of(event: AuditEvent, certificate: bytes | None = None) -> dict[str, Any]:
    """Return an event with what an outsider needs to verify the chain.

    The certificate is not hashed with the event: its thumbprint is.
    """
    line = {
        "id": event.pk,
        "at": event.at.isoformat(),
        "actor": event.actor,
        "verb": event.verb,
        "object": event.subject,
        "detail": event.detail,
        "previous_hash": event.previous_hash,
        "hash": event.hash,
    }
    if certificate is not None:
        line["certificate"] = base64.b64encode(certificate).decode()
    return line


def lines_of(events: Iterable[AuditEvent]) -> Iterator[dict[str, Any]]:
    """Return the lines of stored events, with the certificates of those that tell of one."""
    source = iter(events)
    while chunk := list(islice(source, _CHUNK)):
        serials = [event.detail.get("serial_number") for event in chunk if event.verb == SIGNED]
        found = Certificate.objects.filter(serial_number__in=serials) if serials else ()
        held = {row.serial_number: bytes(row.der) for row in found}
        for event in chunk:
            signed = event.verb == SIGNED
            yield line_of(event, held.get(event.detail.get("serial_number")) if signed else None)


def text_of(line: dict[str, Any]) -> str:
    """Return a line as it is written."""
    return names.visible_json(json.dumps(line, sort_keys=True, ensure_ascii=False))


def append(event: AuditEvent, certificate: bytes | None = None) -> None:
    """Append an event that was committed, and what is missing before it."""
    path = conf.current().audit_log
    if path is None:
        return
    try:
        with _locked() as log:
            if log.position.hash == event.previous_hash:
                log.write(path, [line_of(event, certificate)])
            elif log.position.id < event.pk:
                log.write(path, lines_of(_after(log.position)[:_MOST_AT_ONCE]))
    except (OSError, DatabaseError) as error:
        _log.error("the audit log %s was not written: %s", path, error)


def catch_up() -> int:
    """Append everything that is missing, and return how many lines that was.

    After a power cut the file may end before the position that was remembered; its own last line
    then counts.

    Raises:
        OSError: it cannot be written.
    """
    path = conf.current().audit_log
    if path is None:
        return 0
    written = 0
    with _locked() as log:
        last = _last_line(path)
        if last is not None and last.id < log.position.id:
            log.position = last
    while True:
        # The lock is given back in between, so that nobody who issues waits long.
        with _locked() as log:
            missing = list(_after(log.position)[:_CHUNK])
            log.write(path, lines_of(missing))
        written += len(missing)
        if len(missing) < _CHUNK:
            return written


def state() -> State | None:
    """Return how the log stands; None when it is switched off."""
    path = conf.current().audit_log
    if path is None:
        return None
    with _locked() as log:
        position = log.position
    known = AuditEvent.objects.filter(pk=position.id).values_list("hash", flat=True).first()
    return State(
        path,
        position,
        missing=_after(position).first(),
        is_of_this_trail=known == position.hash or position == Position(),
    )


def _after(position: Position) -> Any:  # noqa: ANN401 - a queryset that is sliced or not
    return AuditEvent.objects.filter(pk__gt=position.id).order_by("pk")


class _Log:
    """The log while its lock is held."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        try:
            self._position = Position(**json.loads(os.pread(descriptor, 4096, 0) or b"{}"))
        except (ValueError, TypeError):
            self._position = Position()

    @property
    def position(self) -> Position:
        """The last event that stands in the log."""
        return self._position

    @position.setter
    def position(self, value: Position) -> None:
        self._position = value
        content = json.dumps(asdict(value)).encode()
        os.pwrite(self._descriptor, content, 0)
        os.ftruncate(self._descriptor, len(content))

    def write(self, path: Path, lines: Iterable[dict[str, Any]]) -> None:
        """Append lines, and remember the last one; first the lines, then the memory."""
        texts = []
        for line in lines:
            texts.append(text_of(line))
            last = Position(line["id"], line["hash"])
        if texts:
            _append(path, "".join(f"{text}\n" for text in texts).encode())
            self.position = last


@contextmanager
def _locked() -> Iterator[_Log]:
    path = conf.current().home / _POSITION
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OWNER_ONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield _Log(descriptor)
    finally:
        os.close(descriptor)


def _append(path: Path, content: bytes) -> None:
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, _OWNER_ONLY)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            # A line that a crash cut short must not spoil the next one.
            content = b"\n" + content
        while content:
            content = content[os.write(descriptor, content) :]
    finally:
        os.close(descriptor)


def _last_line(path: Path) -> Position | None:
    """Return the last whole event in the file; None where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _LONGEST_LINE))
            lines = file.read().split(b"\n")
    except FileNotFoundError:
        return None
    for line in reversed(lines):
        try:
            event = json.loads(line)
            return Position(int(event["id"]), str(event["hash"]))
        except (ValueError, TypeError, KeyError):
            continue
    return None
