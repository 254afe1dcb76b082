"""Publish certificate revocation lists: when they are due, when a status changes, when asked.

Every publication takes the next number, and all lists of that publication, of every key, base and
delta, carry it. Publishers take turns, on all nodes.

Source: ms-facts section (d.7); RFC 5280 section 5.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from enrollment import conf, keys
from enrollment.ca.issuer import IssuanceFault
from enrollment.models import Authority
from enrollment.services import audit, authority, crl_making, crl_rows, key_use, locks, published
from enrollment.services.pause import Pause

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.models import CertificateRevocationList

SCHEDULE: Final = "schedule"
# Up to here a revocation publishes whole lists; beyond, only deltas where they are on.
_SMALL: Final = 10_000
_log = logging.getLogger("certsrv.publication")
# Of keys whose lists could not be made, by the row of the CA certificate.
paused: Final = Pause()


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


def current_list(
    row: Authority, *, now: datetime, delta: bool = False, partition: int = 0
) -> CertificateRevocationList | None:
    """Return the newest list of a CA key, made fresh when it is due.

    No scheduler is needed: whoever asks first after the publishing time makes the next one. Who
    asks meanwhile gets the one before, for as long as that is good; so does everybody when the new
    one cannot be made.

    Returns:
        None for a delta where deltas are off, and while there is no list.
    """
    if delta and not conf.current().delta_period:
        return None
    newest = crl_rows.newest_list(row.key_index, delta=delta, partition=partition)
    if newest is not None and now < newest.next_publish:
        return newest
    is_good = newest is not None and now < newest.next_update
    # A delta needs a base: a new partition has none yet.
    has_base = crl_rows.newest_list(row.key_index, partition=partition) is not None
    try:
        publish_due(now, base=not delta or not has_base, wait=not is_good)
    except (keys.KeyProblem, IssuanceFault):
        _log.exception("no new list of CA key %d", row.key_index)
    return crl_rows.newest_list(row.key_index, delta=delta, partition=partition)


def current_crl(
    row: Authority, *, now: datetime, delta: bool = False, partition: int = 0
) -> bytes | None:
    """Return the octets of `current_list`: for whoever needs them whole."""
    newest = current_list(row, now=now, delta=delta, partition=partition)
    return None if newest is None else crl_rows.octets_of(newest)


def partitions_of(key: Authority) -> int:
    """Return how many partitions the lists of a key have, beside the complete one.

    Not fewer than it ever had: certificates name theirs for life, also when the setting is lowered.
    """
    return max(conf.current().crl_partitions, crl_rows.highest_partition(key.key_index))


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


def publish_due(now: datetime, *, base: bool = True, wait: bool = True) -> int:
    """Publish the lists whose time has come, and return the newest number.

    Who finds them made by somebody else makes none; without `wait`, neither does who finds
    somebody else at it.

    Raises:
        keys.KeyProblem, IssuanceFault: as `publish`. For a minute such a key is left alone.
    """
    with locks.exclusive("crl", wait=wait) as held:
        due = [
            key
            for key in signing_keys(now)
            if held and paused.fault(key.pk) is None and _is_due(key, now, base=base)
        ]
        if not due:
            return crl_rows.highest_number()
        return _publish(due, now=now, actor=SCHEDULE, base=base)


def keep_published(now: datetime) -> None:
    """Publish every list whose time has come, so that nobody waits for the first who asks.

    Also what no list says yet: a process may die, or a key fail, between a change and its list.
    """
    publish_due(now)
    if conf.current().delta_period:
        publish_due(now, base=False)


def _publish(signing: list[Authority], *, now: datetime, actor: str, base: bool) -> int:
    """Make the lists of each key; one key that fails does not keep the others' lists back."""
    number, now = crl_rows.highest_number() + 1, _not_before_the_last(now)
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
    newest = crl_rows.latest_moment()
    return newest if newest is not None and now < newest <= now + crl_making.SKEW else now


def _make_all(
    key: Authority, number: int, now: datetime, *, base: bool
) -> list[CertificateRevocationList]:
    """Make the lists of one key and their files; last ones when nothing hangs on it."""
    partitions = range(partitions_of(key) + 1)
    is_last = not key_use.is_needed(key.key_index, now)
    made = [
        _make(crl_making.Wanted(key, part, is_last=is_last), number, now)
        for part in partitions
        if base or is_last
    ]
    if conf.current().delta_period:
        made += [
            _make(crl_making.Wanted(key, part, older, is_last), number, now)
            for part in partitions
            if (older := crl_making.base_of_delta(key, part, now)) is not None
        ]
    return made


def _make(wanted: crl_making.Wanted, number: int, now: datetime) -> CertificateRevocationList:
    row, der = crl_making.make(wanted, number, now)
    published.write_list(row, der)
    return row


def publish_after_revocation(*, now: datetime, actor: str) -> int:
    """Publish what a change of status needs: everything, or deltas alone where lists are long."""
    return publish(now=now, actor=actor, base=not _deltas_suffice())


def _deltas_suffice() -> bool:
    return bool(conf.current().delta_period) and crl_rows.longest_base() > _SMALL


def _is_due(key: Authority, now: datetime, *, base: bool) -> bool:
    # A partition that was switched on since has no list yet.
    for part in {0, partitions_of(key)}:
        newest = crl_rows.newest_list(key.key_index, delta=not base, partition=part)
        # A key that signs after its last list has something new to say.
        if newest is None or newest.next_publish <= now or newest.is_last:
            return True
    newest = crl_rows.newest_list(key.key_index, delta=not base)
    if newest is None or (base and _deltas_suffice()):
        return False
    return key_use.changed_since(key.key_index, newest.as_of)


def lists() -> list[CertificateRevocationList]:
    """Return the published lists, the newest first, at most 100."""
    return list(crl_rows.finished().select_related("authority")[:100])
