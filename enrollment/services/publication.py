"""Make and publish certificate revocation lists.

Every publication takes the next number, and all lists of that publication, of every key, base and
delta, carry it. Publishers take turns; a list is read, signed and stored outside transactions.

Source: ms-facts section (d.7); RFC 5280 section 5.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import Max, Q

from enrollment import conf, keys
from enrollment.ca import addresses
from enrollment.ca.crl import Revocation, Scope, compose, crl_times, last_crl_times, sign
from enrollment.ca.issuer import IssuanceFault
from enrollment.ca.revocation import Reason
from enrollment.models import Authority, Certificate, CertificateRevocationList
from enrollment.services import audit, authority, key_use, locks
from enrollment.services.pause import Pause

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

    from enrollment.ca.crl import CRLTimes
    from enrollment.ca.issuer import Issuer

SKEW: Final = timedelta(minutes=10)
SCHEDULE: Final = "schedule"
STATUS_LOCK: Final = "certificate status"
# Up to here a revocation publishes whole lists; beyond, only deltas where they are on.
_SMALL: Final = 10_000
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_log = logging.getLogger("certsrv.publication")
# Of keys whose lists could not be made, by the row of the CA certificate.
paused: Final = Pause()


@dataclass(frozen=True, slots=True)
class _List:
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


def ca_keys() -> list[Authority]:
    """Return the newest CA certificate of each key, the newest key first."""
    newest: dict[int, Authority] = {}
    for row in Authority.objects.order_by("-index"):
        newest.setdefault(row.key_index, row)
    return list(newest.values())


def signing_keys(now: datetime) -> list[Authority]:
    """Return the newest CA certificate of each key that has to sign, the newest key first.

    Not those whose certificate has ended at `now`, and not those that rest (`key_use`): an old
    key may be taken away once its last list is out.
    """
    return [
        row
        for row in ca_keys()
        if authority.issuer_of(row).not_after > now and not key_use.is_at_rest(row.key_index, now)
    ]


def current_crl(
    row: Authority, *, now: datetime, delta: bool = False, partition: int = 0
) -> bytes | None:
    """Return the newest list of a CA key, made fresh when it is due.

    No scheduler is needed: whoever asks first after the publishing time makes the next one. When
    that fails, the list before is still good for the overlap, and better than none.

    Returns:
        DER; None for a delta where deltas are off, and while there is no list.
    """
    if delta and not conf.current().delta_period:
        return None
    wanted = _lists_of(row.key_index, delta=delta, partition=partition)
    newest = wanted.first()
    if newest is None or newest.next_publish <= now:
        # A delta needs a base: a new partition has none yet.
        has_base = newest_list(row.key_index, partition=partition) is not None
        try:
            publish_due(now, base=not delta or not has_base)
        except (keys.KeyProblem, IssuanceFault):
            _log.exception("no new list of CA key %d", row.key_index)
        newest = wanted.first()
    return bytes(newest.der) if newest is not None else None


def partitions_of(key: Authority) -> int:
    """Return how many partitions the lists of a key have, beside the complete one.

    Not fewer than it ever had: certificates name theirs for life, also when the setting is lowered.
    """
    had = _finished().filter(authority__key_index=key.key_index)
    highest: int | None = had.order_by().aggregate(highest=Max("partition"))["highest"]
    return max(conf.current().crl_partitions, highest or 0)


def newest_list(
    key_index: int, *, delta: bool = False, partition: int = 0
) -> CertificateRevocationList | None:
    """Return the list of a key that was published last, finished ones only, without its octets."""
    return _lists_of(key_index, delta=delta, partition=partition).defer("der").first()


def _lists_of(
    key_index: int, *, delta: bool, partition: int
) -> QuerySet[CertificateRevocationList]:
    return _finished().filter(authority__key_index=key_index, is_delta=delta, partition=partition)


def _finished() -> QuerySet[CertificateRevocationList]:
    return CertificateRevocationList.objects.exclude(sha256="").order_by("-number")


def publish(*, now: datetime, actor: str, base: bool = True, only: Authority | None = None) -> int:
    """Publish the lists of every key that has to sign, and return their number.

    Args:
        now: the moment of publication.
        actor: who asked.
        base: whether base lists are made; deltas are made whenever they are on.
        only: the newest CA certificate of the one key whose lists are wanted.

    Raises:
        keys.KeyProblem, IssuanceFault: a CA key does not do its work; the lists of the other keys
            are published.
    """
    with locks.exclusive("crl"):
        paused.end_all()
        signing = signing_keys(now) if only is None else [only]
        return _publish(signing, now=now, actor=actor, base=base)


def publish_due(now: datetime, *, base: bool = True) -> int:
    """Publish the lists whose time has come, and return the newest number.

    Who finds them made by somebody else makes none.

    Raises:
        keys.KeyProblem, IssuanceFault: as `publish`. For a minute such a key is left alone.
    """
    with locks.exclusive("crl"):
        due = [
            key
            for key in signing_keys(now)
            if paused.fault(key.pk) is None and _is_due(key, now, base=base)
        ]
        if not due:
            return _highest()
        return _publish(due, now=now, actor=SCHEDULE, base=base)


def keep_published(now: datetime) -> None:
    """Publish every list whose time has come, so that nobody waits for the first who asks."""
    publish_due(now)
    if conf.current().delta_period:
        publish_due(now, base=False)


def _publish(signing: list[Authority], *, now: datetime, actor: str, base: bool) -> int:
    """Make the lists of each key; one key that fails does not keep the others' lists back."""
    number, now = _highest() + 1, _not_before_the_last(now)
    made: list[CertificateRevocationList] = []
    faults: list[Exception] = []
    for key in signing:
        try:
            made.extend(_make_all(key, number, now, base=base))
        except (keys.KeyProblem, IssuanceFault) as fault:
            paused.begin(key.pk, fault)
            faults.append(fault)
    if made:
        audit.record(
            "crl published",
            actor=actor,
            subject=f"crl {number}",
            at=now,
            lists=len(made),
            entries=sum(row.entries for row in made),
        )
    if faults:
        raise faults[0]
    return number


