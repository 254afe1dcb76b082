"""Certificates as lines of a table: for auditors, for spreadsheets, for a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from enrollment.services import revocation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from django.db.models import QuerySet

    from enrollment.models import Certificate

HEADINGS: Final = (
    "serial number",
    "names",
    "subject",
    "requester",
    "template",
    "state",
    "revoked",
    "reason",
    "valid from",
    "valid until",
    "issued",
    "SHA-256 thumbprint",
)
_CHUNK: Final = 500


def lines(rows: QuerySet[Certificate], most: int, now: datetime) -> Iterator[tuple[object, ...]]:
    """Yield a line for each certificate, at most so many, without holding them all."""
    found = rows.prefetch_related("names").defer("der")
    for number, row in enumerate(found.iterator(chunk_size=_CHUNK)):
        if number == most:
            return
        yield _line(row, now)


def state_of(row: Certificate, now: datetime) -> str:
    """Say in a word or two how a certificate stands."""
    status = revocation.status_of(row)
    if status.is_held:
        return "on hold"
    if status.is_revoked:
        return "revoked"
    return "valid" if row.not_after > now else "ended"


def _line(row: Certificate, now: datetime) -> tuple[object, ...]:
    status = revocation.status_of(row)
    return (
        row.serial_number,
        list(dict.fromkeys(name.value for name in row.names.all())),
        row.subject,
        row.requester,
        row.template_name,
        state_of(row, now),
        f"{status.revoked_at:%Y-%m-%d %H:%M:%S}" if status.revoked_at else "",
        status.reason.label if status.reason is not None else "",
        f"{row.not_before:%Y-%m-%d %H:%M:%S}",
        f"{row.not_after:%Y-%m-%d %H:%M:%S}",
        f"{row.issued_at:%Y-%m-%d %H:%M:%S}",
        row.thumbprint_sha256,
    )
