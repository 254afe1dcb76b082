"""issue: commit what will be signed, sign once, store.

The order of steps is never changed without a decision record:

1. read and prove again, 2. prepare (every check, no key), 3. commit serial number and content,
durably, 4. tell the audit trail, 5. sign, once, 6. store certificate and disposition in one
transaction, 7. tell the audit trail.

A crash after 3 is finished by `recover`: the content is the committed one, so there is never a
second certificate under a serial number, and none that nobody can revoke.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography import x509
from django.db import transaction

from enrollment import conf, keys
from enrollment.ca import hresult
from enrollment.ca import issuance as core
from enrollment.ca.disposition import Disposition, Step
from enrollment.ca.encode import thumbprint, thumbprint_sha256
from enrollment.ca.keys import spki_sha256
from enrollment.ca.names import HeldName, display, names_of
from enrollment.models import Certificate, CertificateName, SigningRecord
from enrollment.services import audit, authority, decision
from enrollment.services.prepared import change, insert

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.ca.issuance import PreparedCertificate
    from enrollment.models import Authority, EnrollmentRequest
    from enrollment.services.judgement import Judgement

_log = logging.getLogger("certsrv.issuance")


def prepare(judgement: Judgement, issuing: Authority, *, now: datetime) -> PreparedCertificate:
    """Compose and check the certificate that a judged request would get.

    Raises:
        EnrollmentError: it cannot be issued like this.
    """
    if judgement.template is None:
        raise core.IssuanceFault("a request without a template cannot be prepared")
    serial_number = authority.random_serial_number()
    return core.prepare(
        judgement.request,
        judgement.template,
        authority.issuer_of(issuing, partition=authority.partition_of(serial_number)),
        judgement.requester,
        serial_number=serial_number,
        now=now,
        backdate=conf.current().backdate,
    )


def write_down(
    row: EnrollmentRequest,
    prepared: PreparedCertificate,
    issuing: Authority,
    *,
    state: SigningRecord.State,
    now: datetime,
) -> SigningRecord:
    """Store what is going to be signed, or what a reviewer is shown."""
    return insert(
        SigningRecord(
            request=row,
            authority=issuing,
            serial_number=f"{prepared.serial_number:x}",
            template_name=row.template_name,
            tbs=prepared.tbs,
            digest=prepared.digest,
            crl_partition=authority.partition_of(prepared.serial_number),
            state=state,
            created_at=now,
        )
    )


def commit(record: SigningRecord, *, now: datetime) -> None:
    """Say that the content of `record` will be signed; call it inside a transaction."""
    audit.record(
        "signing",
        actor=record.decided_by or record.request.sender,
        subject=f"request {record.request_id}",
        at=now,
        serial_number=record.serial_number,
        digest=record.digest,
        **decision.for_whom(record.request),
    )


def complete(record: SigningRecord, *, now: datetime) -> Certificate:
    """Sign a committed content and store the certificate with its disposition.

    Safe to call again, and by two at once: whoever stores first wins, the other's signature is
    thrown away unseen.

    Raises:
        IssuanceFault, keys.KeyProblem: the key does not do its work; the record stays committed.
    """
    issuing = record.authority
    issuer = authority.issuer_of(issuing)
    der = core.sign_content(bytes(record.tbs), issuer, authority.signer_of(issuing))
    # Before the write lock is taken.
    certificate, names = read(der, _grant(record, now))
    with transaction.atomic(durable=True):
        committed = {"id": record.pk, "state": SigningRecord.State.COMMITTED}
        if not change(SigningRecord, committed, {"state": SigningRecord.State.SIGNED}):
            record.request.refresh_from_db()
            return Certificate.objects.get(serial_number=record.serial_number)
        return _store(record, certificate, names, now=now)


def _grant(record: SigningRecord, now: datetime) -> Grant:
    return Grant(
        record.authority,
        record.request.requester,
        record.template_name,
        record.crl_partition,
        issued_at=now,
    )


@dataclass(frozen=True, slots=True)
class Grant:
    """What is known of a certificate beside its octets."""

    authority: Authority
    requester: str
    template_name: str
    crl_partition: int
    issued_at: datetime


def read(der: bytes, grant: Grant) -> tuple[Certificate, tuple[HeldName, ...]]:
    """Make the row of a certificate and its names; nothing is stored yet."""
    parsed = x509.load_der_x509_certificate(der)
    certificate = Certificate(
        authority=grant.authority,
        serial_number=f"{parsed.serial_number:x}",
        der=der,
        subject=display(parsed.subject)[:1024],
        requester=grant.requester,
        template_name=grant.template_name,
        not_before=parsed.not_valid_before_utc,
        not_after=parsed.not_valid_after_utc,
        issued_at=grant.issued_at,
        thumbprint_sha1=thumbprint(der),
        thumbprint_sha256=thumbprint_sha256(der),
        spki_sha256=spki_sha256(parsed.public_key()),
        crl_partition=grant.crl_partition,
    )
    return certificate, names_of(parsed.subject, _alternative_names(parsed))


def keep(certificate: Certificate, names: tuple[HeldName, ...]) -> None:
    """Store the row of a certificate with its names; call it inside a transaction."""
    insert(certificate)
    for name in names:
        insert(
            CertificateName(
                certificate=certificate,
                kind=name.kind,
                value=name.value[:255],
                not_after=certificate.not_after,
            )
        )


def _store(
    record: SigningRecord,
    certificate: Certificate,
    names: tuple[HeldName, ...],
    *,
    now: datetime,
) -> Certificate:
    row = record.request
    # A failure that was told while the request was open is none any more; a hold's reason stays.
    forgotten: dict[str, Any] = (
        {"detail": "", "remedy": ""} if row.status_code == hresult.NTE_FAIL else {}
    )
    keep(certificate, names)
    decision.record(
        row,
        Step.ISSUE,
        decision.ISSUED,
        now=now,
        decided_by=record.decided_by,
        certificate=certificate,
        **forgotten,
    )
    audit.record(
        "signed",
        actor=record.decided_by or row.sender,
        subject=f"request {row.pk}",
        at=now,
        certificate=bytes(certificate.der),
        serial_number=certificate.serial_number,
        thumbprint=certificate.thumbprint_sha256,
        ca=certificate.authority.index,
        requester=certificate.requester,
        **({"agent": row.agent} if row.agent else {}),
        template=certificate.template_name,
        holder=certificate.subject,
        not_after=certificate.not_after.isoformat(),
        partition=certificate.crl_partition,
    )
    return certificate


def _alternative_names(certificate: x509.Certificate) -> tuple[x509.GeneralName, ...]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return tuple(found.value)


def _waits(record: SigningRecord) -> bool:
    """Whether a committed record is not signed still: its own process may live and be faster."""
    return SigningRecord.objects.filter(pk=record.pk, state=SigningRecord.State.COMMITTED).exists()


def recover(now: datetime) -> list[Certificate]:
    """Finish what a crash interrupted, and return the certificates that were finished.

    Run before serving. A request whose content was never committed cannot exist: both are written
    in one transaction. A record that fails does not keep the others back; a key that cannot be had
    is tried once. A process that lives, perhaps on another node, may be about to finish a record
    itself: then either of the two stores it, and neither calls that a failure.

    Raises:
        IssuanceFault, keys.KeyProblem: the first that failed; the records of it stay committed.
    """
    finished = []
    faults: list[Exception] = []
    lost_keys = set()
    waiting = SigningRecord.objects.filter(state=SigningRecord.State.COMMITTED)
    for record in waiting.select_related("request", "authority").order_by("pk"):
        is_open = record.request.state in (Disposition.INCOMPLETE, Disposition.UNDER_SUBMISSION)
        if not is_open or record.authority.key_reference in lost_keys or not _waits(record):
            continue
        try:
            certificate = complete(record, now=now)
        except (core.IssuanceFault, keys.KeyProblem) as fault:
            if not _waits(record):
                continue
            _log.error("request %d could not be finished: %s", record.request_id, fault)
            faults.append(fault)
            if not isinstance(fault, core.IssuanceFault | keys.SignerRefused):
                lost_keys.add(record.authority.key_reference)
            continue
        if certificate.issued_at != now:
            # Stored by its own process between our look and our signature, which is thrown away.
            continue
        _log.warning(
            "finished request %d after an interruption, serial number %s",
            record.request_id,
            certificate.serial_number,
        )
        finished.append(certificate)
    if faults:
        raise faults[0]
    return finished
