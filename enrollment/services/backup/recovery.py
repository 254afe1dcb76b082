"""Bring back what a restored database has lost: events and certificates."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Final

from cryptography import x509
from django.contrib.auth.models import User
from django.db import transaction

from enrollment.ca.disposition import Disposition, Step
from enrollment.ca.encode import thumbprint_sha256
from enrollment.models import (
    AuditEvent,
    Authority,
    Certificate,
    EnrollmentRequest,
    SigningRecord,
)
from enrollment.services import audit, authority, decision, issuance
from enrollment.services.backup import published

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from enrollment.services.backup.report import Restorer

_CHUNK: Final = 100
_UNKNOWN: Final = "unknown"
_DOOR: Final = "audit log"
_REMARK: Final = "Brought back after a restore; what was sent is not kept."
_REQUEST: Final = re.compile(r"request (\d{1,18})")


def events(chain: list[AuditEvent]) -> None:
    """Put the events of a log behind those of the database, as they are: the chain goes on."""
    AuditEvent.objects.bulk_create(chain, batch_size=_CHUNK)


def certificates(source: Iterable[tuple[AuditEvent | None, bytes]], by: Restorer) -> None:
    """Store every certificate that a key of ours signed and the database does not hold."""
    rest = iter(source)
    while chunk := list(islice(rest, _CHUNK)):
        with transaction.atomic():
            for event, der in chunk:
                _bring_back(event, der, by)


def _bring_back(event: AuditEvent | None, der: bytes, by: Restorer) -> None:
    report = by.report
    try:
        parsed = x509.load_der_x509_certificate(der)
    except ValueError:
        report.ignored.append("a certificate that cannot be read")
        return
    serial = f"{parsed.serial_number:x}"
    held = Certificate.objects.filter(serial_number=serial).first()
    if held is not None:
        if held.thumbprint_sha256 != thumbprint_sha256(der):
            report.strange.append(
                f"{serial} {parsed.subject.rfc4514_string()[:200]}: the database holds another one "
                "with this serial number"
            )
        return
    if published.is_self_signed(parsed):
        return
    issuing = published.issuer_of(parsed)
    if issuing is None:
        report.strange.append(f"{serial} {parsed.subject.rfc4514_string()[:200]}")
        return
    certificate, names = issuance.read(der, _grant(event, parsed, issuing, by.now))
    issuance.keep(certificate, names)
    row = _request(event, certificate, list(dict.fromkeys(name.value for name in names)))
    SigningRecord.objects.filter(serial_number=serial).update(state=SigningRecord.State.SIGNED)
    audit.record(
        "brought back",
        actor=by.actor,
        subject=f"certificate {serial}",
        at=by.now,
        request=row.pk,
        thumbprint=certificate.thumbprint_sha256,
    )
    report.certificates.append(
        f"{serial}  request {row.pk}  {certificate.requester}  "
        f"{certificate.issued_at:%Y-%m-%d %H:%M:%S}  {certificate.subject}"
    )


def _grant(
    event: AuditEvent | None, parsed: x509.Certificate, issuing: Authority, now: datetime
) -> issuance.Grant:
    told = event.detail if event is not None else {}
    partition = told.get("partition")
    return issuance.Grant(
        issuing,
        requester=str(told.get("requester", _UNKNOWN))[:150],
        template_name=str(told.get("template", ""))[:64],
        crl_partition=partition
        if isinstance(partition, int)
        else authority.partition_of(parsed.serial_number),
        issued_at=event.at if event is not None else min(parsed.not_valid_before_utc, now),
    )


def _request(
    event: AuditEvent | None, certificate: Certificate, names: list[str]
) -> EnrollmentRequest:
    """Give the certificate its request: the one that waited for it, or one with the same id."""
    match = _REQUEST.fullmatch(event.subject) if event is not None else None
    number = int(match[1]) if match else None
    row = EnrollmentRequest.objects.filter(pk=number).first() if number else None
    waits = (Disposition.INCOMPLETE, Disposition.UNDER_SUBMISSION)
    if row is None or row.state not in waits:
        row = EnrollmentRequest.objects.create(
            pk=number if row is None else None,
            requester=certificate.requester,
            account=User.objects.filter(username=certificate.requester).first(),
            door=_DOOR,
            submitted_at=certificate.issued_at,
            raw=b"",
            template_name=certificate.template_name,
            subject=certificate.subject,
            names=names[:500],
            remarks=[_REMARK],
            disposition=Disposition.INCOMPLETE.value,
        )
    reviewer = event.actor if event is not None and event.actor != row.requester else ""
    decision.record(
        row,
        Step.ISSUE,
        decision.ISSUED,
        now=certificate.issued_at,
        decided_by=reviewer,
        certificate=certificate,
    )
    return row
