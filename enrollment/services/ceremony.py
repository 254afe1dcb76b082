"""What was done to the CA in one sitting: the record that a key ceremony leaves behind.

Read only. The audit trail is the evidence; this is its form for people who sign on paper.
"""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Final, TypeVar

import cryptography
import django
from cryptography.hazmat.backends.openssl import backend

from enrollment import __version__, keys
from enrollment.ca import encode
from enrollment.ca.names import display
from enrollment.keys.signer import spki
from enrollment.models import (
    AuditEvent,
    Authority,
    Certificate,
    CertificateRevocationList,
    EnrollmentRequest,
)
from enrollment.services import audit, authority

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from django.db.models import Model, QuerySet

# A ceremony does a handful of things; a record of a busy day is an export of the audit trail.
MOST_LINES: Final = 500

_Row = TypeVar("_Row", bound="Model")
Facts = tuple[tuple[str, str], ...]


class TooMuchForARecord(Exception):
    """More happened in the time asked for than anybody signs on paper; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """What only the people in the room know.

    `since` and `until` bound what is recorded, both included.
    """

    operator: str
    witnesses: tuple[str, ...]
    note: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that was there or was made: its name, and facts that can be compared."""

    title: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class Record:
    """A ceremony, for people.

    `digest` is the hash of the newest event of the audit trail, which vouches for all before it.
    """

    occasion: Occasion
    machine: Facts
    authorities: tuple[Item, ...]
    requests: tuple[Item, ...]
    certificates: tuple[Item, ...]
    lists: tuple[Item, ...]
    events: tuple[AuditEvent, ...]
    trail_is_whole: bool
    trail_events: int
    digest: str


def record(occasion: Occasion) -> Record:
    """Collect what happened between `since` and `until`, and what the CA is now.

    Raises:
        TooMuchForARecord: more than `MOST_LINES` of one kind.
    """
    span = (occasion.since, occasion.until)
    verdict = audit.verify()
    return Record(
        occasion=occasion,
        machine=_machine(),
        authorities=tuple(_authority(row) for row in Authority.objects.order_by("index")),
        requests=tuple(
            _request(row)
            for row in _few(EnrollmentRequest.objects.filter(submitted_at__range=span))
        ),
        certificates=tuple(
            _certificate(row) for row in _few(Certificate.objects.filter(issued_at__range=span))
        ),
        lists=tuple(
            _list(row)
            for row in _few(CertificateRevocationList.objects.filter(as_of__range=span))
            if row.sha256
        ),
        events=tuple(_few(AuditEvent.objects.filter(at__range=span))),
        trail_is_whole=verdict.is_whole,
        trail_events=verdict.events,
        digest=verdict.last_hash,
    )


def _few(rows: QuerySet[_Row]) -> list[_Row]:
    found = list(rows.order_by("pk")[: MOST_LINES + 1])
    if len(found) > MOST_LINES:
        raise TooMuchForARecord(
            f"More than {MOST_LINES} {rows.model._meta.verbose_name_plural} fall into this time. "  # noqa: SLF001 - Django's public spelling
            "Choose a later --since, or keep the audit trail instead: manage.py audit export"
        )
    return found


def _machine() -> Facts:
    return (
        ("Machine", platform.node() or "unnamed"),
        ("System", platform.platform()),
        ("certsrv", __version__),
        ("Python", platform.python_version()),
        ("Django", django.get_version()),
        ("cryptography", f"{cryptography.__version__}, {backend.openssl_version_text()}"),
        ("pkilint", metadata.version("pkilint")),
    )


def _authority(row: Authority) -> Item:
    issuer = authority.issuer_of(row)
    return Item(
        f"CA certificate {row.index}, key {row.key_index}",
        (
            ("Subject", display(issuer.certificate.subject)),
            ("Issuer", display(issuer.certificate.issuer)),
            ("Serial number", f"{issuer.certificate.serial_number:x}"),
            ("Valid", f"{_moment(issuer.not_before)} to {_moment(issuer.not_after)}"),
            ("Key", f"{keys.kind_of(issuer.public_key)}, kept in {row.key_reference}"),
            ("Public key, SHA-256", hashlib.sha256(spki(issuer.public_key)).hexdigest()),
            ("Thumbprint, SHA-256", encode.thumbprint_sha256(issuer.der)),
            ("Thumbprint, SHA-1", encode.thumbprint(issuer.der)),
        ),
    )


def _request(row: EnrollmentRequest) -> Item:
    return Item(
        f"Request {row.pk}",
        (
            ("Subject", row.subject),
            ("Asked for by", row.requester),
            ("Template", row.template_name),
            ("Key", row.key_name),
            ("Where it stands", row.disposition_message),
            ("Decided by", row.decided_by),
            ("Request, SHA-256", hashlib.sha256(bytes(row.raw)).hexdigest()),
        ),
    )


def _certificate(row: Certificate) -> Item:
    return Item(
        f"Certificate {row.serial_number}",
        (
            ("Subject", row.subject),
            ("Issued to", row.requester),
            ("Template", row.template_name),
            ("Valid", f"{_moment(row.not_before)} to {_moment(row.not_after)}"),
            ("Thumbprint, SHA-256", row.thumbprint_sha256),
        ),
    )


def _list(row: CertificateRevocationList) -> Item:
    kind = "Delta CRL" if row.is_delta else "CRL"
    part = f", partition {row.partition}" if row.partition else ""
    return Item(
        f"{kind} {row.number} of key {row.authority.key_index}{part}",
        (
            ("Entries", str(row.entries)),
            ("This update", _moment(row.this_update)),
            ("Next update", _moment(row.next_update)),
            ("File, SHA-256", row.sha256),
        ),
    )


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def names(texts: Iterable[str]) -> tuple[str, ...]:
    """Return names of people as they were typed, without what is empty."""
    return tuple(clean for text in texts if (clean := " ".join(text.split())))
