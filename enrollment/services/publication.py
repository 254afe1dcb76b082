"""Make and publish certificate revocation lists.

Source: ms-facts section (d.7).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import Max

from enrollment.ca.crl import build_crl, crl_times
from enrollment.models import Authority, CertificateRevocationList
from enrollment.services import audit, authority, locks

if TYPE_CHECKING:
    from datetime import datetime

BASE_PERIOD: Final = timedelta(weeks=1)
SKEW: Final = timedelta(minutes=10)


def current_crl(row: Authority, *, now: datetime) -> bytes:
    """Return the newest list of a CA key, made fresh when it is due.

    No scheduler is needed: whoever asks first after the publishing time makes the next one.
    """
    newest = _newest(row)
    if newest is None or newest.next_publish <= now:
        newest = publish_crl(row, now=now, actor="schedule")
    return bytes(newest.der)


def _newest(row: Authority) -> CertificateRevocationList | None:
    return (
        CertificateRevocationList.objects.filter(
            authority__key_index=row.key_index, is_delta=False
        )
        .order_by("-number")
        .first()
    )


def publish_crl(row: Authority, *, now: datetime, actor: str) -> CertificateRevocationList:
    """Sign and store the next list of a CA key.

    Raises:
        keys.KeyProblem: the CA key cannot be opened.
    """
    issuer = authority.issuer_of(row)
    times = crl_times(now, BASE_PERIOD, SKEW)
    with transaction.atomic():
        locks.hold("crl")
        newest = _newest(row)
        if actor == "schedule" and newest is not None and newest.next_publish > now:
            return newest
        highest = CertificateRevocationList.objects.aggregate(highest=Max("number"))["highest"]
        number = (highest or 0) + 1
        der = build_crl(
            issuer.certificate,
            authority.signer_of(row),
            (),
            number=number,
            times=times,
            ca_version=row.key_index << 16 | row.index,
        )
        published = CertificateRevocationList.objects.create(
            authority=row,
            number=number,
            der=der,
            this_update=times.this_update,
            next_update=times.next_update,
            next_publish=times.next_publish,
        )
        audit.record(
            "crl published", actor=actor, subject=f"ca {row.index}", at=now, number=number
        )
    return published


def lists() -> list[CertificateRevocationList]:
    """Return the published lists, the newest first, without their content, at most 100."""
    return list(
        CertificateRevocationList.objects.select_related("authority").defer("der")[:100]
    )
