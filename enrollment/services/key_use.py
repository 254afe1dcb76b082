"""What hangs on each key of the CA, and whether the key still has anything to sign.

An old key signs its revocation list for as long as a certificate below it is valid. After that it
signs one last list, which stays good until its CA certificate ends, and rests.

Source: ms-facts section (d.8), "the old CRL goes on being published until its leaves are gone".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from enrollment.ca.encode import thumbprint_sha256
from enrollment.models import (
    Authority,
    Certificate,
    CrossCertificate,
    Responder,
    RetiredKey,
)
from enrollment.services import crl_rows

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

# A page says "10,000 or more" rather than count ten million.
CEILING: Final = 10_000


@dataclass(frozen=True, slots=True)
class Left:
    """The certificates below a key that have not ended: how many, and when the last one does."""

    count: int
    last_ends: datetime | None

    @property
    def is_capped(self) -> bool:
        """Whether there may be more than were counted."""
        return self.count >= CEILING


def left(key_index: int, now: datetime) -> Left:
    """Return what is left below a key, counted up to `CEILING`.

    A revoked certificate is left, too: the list must name it until it has ended.
    """
    rows = _rows(key_index, now)
    ends = [
        end
        for authority_id in _certificates_of(key_index)
        if (end := _last_end(rows.filter(authority_id=authority_id))) is not None
    ]
    return Left(rows.order_by()[:CEILING].count(), max(ends, default=None))


def _last_end(rows: QuerySet[Certificate]) -> datetime | None:
    return rows.order_by("-not_after").values_list("not_after", flat=True).first()


def is_needed(key_index: int, now: datetime) -> bool:
    """Whether a certificate below the key has not ended, or the key issues today."""
    return key_index == _current() or _rows(key_index, now).exists()


def is_at_rest(key_index: int, now: datetime) -> bool:
    """Whether the key has nothing to sign: it is retired, or its last list says all there is."""
    if key_index == _current():
        return False
    if is_retired(key_index):
        return True
    if _rows(key_index, now).exists():
        return False
    newest = crl_rows.newest_list(key_index)
    return newest is not None and newest.is_last and not changed_since(key_index, newest.as_of)


def is_retired(key_index: int) -> bool:
    """Whether somebody said that the key will never sign again."""
    return RetiredKey.objects.filter(key_index=key_index).exists()


def retired_certificates() -> frozenset[int]:
    """Return the rows of the CA certificates whose keys are retired."""
    rows = Authority.objects.filter(key_index__in=RetiredKey.objects.values("key_index"))
    return frozenset(rows.values_list("pk", flat=True))


def _current() -> int | None:
    return Authority.objects.order_by("-index").values_list("key_index", flat=True).first()


def _certificates_of(key_index: int) -> list[int]:
    return list(Authority.objects.filter(key_index=key_index).values_list("pk", flat=True))


def _rows(key_index: int, now: datetime) -> QuerySet[Certificate]:
    """The unexpired certificates of a key, without those that the CA keeps for itself.

    Responders are renewed for as long as their key signs, and bridges live as long as the roots:
    counted as leaves, they would keep an old key for ever.
    """
    rows = Certificate.objects.filter(
        authority_id__in=_certificates_of(key_index), not_after__gt=now
    )
    return rows.exclude(pk__in=_own(key_index, now))


def _own(key_index: int, now: datetime) -> list[int]:
    responders = Responder.objects.filter(authority__key_index=key_index, not_after__gt=now)
    thumbprints = [thumbprint_sha256(bytes(row.der)) for row in responders]
    crosses = CrossCertificate.objects.filter(
        issuing__key_index=key_index, certificate__isnull=False
    )
    return [
        *Certificate.objects.filter(thumbprint_sha256__in=thumbprints).values_list("pk", flat=True),
        *crosses.values_list("certificate_id", flat=True),
    ]


def changed_since(key_index: int, moment: datetime) -> bool:
    """Whether the status of a certificate below the key changed after a moment."""
    return Certificate.objects.filter(
        authority__key_index=key_index, status_changed_at__gt=moment
    ).exists()
