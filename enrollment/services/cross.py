"""Make the cross certificates of a root that was renewed with a new key.

As with every certificate, content and serial number are committed before the key is used; what a
crash interrupts is signed by the next call with the very same content.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from cryptography import x509
from django.db import transaction

from enrollment import conf
from enrollment.ca import addresses, cross
from enrollment.ca.encode import thumbprint, thumbprint_sha256
from enrollment.ca.errors import EnrollmentError
from enrollment.ca.issuance import sign_content
from enrollment.ca.issuer import IssuanceFault
from enrollment.ca.names import display
from enrollment.keys.signer import spki
from enrollment.models import Authority, Certificate, CrossCertificate
from enrollment.services import audit, authority, key_use, keyring, locks
from enrollment.services.own_certificates import SITE

if TYPE_CHECKING:
    from datetime import datetime

# Microsoft's name of the template, as the certificate itself says.
TEMPLATE_NAME: Final = "CrossCA"


class CrossesOff(Exception):
    """The site makes no cross certificates, by its settings."""


@dataclass(frozen=True, slots=True)
class Made:
    """What became of the cross certificates that were missing."""

    signed: tuple[CrossCertificate, ...]
    problems: tuple[str, ...]


def finished() -> list[CrossCertificate]:
    """Return the cross certificates there are, the oldest first."""
    return list(
        CrossCertificate.objects.filter(certificate__isnull=False).select_related(
            "certificate", "issuing", "target"
        )
    )


def file_name(row: CrossCertificate) -> str:
    """Return Microsoft's name of the file, ``host_CA(signer-target).crt``."""
    return addresses.cross_file(authority.place_of(row.issuing), row.target.index)


def missing(now: datetime) -> list[tuple[Authority, Authority]]:
    """Return the pairs of signer and target for which there should be a cross certificate.

    One pair in both directions for each change of key between two roots that are both valid; a
    retired key signs nothing and is vouched for no more.
    """
    if not conf.current().cross_certificates:
        return []
    there = {(row.issuing_id, row.target_id) for row in finished()}
    rows = Authority.objects.order_by("index")
    return [
        pair
        for older, newer in pairwise(rows)
        if older.key_index != newer.key_index and _can_be_bridged(older, newer, now)
        for pair in ((older, newer), (newer, older))
        if (pair[0].pk, pair[1].pk) not in there
    ]


def _can_be_bridged(older: Authority, newer: Authority, now: datetime) -> bool:
    return all(
        authority.is_root(row)
        and authority.issuer_of(row).not_after > now
        and not key_use.is_retired(row.key_index)
        for row in (older, newer)
    )


def make_missing(now: datetime, *, actor: str) -> Made:
    """Make every cross certificate that is missing; one that fails does not keep the others back.

    Raises:
        CrossesOff: the settings want none.
    """
    if not conf.current().cross_certificates:
        raise CrossesOff(
            "CERTSRV_CROSS_CERTIFICATES is no, so this CA makes no cross certificates. Set it to "
            "yes first."
        )
    signed, problems = [], []
    with locks.exclusive("cross"):
        for issuing, target in missing(now):
            try:
                signed.append(_make(issuing, target, actor=actor, now=now))
            except (keyring.KeyProblem, EnrollmentError, IssuanceFault) as problem:
                problems.append(f"({issuing.index}-{target.index}): {problem}")
    return Made(tuple(signed), tuple(problems))


def _make(issuing: Authority, target: Authority, *, actor: str, now: datetime) -> CrossCertificate:
    # Opened first: a key that is not to be had leaves no content behind that nobody can sign.
    key = authority.signer_of(issuing)
    row = CrossCertificate.objects.filter(issuing=issuing, target=target).first()
    if row is None:
        row = _write_down(issuing, target, actor=actor, now=now)
    der = sign_content(bytes(row.tbs), authority.issuer_of(issuing), key)
    return _store(row, der, actor=actor, now=now)


def _write_down(
    issuing: Authority, target: Authority, *, actor: str, now: datetime
) -> CrossCertificate:
    settings = conf.current()
    serial_number = authority.random_serial_number()
    composed = cross.compose(
        authority.issuer_of(issuing, partition=authority.partition_of(serial_number)),
        authority.issuer_of(target),
        serial_number=serial_number,
        now=now,
        backdate=settings.backdate,
        is_enterprise=settings.is_enterprise,
    )
    with transaction.atomic(durable=True):
        row = CrossCertificate.objects.create(
            issuing=issuing,
            target=target,
            serial_number=f"{serial_number:x}",
            tbs=composed.tbs,
            crl_partition=authority.partition_of(serial_number),
            created_at=now,
        )
        audit.record(
            "signing cross certificate",
            actor=actor,
            subject=f"ca {target.index}",
            at=now,
            signer=issuing.index,
            serial_number=row.serial_number,
        )
    return row


def _store(row: CrossCertificate, der: bytes, *, actor: str, now: datetime) -> CrossCertificate:
    parsed = x509.load_der_x509_certificate(der)
    with transaction.atomic(durable=True):
        row.certificate = Certificate.objects.create(
            authority=row.issuing,
            serial_number=row.serial_number,
            der=der,
            subject=display(parsed.subject)[:1024],
            requester=SITE.name,
            template_name=TEMPLATE_NAME,
            not_before=parsed.not_valid_before_utc,
            not_after=parsed.not_valid_after_utc,
            issued_at=now,
            thumbprint_sha1=thumbprint(der),
            thumbprint_sha256=thumbprint_sha256(der),
            spki_sha256=thumbprint_sha256(spki(parsed.public_key())),
            crl_partition=row.crl_partition,
        )
        row.save(update_fields=["certificate"])
        audit.record(
            "cross certificate signed",
            actor=actor,
            subject=f"ca {row.target.index}",
            at=now,
            signer=row.issuing.index,
            serial_number=row.serial_number,
        )
    return row
