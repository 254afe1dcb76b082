"""Certificates that a restore could not bring back, and that must stay revoked all the same."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import Exists, OuterRef

from enrollment.ca.crl import Revocation
from enrollment.ca.revocation import Reason, Status
from enrollment.models import Certificate, LostCertificate
from enrollment.services import audit, authority, crl_rows, locks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from enrollment.models import Authority

STATUS_LOCK: Final = "certificate status"


def revoke(
    issuing: Authority, serial_number: int, status: Status, *, actor: str, now: datetime
) -> bool:
    """Revoke a certificate by its number; return whether that was news.

    Args:
        issuing: a certificate of the key that signed it.
        serial_number: its number, of which this database holds no certificate.
        status: since when and why.
        actor: who says so.
        now: timezone-aware UTC.
    """
    serial = f"{serial_number:x}"
    with transaction.atomic():
        locks.hold(STATUS_LOCK)
        is_known = (
            Certificate.objects.filter(serial_number=serial).exists()
            or LostCertificate.objects.filter(serial_number=serial).exists()
        )
        if status.revoked_at is None or is_known:
            return False
        reason = status.reason or Reason.UNSPECIFIED
        LostCertificate.objects.create(
            authority=issuing,
            serial_number=serial,
            crl_partition=authority.partition_of(serial_number),
            revoked_at=status.revoked_at,
            revocation_reason=reason.value,
            status_changed_at=after_every_list(now),
        )
        audit.record(
            "revoked by number",
            actor=actor,
            subject=f"certificate {serial}",
            at=now,
            reason=reason.label,
            ca=issuing.index,
            since=status.revoked_at.isoformat(),
        )
    return True


def found_again() -> list[LostCertificate]:
    """Return the rows whose certificate the database holds by now."""
    held = Certificate.objects.filter(serial_number=OuterRef("serial_number"))
    return list(LostCertificate.objects.filter(Exists(held)))


def forget(row: LostCertificate) -> None:
    """Drop the row of a certificate that was found, and whose own row is revoked by now."""
    row.delete()


def lines(key_index: int, partition: int, *, since: datetime | None = None) -> Iterator[Revocation]:
    """Return the lines of a list, whole or by partition; with `since`, those that are newer.

    When such a certificate ends is not known, so its line stays.
    """
    rows = LostCertificate.objects.filter(authority__key_index=key_index)
    if partition:
        rows = rows.filter(crl_partition=partition)
    if since is not None:
        rows = rows.filter(status_changed_at__gt=since)
    for row in rows.iterator():
        number = int(row.serial_number, 16)
        yield Revocation(number, row.revoked_at, Reason(row.revocation_reason))


def after_every_list(now: datetime) -> datetime:
    """Return a moment later than what every list speaks of, so that the next delta has it."""
    newest = crl_rows.latest_moment()
    return max(now, newest + timedelta(microseconds=1)) if newest else now
