"""Make one list: take its number, read what is in it, sign it, store it.

The statuses are read and the list is signed outside of transactions: neither requests nor
revocations wait for a long list.

Source: ms-facts section (d.7); RFC 5280 section 5.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.db.models import F, Max, Q

from enrollment import conf
from enrollment.ca import addresses
from enrollment.ca.crl import Revocation, Scope, compose, crl_times, last_crl_times, sign
from enrollment.ca.revocation import Reason
from enrollment.models import Authority, Certificate, CertificateRevocationList
from enrollment.services import authority, crl_rows, locks, lost
from enrollment.services.prepared import moment, stream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

    from enrollment.ca.crl import CRLTimes
    from enrollment.ca.issuer import Issuer

SKEW: Final = timedelta(minutes=10)
STATUS_LOCK: Final = lost.STATUS_LOCK
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_REASONS: Final = {reason.value: reason for reason in Reason} | {None: Reason.UNSPECIFIED}


@dataclass(frozen=True, slots=True)
class Wanted:
    """One list to make: of which key, which part, relative to what; and if it is the last."""

    key: Authority
    partition: int
    base: CertificateRevocationList | None = None
    is_last: bool = False


class _Counted:
    """Counts what passes: a list of a million is never held as objects."""

    def __init__(self, revocations: Iterator[Revocation]) -> None:
        self._revocations = revocations
        self.count = 0

    def __iter__(self) -> Iterator[Revocation]:
        for revocation in self._revocations:
            self.count += 1
            yield revocation


def make(wanted: Wanted, number: int, now: datetime) -> tuple[CertificateRevocationList, bytes]:
    """Allocate, read, sign and store one list; return its row and its octets.

    Raises:
        keys.KeyProblem, IssuanceFault: the key cannot be used; the number stays taken.
    """
    issuer = authority.issuer_of(wanted.key)
    times = _times(wanted, issuer, now)
    row = _begin(wanted, number, times, now)
    counted = _Counted(_revoked(wanted, now) if wanted.base is None else _changed(wanted, now))
    tbs = compose(issuer, counted, number=number, times=times, scope=_scope(wanted))
    der = sign(tbs, issuer, authority.signer_of(wanted.key))
    crl_rows.finish(row, der, hashlib.sha256(der).hexdigest(), counted.count)
    return row, der


def _times(wanted: Wanted, issuer: Issuer, now: datetime) -> CRLTimes:
    if wanted.is_last:
        return last_crl_times(now, SKEW, not_before=issuer.not_before, not_after=issuer.not_after)
    settings = conf.current()
    is_delta = wanted.base is not None
    return crl_times(
        now,
        settings.delta_period if is_delta else settings.crl_period,
        SKEW,
        not_before=issuer.not_before,
        base_period=settings.crl_period if is_delta else None,
    )


@transaction.atomic
def _begin(
    wanted: Wanted, number: int, times: CRLTimes, now: datetime
) -> CertificateRevocationList:
    """Take the number and fix the moment that the list speaks of.

    Under the same lock statuses change: one that changes later knows this moment and is younger,
    and one that changed before is not, whatever the clock does.
    """
    locks.hold(STATUS_LOCK)
    changed = Certificate.objects.filter(status_changed_at__isnull=False).order_by()
    newest_change = changed.aggregate(newest=Max("status_changed_at"))["newest"]
    return CertificateRevocationList.objects.create(
        authority=wanted.key,
        number=number,
        is_delta=wanted.base is not None,
        base_number=wanted.base.number if wanted.base else None,
        partition=wanted.partition,
        as_of=max(now, newest_change or now),
        this_update=times.this_update,
        next_update=times.next_update,
        next_publish=times.next_publish,
    )


def base_of_delta(
    key: Authority, partition: int, now: datetime
) -> CertificateRevocationList | None:
    """Return the newest base that everybody has had time to fetch, else the oldest still good.

    Not the last base: a delta must be of use to those who still hold the one before.
    """
    bases = crl_rows.of_place(key.key_index, delta=False, partition=partition)
    bases = bases.filter(next_update__gt=now)
    settled = bases.filter(as_of__lte=now - _overlap()).first()
    return settled or bases.last()


def _overlap() -> timedelta:
    times = crl_times(_EPOCH, conf.current().crl_period, SKEW)
    return times.next_update - times.next_publish - SKEW


def _scope(wanted: Wanted) -> Scope:
    place = authority.place_of(wanted.key, partition=wanted.partition)
    settings = conf.current()
    points: tuple[str, ...] = ()
    if wanted.partition:
        points = tuple(addresses.expand(url, place) for url in settings.crl_urls)
    if wanted.base is not None:
        return Scope(base_number=wanted.base.number, distribution_points=points)
    freshest: tuple[str, ...] = ()
    # Whoever reads the last base must not wait for deltas that never come.
    if settings.delta_period and not wanted.is_last:
        delta = authority.place_of(wanted.key, partition=wanted.partition, delta=True)
        freshest = tuple(addresses.expand(url, delta) for url in settings.crl_urls)
    return Scope(distribution_points=points, freshest_addresses=freshest)


def _of_key(wanted: Wanted) -> QuerySet[Certificate]:
    """Return the certificates that a list speaks of: all of a key, or those of one partition."""
    of_key = Authority.objects.filter(key_index=wanted.key.key_index).order_by()
    # An expression, so that nobody walks the index of the column: most rows were never revoked.
    rows = Certificate.objects.filter(status_changed_at__isnull=False).alias(
        issued_by=F("authority_id") + 0
    )
    rows = rows.filter(issued_by__in=list(of_key.values_list("pk", flat=True)))
    return rows.filter(crl_partition=wanted.partition) if wanted.partition else rows


def _revoked(wanted: Wanted, now: datetime) -> Iterator[Revocation]:
    rows = _of_key(wanted).filter(revoked_at__isnull=False)
    if not conf.current().keep_expired_on_crl:
        # "An entry MUST NOT be removed from the CRL until it appears on one regularly scheduled CRL
        # issued beyond the revoked certificate's validity period." -- RFC 5280 section 3.3
        # A list that another revocation replaced early was not seen by those who come by schedule.
        scheduled = crl_rows.of_place(wanted.key.key_index, delta=False, partition=wanted.partition)
        last = scheduled.filter(next_publish__lte=now).first()
        if last is not None:
            rows = rows.filter(not_after__gte=last.this_update)
    return chain(_lines(rows), lost.lines(wanted.key.key_index, wanted.partition))


def _changed(wanted: Wanted, now: datetime) -> Iterator[Revocation]:
    """Return what changed since the base: new revocations, holds, and releases as removals."""
    if wanted.base is None:
        return iter(())
    since = wanted.base.as_of
    rows = _of_key(wanted).filter(status_changed_at__gt=since)
    return chain(
        _lines(rows.filter(Q(revoked_at__isnull=False) | Q(not_after__gt=now))),
        lost.lines(wanted.key.key_index, wanted.partition, since=since),
    )


def _lines(rows: QuerySet[Certificate]) -> Iterator[Revocation]:
    # In the order of the index `certificate_status`, which has all of it: the table of everything
    # that was ever issued is not read.
    columns = rows.order_by("status_changed_at", "serial_number").values_list(
        "serial_number", "revoked_at", "revocation_reason", "invalidity_date", "status_changed_at"
    )
    return map(_line, stream(columns))


def _line(row: tuple[Any, ...]) -> Revocation:
    """Read one row, as the database gives it."""
    serial, revoked_at, reason, invalidity, changed_at = row
    if revoked_at is None:
        return Revocation(int(serial, 16), moment(changed_at), Reason.REMOVE_FROM_CRL)
    invalid_since = None if invalidity is None else moment(invalidity)
    return Revocation(int(serial, 16), moment(revoked_at), _REASONS[reason], invalid_since)
