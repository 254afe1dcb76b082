"""Who guesses passwords is told to wait, and nobody else.

Wrong passwords are counted for an account from an address (the pair), and, with a bound ten times
as wide, for the account from anywhere and for the address with any account. The wide bounds do not
touch a pair that was right within the last month: so whoever floods an account from elsewhere keeps
its owner out of new places only. Wrong codes of a second factor are counted for the account.

Counting comes after checking. Checks that run at the same moment, two in each process, may all pass
a bound together; a pair that is refused stays refused for all of them.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import Q

from enrollment import conf
from enrollment.models import SignInFailures
from enrollment.services import audit, locks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

PAIR: Final = "pair"
ACCOUNT: Final = "account"
ADDRESS: Final = "address"
CODE: Final = "code"
# How many more an account, or an address, may have wrong than one account from one address.
WIDER: Final = 10
# A person mistypes six digits now and then, and has a million to choose from.
WRONG_CODES: Final = 5
KNOWN_FOR: Final = timedelta(days=30)
# Written anew only when this old: a program that signs in every minute does not write every minute.
_KNOWN_STEP: Final = timedelta(days=1)
MOST_ROWS: Final = 100_000
_LONGEST_NAME: Final = 150

log = logging.getLogger(__name__)


class LockedOut(Exception):
    """Too much was wrong lately; whether this was right is not looked at."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"Refused until {until:%H:%M}")
        self.until = until


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody who wants to be believed.

    Attributes:
        account: the name of the account, as it was found or else as it was typed.
        address: from where; empty when nobody knows.
        is_shared: everybody may come from there: a proxy that nobody named, the machine itself.
    """

    account: str
    address: str
    is_shared: bool = False

    @property
    def name(self) -> str:
        """The account as it is counted: Windows does not tell ALICE from alice."""
        return self.account.casefold()[:_LONGEST_NAME]


@dataclass(frozen=True, slots=True)
class _Count:
    kind: str
    account: str
    address: str
    bound: int


def check(attempt: Attempt, now: datetime) -> None:
    """Let a password be looked at.

    Raises:
        LockedOut: not now.
    """
    _refuse(_counts(attempt), now)


def failed(attempt: Attempt, now: datetime) -> bool:
    """Count a wrong password; return whether the next one has to wait."""
    return _count(_counts(attempt), attempt.account, now)


def succeeded(attempt: Attempt, now: datetime) -> None:
    """Begin the count of this account from this address anew, and know the two for a month."""
    if not conf.current().lock_out.failures:
        return
    row = SignInFailures.objects.filter(
        kind=PAIR, account=attempt.name, address=attempt.address
    ).first()
    is_fresh = row is not None and row.known_since and row.known_since > now - _KNOWN_STEP
    if row is not None and is_fresh and not row.failures:
        return
    SignInFailures.objects.update_or_create(
        kind=PAIR,
        account=attempt.name,
        address=attempt.address,
        defaults={
            "failures": 0,
            "counted_since": now,
            "refused_until": None,
            "known_since": now,
        },
    )


def check_codes(account: str, now: datetime) -> None:
    """Let a code of a second factor be looked at.

    Raises:
        LockedOut: not now.
    """
    _refuse(_codes(account), now)


def code_failed(account: str, now: datetime) -> None:
    """Count a wrong code of an account, wherever it came from: its password was right."""
    _count(_codes(account), account, now)


def code_right(account: str) -> None:
    """Begin the count of wrong codes anew."""
    (count,) = _codes(account)
    SignInFailures.objects.filter(kind=CODE, account=count.account, failures__gt=0).update(
        failures=0
    )


def lift(account: str, *, actor: str, now: datetime) -> int:
    """Let an account in again from everywhere; return how many waits that ended."""
    with transaction.atomic():
        locks.hold("sign-in failures")
        rows = SignInFailures.objects.filter(account=account.casefold()[:_LONGEST_NAME])
        ended = rows.filter(refused_until__gt=now).count()
        rows.update(failures=0, refused_until=None, counted_since=now)
        if ended:
            audit.record(
                "sign-in unlocked", actor=actor, subject=f"user {account}", at=now, waits=ended
            )
    return ended


def waits_of(account: str, now: datetime) -> list[SignInFailures]:
    """Return the waits that an account has, for those who may lift them."""
    name = account.casefold()[:_LONGEST_NAME]
    return list(SignInFailures.objects.filter(account=name, refused_until__gt=now))


def forget_old(now: datetime) -> None:
    """Drop counts that mean nothing any more, and the oldest of more than anybody needs."""
    period = conf.current().lock_out.period
    SignInFailures.objects.filter(
        Q(refused_until=None) | Q(refused_until__lte=now),
        Q(known_since=None) | Q(known_since__lte=now - KNOWN_FOR),
        counted_since__lte=now - period,
    ).delete()
    # Those of strangers, that is: others were right once, and are as few as the accounts.
    strangers = SignInFailures.objects.filter(known_since=None)
    newest = strangers.order_by("-counted_since", "-pk")
    beyond = newest.values_list("counted_since", flat=True)[MOST_ROWS : MOST_ROWS + 1]
    for since in list(beyond):
        strangers.filter(counted_since__lte=since).delete()


def _counts(attempt: Attempt) -> tuple[_Count, ...]:
    bound = conf.current().lock_out.failures
    if not bound:
        return ()
    counts = [
        _Count(PAIR, attempt.name, attempt.address, bound),
        _Count(ACCOUNT, attempt.name, "", bound * WIDER),
    ]
    if attempt.address and not attempt.is_shared:
        counts.append(_Count(ADDRESS, "", attempt.address, bound * WIDER))
    return tuple(counts)


def _codes(account: str) -> tuple[_Count, ...]:
    """Codes are counted also where passwords are not: there are only a million."""
    return (_Count(CODE, account.casefold()[:_LONGEST_NAME], "", WRONG_CODES),)


def _refuse(counts: tuple[_Count, ...], now: datetime) -> None:
    if not counts:
        return
    wanted = Q()
    for count in counts:
        wanted |= Q(kind=count.kind, account=count.account, address=count.address)
    rows = list(SignInFailures.objects.filter(wanted))
    is_known = any(row.known_since and row.known_since > now - KNOWN_FOR for row in rows)
    until = [
        row.refused_until
        for row in rows
        if row.refused_until is not None
        and row.refused_until > now
        and not (is_known and row.kind in (ACCOUNT, ADDRESS))
    ]
    if until:
        raise LockedOut(max(until))


@transaction.atomic
def _count(counts: tuple[_Count, ...], account: str, now: datetime) -> bool:
    if not counts:
        return False
    locks.hold("sign-in failures")
    refused = [count for count in counts if _advance(count, now)]
    for count in refused:
        _tell(count, account, now)
    return bool(refused)


def _advance(count: _Count, now: datetime) -> bool:
    """Count once more; return whether that was the last one before a wait."""
    period = conf.current().lock_out.period
    row, _ = SignInFailures.objects.get_or_create(
        kind=count.kind,
        account=count.account,
        address=count.address,
        defaults={"counted_since": now},
    )
    if row.refused_until is not None and row.refused_until > now:
        return False
    if row.refused_until is not None or row.counted_since <= now - period:
        row.failures, row.counted_since, row.refused_until = 0, now, None
    row.failures += 1
    if row.failures >= count.bound:
        row.refused_until = now + period
    row.save()
    return row.refused_until is not None


def _tell(count: _Count, account: str, now: datetime) -> None:
    until = now + conf.current().lock_out.period
    audit.record(
        "sign-in locked",
        actor="site",
        subject=f"user {account}" if count.account else f"address {count.address}",
        at=now,
        counted=list(_words(count)),
        address=count.address or "anywhere",
        until=until.isoformat(timespec="seconds"),
    )
    log.warning("sign-in is refused until %s: %s", until, " ".join(_words(count)))


def _words(count: _Count) -> Iterator[str]:
    yield f"{count.bound} wrong {'codes' if count.kind == CODE else 'passwords'}"
    if count.kind != ADDRESS:
        yield f"for {count.account}"
    if count.address:
        yield f"from {count.address}"