def _not_before_the_last(now: datetime) -> datetime:
    """Return `now`, or the newest list's moment: who waited, or another node, may be behind it."""
    newest = CertificateRevocationList.objects.aggregate(newest=Max("as_of"))["newest"]
    return newest if newest is not None and now < newest <= now + SKEW else now


def _make_all(
    key: Authority, number: int, now: datetime, *, base: bool
) -> list[CertificateRevocationList]:
    """Make the lists of one key, whole and by partition; last ones when nothing hangs on it."""
    partitions = range(partitions_of(key) + 1)
    is_last = not key_use.is_needed(key.key_index, now)
    made = [
        _make(_List(key, part, is_last=is_last), number, now)
        for part in partitions
        if base or is_last
    ]
    if conf.current().delta_period:
        made += [
            _make(_List(key, part, older, is_last), number, now)
            for part in partitions
            if (older := _base_of_delta(key, part, now)) is not None
        ]
    return made


def publish_after_revocation(*, now: datetime, actor: str) -> int:
    """Publish what a change of status needs: everything, or deltas alone where lists are long."""
    newest = newest_base()
    is_long = newest is not None and newest.entries > _SMALL
    return publish(now=now, actor=actor, base=not (is_long and conf.current().delta_period))


def newest_base() -> CertificateRevocationList | None:
    """Return the base list that was published last, of any key, without its octets."""
    return _finished().filter(is_delta=False).defer("der").first()


def _is_due(key: Authority, now: datetime, *, base: bool) -> bool:
    # A partition that was switched on since has no list yet.
    for part in {0, partitions_of(key)}:
        newest = newest_list(key.key_index, delta=not base, partition=part)
        # A key that signs after its last list has something new to say.
        if newest is None or newest.next_publish <= now or newest.is_last:
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
    bases = _lists_of(key.key_index, delta=False, partition=partition)
    bases = bases.filter(next_update__gt=now).defer("der")
    settled = bases.filter(as_of__lte=now - _overlap()).first()
    return settled or bases.last()


def _overlap() -> timedelta:
    times = crl_times(_EPOCH, conf.current().crl_period, SKEW)
    return times.next_update - times.next_publish - SKEW


def _make(wanted: _List, number: int, now: datetime) -> CertificateRevocationList:
    """Allocate, read, sign and store one list."""
    is_delta = wanted.base is not None
    issuer = authority.issuer_of(wanted.key)
    times = _times(wanted, issuer, now)
    row = _begin(wanted, number, times, now)
    counted = _Counted(_changed(wanted, now) if is_delta else _revoked(wanted, now))
    tbs = compose(issuer, counted, number=number, times=times, scope=_scope(wanted))
    der = sign(tbs, issuer, authority.signer_of(wanted.key))
    row.der, row.entries = der, counted.count
    row.sha256 = hashlib.sha256(der).hexdigest()
    row.save(update_fields=["der", "entries", "sha256"])
    return row


def _times(wanted: _List, issuer: Issuer, now: datetime) -> CRLTimes:
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
    # Whoever reads the last base must not wait for deltas that never come.
    if settings.delta_period and not wanted.is_last:
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
        # "An entry MUST NOT be removed from the CRL until it appears on one regularly scheduled CRL
        # issued beyond the revoked certificate's validity period." -- RFC 5280 section 3.3
        # A list that another revocation replaced early was not seen by those who come by schedule.
        scheduled = _lists_of(wanted.key.key_index, delta=False, partition=wanted.partition)
        last = scheduled.filter(next_publish__lte=now).defer("der").first()
        if last is not None:
            rows = rows.filter(not_after__gte=last.this_update)
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
