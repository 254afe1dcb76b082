"""What is due for each key of the CA, in sentences for those who run it.

The desk's roll-over page, the command `ca rollover` and whoever reminds people read the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Final

from django.db.models import Max

from enrollment.models import Template
from enrollment.services import cross
from enrollment.services.rollover import Stage, generations

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from enrollment.services.key_use import Left
    from enrollment.services.rollover import KeyGeneration

# Relying parties need time to learn of a new root before leaves below it can be verified.
_NOTICE: Final = timedelta(days=90)


class Urgency(Enum):
    """How soon somebody must act."""

    NOW = "now"
    SOON = "soon"
    LATER = "later"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Duty:
    """One sentence about one key; `command` is the verb that does what it says, if one does."""

    key_index: int
    urgency: Urgency
    sentence: str
    by: datetime | None = None
    command: str = ""


def due(now: datetime) -> list[Duty]:
    """Say for each key of the CA what is to be done, the newest key first.

    At least one sentence a key; what asks for nothing has the urgency NOTHING.
    """
    return of(generations(now), now)


def of(keys: Sequence[KeyGeneration], now: datetime) -> list[Duty]:
    """Say what is to be done about keys that were read before."""
    missing = cross.missing(now)
    found: list[Duty] = []
    for key in keys:
        found += _standing(key, keys, now)
        found += _overdue_list(key, now)
        found += [
            Duty(
                key.key_index,
                Urgency.SOON,
                f"The cross certificate ({signer.index}-{target.index}) is missing: whoever trusts "
                f"only CA certificate {signer.index} cannot verify what hangs on {target.index}.",
                command="ca cross",
            )
            for signer, target in missing
            if signer.key_index == key.key_index
        ]
    return found


def _standing(key: KeyGeneration, keys: Sequence[KeyGeneration], now: datetime) -> Iterator[Duty]:
    number = key.key_index
    retire = f"ca retire {number}"
    match key.stage:
        case Stage.CURRENT:
            yield _renewal(key, now)
            yield from _installation(key, keys, now)
        case Stage.NEEDED:
            yield Duty(
                number,
                Urgency.NOTHING,
                f"Keep this key: {_count(key.left)} on it, and it signs their list. It can go on "
                f"{day(key.left.last_ends)}, when the last one has ended.",
                by=key.left.last_ends,
            )
        case Stage.CLOSING:
            yield Duty(
                number,
                Urgency.LATER,
                "Nothing hangs on this key any more. Its last list comes with the next publication "
                "or when you retire it; then it can go.",
                command=retire,
            )
        case Stage.FREE:
            yield Duty(
                number,
                Urgency.LATER,
                "This key can go: nothing hangs on it, and its last list is good until "
                f"{day(key.ends)}. Retire it, then destroy it.",
                command=retire,
            )
        case Stage.ENDED:
            yield Duty(
                number,
                Urgency.LATER,
                f"The CA certificate of this key ended on {day(key.ends)}; it signs nothing any "
                "more. Retire it, then destroy it.",
                command=retire,
            )
        case Stage.RETIRED:
            yield _after_retirement(key)


def _renewal(key: KeyGeneration, now: datetime) -> Duty:
    """A CA is renewed before its own end cuts short what it issues."""
    longest = Template.objects.filter(published=True).aggregate(days=Max("validity_days"))
    days = longest["days"] or 0
    by = key.ends - timedelta(days=days)
    command = "ca renew --new-key"
    if key.ends <= now:
        said = f"The CA certificate ended on {day(key.ends)}, and nothing can be issued. Renew it."
        return Duty(key.key_index, Urgency.NOW, said, by=key.ends, command=command)
    if by <= now:
        said = (
            f"The CA certificate ends on {day(key.ends)}, which cuts short what the longest "
            f"published template grants ({days:,} days). Renew it."
        )
        urgency = Urgency.NOW if key.ends - now < _NOTICE else Urgency.SOON
        return Duty(key.key_index, urgency, said, by=key.ends, command=command)
    said = (
        f"This key issues. Renew the CA by {day(by)}: from then on its end, {day(key.ends)}, cuts "
        f"short what the longest published template grants ({days:,} days)."
    )
    if by - now < _NOTICE:
        return Duty(key.key_index, Urgency.SOON, said, by=by, command=command)
    return Duty(key.key_index, Urgency.NOTHING, said, by=by)


def _installation(
    key: KeyGeneration, keys: Sequence[KeyGeneration], now: datetime
) -> Iterator[Duty]:
    """Whoever trusts the key before this one must learn of it before the bridge ends."""
    before = next((other for other in keys if other.key_index < key.key_index), None)
    if before is None or before.ends <= now:
        return
    bridge = next(
        (
            row
            for row in before.crosses
            if row.target.key_index == key.key_index and row.certificate is not None
        ),
        None,
    )
    number = key.newest.index
    if bridge is None or bridge.certificate is None:
        said = (
            f"Install CA certificate {number} now wherever certificates are verified: no cross "
            "certificate leads to it from the one before."
        )
        yield Duty(key.key_index, Urgency.SOON, said)
        return
    end = bridge.certificate.not_after
    said = (
        f"Install CA certificate {number} wherever certificates are verified, by {day(end)}. Until "
        f"then, whoever trusts only the one before can use the cross certificate {bridge}."
    )
    yield Duty(key.key_index, Urgency.SOON if end - now < _NOTICE else Urgency.LATER, said, by=end)


def _after_retirement(key: KeyGeneration) -> Duty:
    row = key.retired
    if row is not None and row.destroyed_at is None:
        said = (
            f"Retired on {day(row.retired_at)}: nothing uses this key any more. Destroy it, with "
            "its copies in backups."
        )
        command = f"ca retire {key.key_index} --destroy-key"
        return Duty(key.key_index, Urgency.LATER, said, command=command)
    when = f" on {day(row.destroyed_at)}" if row is not None else ""
    return Duty(
        key.key_index, Urgency.NOTHING, f"Retired, and its file was destroyed{when}. Nothing to do."
    )


def _overdue_list(key: KeyGeneration, now: datetime) -> Iterator[Duty]:
    if key.stage not in (Stage.CURRENT, Stage.NEEDED) or key.ends <= now:
        return
    newest = key.newest_list
    if newest is None:
        said = "There is no revocation list of this key."
    elif newest.next_publish <= now:
        said = (
            f"Revocation list {newest.number} of this key is overdue: the next one should have "
            f"come on {day(newest.next_publish)}."
        )
    else:
        return
    yield Duty(key.key_index, Urgency.NOW, said, command="crl publish")


def _count(left: Left) -> str:
    if left.is_capped:
        return f"{left.count:,} certificates or more hang"
    return "one certificate hangs" if left.count == 1 else f"{left.count:,} certificates hang"


def day(moment: datetime | None) -> str:
    """Write a date as people say it: ``12 March 2027``."""
    return f"{moment.day} {moment:%B %Y}" if moment is not None else ""
