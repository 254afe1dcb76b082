"""How far a database has come, and which keys it names."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from cryptography import x509
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Max

from enrollment.ca.encode import thumbprint_sha256
from enrollment.keys.errors import UnknownKeyReference
from enrollment.keys.file import is_locked
from enrollment.keys.reference import FileReference, parse
from enrollment.keys.signer import spki
from enrollment.models import (
    AuditEvent,
    Authority,
    AuthorityRequest,
    Certificate,
    CertificateRevocationList,
    EnrollmentRequest,
)
from enrollment.services.audit_log import FIRST_HASH
from enrollment.services.backup import manifest
from enrollment.services.backup.manifest import KEYS, CertificateOfCA, Facts, KeyOfCA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes


def read(alias: str) -> Facts:
    """Read how far a database has come."""
    event = AuditEvent.objects.using(alias).order_by("-pk").first()
    lists = CertificateRevocationList.objects.using(alias).aggregate(number=Max("number"))
    requests = EnrollmentRequest.objects.using(alias).aggregate(number=Max("pk"))
    newest = Certificate.objects.using(alias).order_by("-pk").values_list("serial_number").first()
    applied = MigrationRecorder(connections[alias]).applied_migrations()
    return Facts(
        audit_id=event.pk if event is not None else 0,
        audit_hash=event.hash if event is not None else FIRST_HASH,
        crl_number=lists["number"] or 0,
        request_id=requests["number"] or 0,
        serial_number=newest[0] if newest else "",
        migrations=tuple(sorted(f"{app}.{name}" for app, name in applied)),
    )


def authorities(alias: str) -> tuple[CertificateOfCA, ...]:
    """Return the certificates of the CA, the oldest first."""
    return tuple(
        CertificateOfCA(
            name=row.name,
            index=row.index,
            key_index=row.key_index,
            thumbprint=thumbprint_sha256(bytes(row.der)),
            not_after=x509.load_der_x509_certificate(
                bytes(row.der)
            ).not_valid_after_utc.isoformat(),
        )
        for row in Authority.objects.using(alias).order_by("index")
    )


def keys(alias: str, held: Mapping[str, bytes]) -> tuple[KeyOfCA, ...]:
    """Return the keys of the CA, those that wait for a certificate too, and which are `held`."""
    owners: list[tuple[str, str, CertificatePublicKeyTypes]] = []
    for row in Authority.objects.using(alias).order_by("index"):
        certificate = x509.load_der_x509_certificate(bytes(row.der))
        owners.append((f"CA certificate {row.index}", row.key_reference, certificate.public_key()))
    for waiting in AuthorityRequest.objects.using(alias).filter(authority=None).order_by("pk"):
        request = x509.load_der_x509_csr(bytes(waiting.der))
        owners.append(
            (f"request {waiting.pk} to the CA above", waiting.key_reference, request.public_key())
        )
    return tuple(
        KeyOfCA(
            owner, reference, _place(reference, held), base64.b64encode(spki(public_key)).decode()
        )
        for owner, reference, public_key in owners
    )


def _place(reference: str, held: Mapping[str, bytes]) -> str:
    try:
        place = parse(reference)
    except UnknownKeyReference:
        return manifest.ELSEWHERE
    if not isinstance(place, FileReference):
        return manifest.ON_TOKEN
    content = held.get(place.path) if place.path.startswith(KEYS) else None
    if content is None:
        return manifest.ELSEWHERE
    return manifest.IN_ARCHIVE_ENCRYPTED if is_locked(content) else manifest.IN_ARCHIVE
