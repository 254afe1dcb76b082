"""After a database was put back: prove it, move its numbers ahead, bring back what logs tell.

Order of steps: 1. verify the chain, 2. read the logs, 3. continue the chain with their events,
4. move request ids and event ids ahead, 5. bring certificates back, 6. revoke again what was,
7. move the CRL number ahead, 8. end every session, 9. tell the audit trail, 10. publish.

A crash anywhere leaves the mark of an unfinished restore, and the next run does it all again:
each step does only what is not done yet.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.contrib.sessions.models import Session
from django.db import connection

from enrollment import conf
from enrollment.ca.issuer import IssuanceFault
from enrollment.ca.revocation import Reason, Status
from enrollment.models import (
    AuditEvent,
    Authority,
    Certificate,
    EnrollmentRequest,
    LostCertificate,
    SigningRecord,
)
from enrollment.services import (
    audit,
    audit_log,
    authority,
    awaited,
    crl_rows,
    keyring,
    locks,
    lost,
    publication,
    sequences,
)
from enrollment.services.backup import (
    facts,
    history,
    postgresql,
    published,
    recovery,
    statuses,
    undone,
)
from enrollment.services.backup.errors import NotWhole
from enrollment.services.occupancy import UNFINISHED_NAME

if TYPE_CHECKING:
    from pathlib import Path

    from enrollment.services.backup.history import History
    from enrollment.services.backup.manifest import Facts
    from enrollment.services.backup.published import Published
    from enrollment.services.backup.report import Report, Restorer

# What may have been handed out since the last event that is known: more than any site can.
NUMBERS_AT_LEAST: Final = 1000
_REQUESTS_A_SECOND: Final = 100
_MOST_REQUESTS: Final = 10_000_000
_EVENTS_OF_A_REQUEST: Final = 4
_SKEW: Final = timedelta(minutes=5)
_NUMBER: Final = re.compile(r"(?:crl|request) (\d{1,18})")


@dataclass(frozen=True, slots=True)
class Sources:
    """What is there beside the database: logs, folders of published files.

    `revoke_unrecorded`: revoke serial numbers that the key signed and that are recorded nowhere.
    """

    logs: tuple[Path, ...] = ()
    published: tuple[Path, ...] = ()
    revoke_unrecorded: bool = False
    archive: dict[str, Any] = field(default_factory=dict)


def reconcile(sources: Sources, by: Restorer) -> Report:
    """Make a database that was put back safe to serve from, and publish new lists.

    The caller holds `occupancy.empty`.

    Args:
        sources: what tells of the time that the database does not know.
        by: who restores.

    Raises:
        NotWhole: the audit trail is broken, or the clock is behind it; nothing was changed.
        BackupFault: a log or a published file cannot be read; nothing was changed.
    """
    if connection.vendor == "postgresql":
        postgresql.refuse_others()
    mark = conf.current().home / UNFINISHED_NAME
    archive = sources.archive or _marked(mark)
    before = _prove(archive)
    archive = {"from_event": before.audit_id, **archive}
    told = history.read(sources.logs, after=archive["from_event"])
    found = published.read(list(sources.published))
    since = by.report.known_until = _known_until(told, before.audit_id, by.now)
    write_mark(archive)
    recovery.events(told.chain)
    _move_ids_ahead(told, before, by.now - since, by.report)
    _bring_back(sources, told, found, before, by)
    known = max(before.crl_number, found.crl_number, _highest(told, "crl"))
    _move_crl_number_ahead(known, before.crl_number, since, by)
    Session.objects.all().delete()
    _tell(told, found, by.report)
    _record(archive, before, by)
    _publish(by)
    _catch_up(by.report)
    if not by.report.problems:
        mark.unlink(missing_ok=True)
    return by.report


def write_mark(archive: dict[str, Any]) -> None:
    """Say that numbers may not be used before a restore is finished."""
    mark = conf.current().home / UNFINISHED_NAME
    descriptor = os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        json.dump(archive, file)
        file.flush()
        os.fsync(file.fileno())


def _marked(mark: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(mark.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def _prove(archive: dict[str, Any]) -> Facts:
    """Let the database prove itself: whole, and ending where the archive says.

    Raises:
        NotWhole: it does not.
    """
    verdict = audit.verify()
    if not verdict.is_whole:
        raise NotWhole(
            f"Event {verdict.broken_at} of the audit trail does not fit the one before it. Nothing "
            "was changed; restore another backup."
        )
    wanted = archive.get("audit_hash")
    if wanted and not AuditEvent.objects.filter(hash=wanted).exists():
        raise NotWhole("The database is not the one of the backup: its last event is missing.")
    return facts.read("default")


def _known_until(told: History, newest: int, now: datetime) -> datetime:
    """Return the moment up to which every event is known.

    Raises:
        NotWhole: it lies in the future.
    """
    last = told.chain[-1] if told.chain else AuditEvent.objects.filter(pk=newest).first()
    at = last.at if last is not None else now
    if at > now + _SKEW:
        raise NotWhole(
            f"The clock of this machine says {now:%Y-%m-%d %H:%M} UTC, and the newest event is of "
            f"{at:%Y-%m-%d %H:%M} UTC. Set the clock; nothing was changed."
        )
    return min(at, now).astimezone(UTC)


def _bring_back(
    sources: Sources, told: History, found: Published, before: Facts, by: Restorer
) -> None:
    recovery.certificates(history.certificates(sources.logs), by)
    recovery.certificates(((None, der) for der in found.certificates), by)
    statuses.settle(by)
    statuses.statuses(told.events, by)
    statuses.lists(found, before.crl_number, by)
    _unrecorded(told, sources, by)


def _move_ids_ahead(told: History, before: Facts, gap: timedelta, report: Report) -> None:
    seconds = int(gap.total_seconds())
    jump = NUMBERS_AT_LEAST + min(_REQUESTS_A_SECOND * seconds, _MOST_REQUESTS)
    requests = max(before.request_id, _highest(told, "request"))
    taken = sequences.raise_to(EnrollmentRequest, requests + jump)
    report.numbers.append(f"request ids: {before.request_id:,} to {taken:,}")
    known = max((event.pk for event in told.events), default=0)
    sequences.raise_to(AuditEvent, max(before.audit_id, known) + _EVENTS_OF_A_REQUEST * jump)


def _move_crl_number_ahead(known: int, before: int, since: datetime, by: Restorer) -> None:
    if not Authority.objects.exists():
        return  # a CA that waits for its certificate has published nothing
    jump = NUMBERS_AT_LEAST + int((by.now - since).total_seconds())
    taken = known + jump
    with locks.exclusive("crl"):
        crl_rows.take_number(taken, authority.current(), by.now)
    by.report.numbers.append(f"CRL numbers: {before:,} to {taken:,}")


def _highest(told: History, word: str) -> int:
    numbers = (
        int(match[1])
        for event in told.events
        if event.subject.startswith(word) and (match := _NUMBER.fullmatch(event.subject))
    )
    return max(numbers, default=0)


def _unrecorded(told: History, sources: Sources, by: Restorer) -> None:
    """Say which serial numbers the key signed without a certificate to be found."""
    for serial, at in told.signed_by_key.items():
        known = (
            Certificate.objects.filter(serial_number=serial).exists()
            or LostCertificate.objects.filter(serial_number=serial).exists()
            or SigningRecord.objects.filter(serial_number=serial).exists()
        )
        if known:
            continue
        by.report.unrecorded.append(f"{serial}  {at}")
        if sources.revoke_unrecorded:
            status = Status(by.now.replace(microsecond=0), Reason.UNSPECIFIED)
            lost.revoke(authority.current(), int(serial, 16), status, actor=by.actor, now=by.now)


def _tell(told: History, found: Published, report: Report) -> None:
    report.events = len(told.chain)
    report.ignored += found.ignored
    report.acts += undone.to_do(told.events)
    report.waited += undone.waited(told.events)
    waiting = SigningRecord.objects.filter(state=SigningRecord.State.COMMITTED)
    report.unfinished += [f"request {row.request_id}" for row in waiting]
    if told.unreadable:
        report.ignored.append(f"{told.unreadable} lines that are no events, or were altered")
    if told.beside:
        report.ignored.append(
            f"{told.beside} events that do not follow from the database without a gap; the "
            "certificates and revocations that they tell of were taken, they themselves were not"
        )


def _record(archive: dict[str, Any], before: Facts, by: Restorer) -> None:
    audit.record(
        "restored",
        actor=by.actor,
        at=by.now,
        archive=archive.get("sha256", ""),
        from_event=before.audit_id,
        from_hash=before.audit_hash,
        events=by.report.events,
        certificates=len(by.report.certificates),
        revocations=len(by.report.revocations),
        numbers=by.report.numbers,
    )


def _publish(by: Restorer) -> None:
    if not Authority.objects.exists():
        by.report.acts.append(awaited.no_certificate_yet())
        return
    try:
        by.report.crl_number = publication.publish(now=by.now, actor=by.actor)
    except (keyring.KeyProblem, IssuanceFault) as fault:
        by.report.problems.append(
            f"No new list could be published: {fault} Then run: python manage.py backup reconcile"
        )


def _catch_up(report: Report) -> None:
    try:
        audit_log.catch_up()
    except OSError as error:
        report.acts.append(f"The audit log cannot be written ({error.strerror}): make room for it.")
