"""Make and publish certificate revocation lists.

Every publication takes the next number, and all lists of that publication, of every key, base and
delta, carry it. Publishers take turns; a list is read, signed and stored outside transactions.

Source: ms-facts section (d.7); RFC 5280 section 5.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import Max, Q

from enrollment import conf
from enrollment.ca import addresses
from enrollment.ca.crl import Revocation, Scope, compose, crl_times, sign
from enrollment.ca.revocation import Reason
from enrollment.models import Authority, Certificate, CertificateRevocationList
from enrollment.services import audit, authority, locks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

    from enrollment.ca.crl import CRLTimes

SKEW: Final = timedelta(minutes=10)
SCHEDULE: Final = "schedule"
STATUS_LOCK: Final = "certificate status"
# Up to here a revocation publishes whole lists; beyond, only deltas where they are on.
_SMALL: Final = 10_000
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _List:
    """One list to make: of which key, which part, relative to what."""

    key: Authority
    partition: int
    base: CertificateRevocationList | None = None


class _Counted:
    """Counts what passes: a list of a million is never held as objects."""

    def __init__(self, revocations: Iterator[Revocation]) -> None:
        self._revocations = revocations
        self.count = 0

    def __iter__(self) -> Iterator[Revocation]:
        for revocation in self._revocations:
            self.count += 1
            yield revocation


def ca_keys() -> list[Authority]:
    """Return the newest CA certificate of each key, the newest key first."""
    newest: dict[int, Authority] = {}
    for row in Authority.objects.order_by("-index"):
        newest.setdefault(row.key_index, row)
    return list(newest.values())


def current_crl(
    row: Authority, *, now: datetime, delta: bool = False, partition: int = 0
) -> bytes | None:
    """Return the newest list of a CA key, made fresh when it is due.

    No scheduler is needed: whoever asks first after the publishing time makes the next one.

    Returns:
        DER; None for a delta where deltas are off.
    """
    if delta and not conf.current().delta_period:
        return None
    newest = newest_list(row.key_index, delta=delta, partition=partition)
    if newest is None or newest.next_publish <= now:
        # A delta needs a base: a new partition has none yet.
        has_base = newest_list(row.key_index, partition=partition) is not None
        publish(now=now, actor=SCHEDULE, base=not delta or not has_base)
        newest = newest_list(row.key_index, delta=delta, partition=partition)
    return bytes(newest.der) if newest is not None else None


def newest_list(
    key_index: int, *, delta: bool = False, partition: int = 0
) -> CertificateRevocationList | None:
    """Return the list of a key that was published last, finished ones only."""
    return (
        _finished()
        .filter(authority__key_index=key_index, is_delta=delta, partition=partition)
        .first()
    )


def _finished() -> QuerySet[CertificateRevocationList]:
    return CertificateRevocationList.objects.exclude(sha256="").order_by("-number")


def publish(*, now: datetime, actor: str, base: bool = True) -> int:
    """Publish the lists of every key and return their number.

    Args:
        now: the moment of publication.
        actor: who asked; `SCHEDULE` finds the work done when somebody else was faster.
        base: whether base lists are made; deltas are made whenever they are on.

    Raises:
        keys.KeyProblem: a CA key cannot be opened.
    """
    with locks.exclusive("crl"):
        if actor == SCHEDULE and not _is_due(now, base=base):
            return _highest()
        number = _highest() + 1
        signing = [row for row in ca_keys() if authority.issuer_of(row).not_after > now]
        partitions = range(conf.current().crl_partitions + 1)
        made = []
        if base:
            made += [_make(_List(key, part), number, now) for key in signing for part in partitions]
        if conf.current().delta_period:
            made += [
                _make(_List(key, part, older), number, now)
                for key in signing
                for part in partitions
                if (older := _base_of_delta(key, part, now)) is not None
            ]
        audit.record(
            "crl published",
            actor=actor,
            subject=f"crl {number}",
            at=now,
            lists=len(made),
            entries=sum(row.entries for row in made),
        )
    return number


def publish_due(now: datetime) -> None:
    """Publish the lists whose time has come, so that nobody waits for the first who asks."""
    for base in (True, False):
        if base or conf.current().delta_period:
            publish(now=now, actor=SCHEDULE, base=base)


def publish_after_revocation(*, now: datetime, actor: str) -> int:
    """Publish what a change of status needs: everything, or deltas alone where lists are long."""
    newest = _finished().filter(is_delta=False).first()
    is_long = newest is not None and newest.entries > _SMALL
    return publish(now=now, actor=actor, base=not (is_long and conf.current().delta_period))


def _is_due(now: datetime, *, base: bool) -> bool:
    # A partition that was switched on since has no list yet.
    parts = {0, conf.current().crl_partitions}
    for row in ca_keys():
        if authority.issuer_of(row).not_after <= now:
            continue
        for part in parts:
            newest = newest_list(row.key_index, delta=not base, partition=part)
            if newest is None or newest.next_publish <= now:
                return True
    return False


def _highest() -> int:
    highest = CertificateRevocationList.objects.aggregate(highest=Max("number"))["highest"]
    return highest or 0


def _base_of_delta(
    key: Authority, partition: int, now: datetime
) -> CertificateRevocationList | None:
    """Return the newest base that everybody has had time to fetch, else the oldest still good.

    Not the last base: a delta must be of use to those who still hold the one before.
    """
    bases = _finished().filter(
        authority__key_index=key.key_index,
        is_delta=False,
        partition=partition,
        next_update__gt=now,
    )
    settled = bases.filter(as_of__lte=now - _overlap()).first()
    return settled or bases.last()


def _overlap() -> timedelta:
    times = crl_times(_EPOCH, conf.current().crl_period, SKEW)
    return times.next_update - times.next_publish - SKEW


def _make(wanted: _List, number: int, now: datetime) -> CertificateRevocationList:
    """Allocate, read, sign and store one list."""
    is_delta = wanted.base is not None
    issuer = authority.issuer_of(wanted.key)
    settings = conf.current()
    period = settings.delta_period if is_delta else settings.crl_period
    times = crl_times(
        now,
        period,
        SKEW,
        not_before=issuer.not_before,
        base_period=settings.crl_period if is_delta else None,
    )
    row = _begin(wanted, number, times, now)
    counted = _Counted(_changed(wanted, now) if is_delta else _revoked(wanted, now))
    tbs = compose(issuer, counted, number=number, times=times, scope=_scope(wanted))
    der = sign(tbs, issuer, authority.signer_of(wanted.key))
    row.der, row.entries = der, counted.count
    row.sha256 = hashlib.sha256(der).hexdigest()
    row.save(update_fields=["der", "entries", "sha256"])
    return row


@transaction.atomic
def _begin(wanted: _List, number: int, times: CRLTimes, now: datetime) -> CertificateRevocationList:
    """Take the number and fix the moment that the list speaks of.

    Under the same lock statuses change: one that changes later knows this moment and is younger.
    """
    locks.hold(STATUS_LOCK)
    return CertificateRevocationList.objects.create(
        authority=wanted.key,
        number=number,
        is_delta=wanted.base is not None,
        base_number=wanted.base.number if wanted.base else None,
        partition=wanted.partition,
        der=b"",
        as_of=now,
        this_update=times.this_update,
        next_update=times.next_update,
        next_publish=times.next_publish,
    )


def _scope(wanted: _List) -> Scope:
    place = authority.place_of(wanted.key, partition=wanted.partition)
    settings = conf.current()
    points: tuple[str, ...] = ()
    if wanted.partition:
        points = tuple(addresses.expand(url, place) for url in settings.crl_urls)
    if wanted.base is not None:
        return Scope(base_number=wanted.base.number, distribution_points=points)
    freshest: tuple[str, ...] = ()
    if settings.delta_period:
        delta = authority.place_of(wanted.key, partition=wanted.partition, delta=True)
        freshest = tuple(addresses.expand(url, delta) for url in settings.crl_urls)
    return Scope(distribution_points=points, freshest_addresses=freshest)


def _of_key(wanted: _List) -> QuerySet[Certificate]:
    """Return the certificates that a list speaks of: all of a key, or those of one partition."""
    rows = Certificate.objects.filter(
        authority__key_index=wanted.key.key_index, status_changed_at__isnull=False
    )
    return rows.filter(crl_partition=wanted.partition) if wanted.partition else rows


def _revoked(wanted: _List, now: datetime) -> Iterator[Revocation]:
    rows = _of_key(wanted).filter(revoked_at__isnull=False)
    if not conf.current().keep_expired_on_crl:
        # An expired certificate stays for one more list (RFC 5280 section 3.3).
        last = newest_list(wanted.key.key_index, partition=wanted.partition)
        rows = rows.filter(not_after__gt=last.as_of if last is not None else now)
    return _lines(rows)


def _changed(wanted: _List, now: datetime) -> Iterator[Revocation]:
    """Return what changed since the base: new revocations, holds, and releases as removals."""
    if wanted.base is None:
        return iter(())
    rows = _of_key(wanted).filter(status_changed_at__gt=wanted.base.as_of)
    return _lines(rows.filter(Q(revoked_at__isnull=False) | Q(not_after__gt=now)))


def _lines(rows: QuerySet[Certificate]) -> Iterator[Revocation]:
    columns = rows.order_by("pk").values_list(
        "serial_number", "revoked_at", "revocation_reason", "invalidity_date", "status_changed_at"
    )
    for serial, revoked_at, reason, invalidity, changed_at in columns.iterator(chunk_size=10_000):
        number = int(serial, 16)
        if revoked_at is None and changed_at is not None:
            yield Revocation(number, changed_at, Reason.REMOVE_FROM_CRL)
        elif revoked_at is not None:
            yield Revocation(number, revoked_at, _REASONS[reason], invalidity)


def lists() -> list[CertificateRevocationList]:
    """Return the published lists, the newest first, without their content, at most 100."""
    return list(_finished().select_related("authority").defer("der")[:100])


_REASONS: Final = {reason.value: reason for reason in Reason} | {None: Reason.UNSPECIFIED}
