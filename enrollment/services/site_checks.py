"""Is the site in order: addresses, unfinished work, audit trail, and this machine?"""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from enrollment import conf
from enrollment.ca.check import Check, Severity, Verdict, critical, ok, warning
from enrollment.ca.disposition import Disposition
from enrollment.models import (
    AuditEvent,
    Certificate,
    CertificateRevocationList,
    EnrollmentRequest,
    SigningRecord,
)
from enrollment.services import audit, audit_log, authority, limits, own_addresses, site_certificate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

ADDRESSES: Final = "Addresses"
UNFINISHED: Final = "Unfinished requests"
AUDIT: Final = "Audit trail"
AUDIT_LOG: Final = "Audit log"
CLOCK: Final = "Clock"
DISK: Final = "Disk"
SITE_CERTIFICATE: Final = "Site certificate"
_MEGABYTE: Final = 1024**2
# A node with nothing to tell catches up in the hour; who is later has a fault.
_LOG_PATIENCE: Final = timedelta(hours=2)


def addresses(now: datetime) -> Iterator[Check]:
    """Read what the next certificate would name; nothing is fetched."""
    del now
    found = own_addresses.written(authority.current())
    remarks: dict[str, dict[str, None]] = {}
    for address in found:
        for remark in address.remarks:
            remarks.setdefault(remark, {})[address.setting] = None
    for remark, settings in remarks.items():
        yield Check(ADDRESSES, Severity.WARNING, remark, ", ".join(settings))
    if not any(address.kind in own_addresses.REVOCATION for address in found):
        yield Check(
            ADDRESSES,
            Severity.WARNING,
            "Certificates name neither a CRL nor OCSP, so nobody learns of a revocation. Set "
            "CERTSRV_CRL_URLS.",
        )
    elif not remarks:
        yield Check(ADDRESSES, Severity.OK, f"Certificates name {len(found)}, all of them usable.")


def unfinished(now: datetime) -> Iterator[Check]:
    """Count requests that were interrupted a while ago."""
    before = now - limits.INTERRUPTED_AFTER
    committed = SigningRecord.objects.filter(
        state=SigningRecord.State.COMMITTED, created_at__lt=before
    ).count()
    incomplete = EnrollmentRequest.objects.filter(
        disposition=Disposition.INCOMPLETE.value, submitted_at__lt=before
    ).count()
    if committed or incomplete:
        yield Check(
            UNFINISHED,
            Severity.WARNING,
            f"{max(committed, incomplete)} were interrupted. The site finishes them at its start "
            "and every hour; where it cannot, its log says why.",
        )
    else:
        yield Check(UNFINISHED, Severity.OK, "None.")


def audit_trail(now: datetime) -> Iterator[Check]:
    """Verify the newest part of the chain; of most sites that is all of it."""
    del now
    verdict = audit.verify_newest(limits.EVENTS_WALKED)
    if not verdict.is_whole:
        finding = critical(
            f"Event {verdict.broken_at} does not fit the one before it: somebody altered the "
            "trail. Compare it with a backup; python manage.py audit export writes it out."
        )
    elif verdict.events < limits.EVENTS_WALKED:
        finding = ok(f"{verdict.events:,} events, all in their chain.")
    else:
        finding = ok(
            f"The newest {verdict.events:,} events are in their chain; 'audit verify' walks all."
        )
    yield Check(AUDIT, finding.severity, finding.finding)


def clock(now: datetime) -> Iterator[Check]:
    """Compare the clock with the newest things that were done here."""
    newest = [
        AuditEvent.objects.order_by("-pk").values_list("at", flat=True).first(),
        Certificate.objects.order_by("-pk").values_list("issued_at", flat=True).first(),
        CertificateRevocationList.objects.order_by("-pk").values_list("as_of", flat=True).first(),
    ]
    latest = max((moment for moment in newest if moment is not None), default=now)
    verdict = ok("It is not behind what was done here last.")
    if latest - now > limits.CLOCK_BACK:
        verdict = critical(
            f"It says {now:%Y-%m-%d %H:%M}, but something was done here {latest:%Y-%m-%d %H:%M}. "
            "Certificates and lists would carry wrong times. Set the clock right."
        )
    yield Check(CLOCK, verdict.severity, verdict.finding)


def disk(now: datetime) -> Iterator[Check]:
    """Look for room where database, keys and lists are written."""
    del now
    home = conf.current().home
    try:
        free = shutil.disk_usage(home).free
        files = os.statvfs(home)
    except OSError as error:
        yield Check(DISK, Severity.CRITICAL, f"{home} cannot be read: {error.strerror}.")
        return
    verdict = _room(free)
    if verdict.severity is Severity.OK and files.f_files and files.f_favail < limits.FILES_WARNING:
        verdict = warning(f"Only {files.f_favail:,} more files can be made below {home}.")
    yield Check(DISK, verdict.severity, verdict.finding)


def _room(free: int) -> Verdict:
    home = conf.current().home
    sentence = f"{free // _MEGABYTE:,} MB are free below {home}."
    if free < limits.DISK_CRITICAL:
        return critical(f"{sentence} A CA that cannot write cannot issue. Make room.")
    if free < limits.DISK_WARNING:
        return warning(f"{sentence} Make room before it is full: then nothing can be issued.")
    return ok(sentence)


def tls_certificate(now: datetime) -> Iterator[Check]:
    """Look at the certificate of our own TLS listener."""
    settings = conf.current()
    if settings.https is None:
        return
    held = site_certificate.on_disk()
    if held is None:
        yield Check(SITE_CERTIFICATE, Severity.OK, "None yet; the site makes one when it starts.")
        return
    end = held.not_valid_after_utc
    severity = limits.SITE_CERTIFICATE.severity(end - now, end - held.not_valid_before_utc)
    sentence = f"Valid until {end:%Y-%m-%d}."
    if severity is not Severity.OK:
        verb = "ended" if end <= now else "ends"
        sentence = (
            f"It {verb} on {end:%Y-%m-%d} and was not renewed. The site does that while it serves; "
            "its log says why not."
        )
    yield Check(SITE_CERTIFICATE, severity, sentence)


def audit_log_file(now: datetime) -> Iterator[Check]:
    """Look whether the file beside the database tells the same."""
    state = audit_log.state()
    if state is None:
        return
    reaches = f"{state.path.name} reaches event {state.position.id:,}"
    if not state.is_of_this_trail:
        yield Check(
            AUDIT_LOG,
            Severity.CRITICAL,
            f"{reaches}, which the database does not hold: an older database was put back. Run: "
            "python manage.py backup reconcile",
        )
    elif state.missing is not None and now - state.missing.at > _LOG_PATIENCE:
        yield Check(
            AUDIT_LOG,
            Severity.WARNING,
            f"Event {state.missing.pk:,} and later ones are not in {state.path}. Make room there, "
            "or correct CERTSRV_AUDIT_LOG.",
        )
    else:
        yield Check(AUDIT_LOG, Severity.OK, f"{reaches}.")
