"""Make and publish certificate revocation lists.

Source: ms-facts section (d.7).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import IntegrityError, transaction
from django.db.models import Max

from enrollment.ca.crl import compose, crl_times, sign
from enrollment.models import Authority, CertificateRevocationList
from enrollment.services import audit, authority

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.ca.crl import CRLTimes

BASE_PERIOD: Final = timedelta(weeks=1)
SKEW: Final = timedelta(minutes=10)
SCHEDULE: Final = "schedule"
_TRIES: Final = 5


def current_crl(row: Authority, *, now: datetime) -> bytes:
    """Return the newest list of a CA key, made fresh when it is due.

    No scheduler is needed: whoever asks first after the publishing time makes the next one.
    """
    newest = _newest(row)
    if newest is None or newest.next_publish <= now:
        newest = publish_crl(row, now=now, actor=SCHEDULE)
    return bytes(newest.der)


def _newest(row: Authority) -> CertificateRevocationList | None:
    return (
        CertificateRevocationList.objects.filter(authority__key_index=row.key_index, is_delta=False)
        .order_by("-number")
        .first()
    )


def publish_crl(row: Authority, *, now: datetime, actor: str) -> CertificateRevocationList:
    """Sign and store the next list of a CA key.

    The list is signed outside any transaction; whoever stores a number first wins, and the other
    takes the next one, or, on schedule, the winner's list.

    Raises:
        keys.KeyProblem: the CA key cannot be opened.
    """
    issuer = authority.issuer_of(row)
    times = crl_times(now, BASE_PERIOD, SKEW, not_before=issuer.not_before)
    for _ in range(_TRIES):
        newest = _newest(row)
        if actor == SCHEDULE and newest is not None and newest.next_publish > now:
            return newest
        highest = CertificateRevocationList.objects.aggregate(highest=Max("number"))["highest"]
        number = (highest or 0) + 1
        der = sign(
            compose(issuer, (), number=number, times=times), issuer, authority.signer_of(row)
        )
        try:
            return _store(row, number, der, times, actor=actor, now=now)
        except IntegrityError:
            continue
    raise IntegrityError(f"{_TRIES} others published a CRL meanwhile")


@transaction.atomic
def _store(  # noqa: PLR0913 - one column each
    row: Authority, number: int, der: bytes, times: CRLTimes, *, actor: str, now: datetime
) -> CertificateRevocationList:
    published = CertificateRevocationList.objects.create(
        authority=row,
        number=number,
        der=der,
        this_update=times.this_update,
        next_update=times.next_update,
        next_publish=times.next_publish,
    )
    audit.record("crl published", actor=actor, subject=f"ca {row.index}", at=now, number=number)
    return published


def lists() -> list[CertificateRevocationList]:
    """Return the published lists, the newest first, without their content, at most 100."""
    return list(CertificateRevocationList.objects.select_related("authority").defer("der")[:100])
