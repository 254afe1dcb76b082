"""Let an old key of the CA go: a last list, a line in the audit trail, and no signature after it.

The operator decides; nothing here happens by itself. Once a key is retired, its file or its object
on the token may be destroyed: what relying parties still need of it is published.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from enrollment.ca.issuer import IssuanceFault
from enrollment.models import Authority, RetiredKey, SigningRecord
from enrollment.services import audit, authority, crl_rows, key_use, keyring, locks, publication

if TYPE_CHECKING:
    from datetime import datetime


class RetirementRefused(Exception):
    """A key that must stay, and why, in one sentence."""


def retire(key_index: int, *, actor: str, now: datetime, without_list: bool = False) -> RetiredKey:
    """Publish the last list of an old key, and record that it will never sign again.

    The list stays good until the newest CA certificate of the key ends, and is not made anew when
    the schedule has made it already.

    Args:
        key_index: as `ca rollover` says it.
        actor: who asked.
        now: timezone-aware UTC.
        without_list: the key is lost, and no last list can be made.

    Raises:
        RetirementRefused: something still needs the key, or its last list cannot be made.
        authority.NoAuthority: set-up was not run.
    """
    with locks.exclusive("ca"):
        row = _find(key_index)
        _check_free(row, now)
        number = None if without_list else _last_list(row, actor=actor, now=now)
        with transaction.atomic(durable=True):
            retired = RetiredKey.objects.create(
                key_index=key_index, retired_at=now, retired_by=actor[:150], last_list=number
            )
            audit.record(
                "ca key retired",
                actor=actor,
                subject=f"ca {row.index}",
                at=now,
                key=key_index,
                last_list=number,
            )
    return retired


def _find(key_index: int) -> Authority:
    current = authority.current()
    found = {row.key_index: row for row in publication.ca_keys()}
    if key_index not in found:
        known = ", ".join(str(number) for number in sorted(found))
        raise RetirementRefused(f"There is no CA key {key_index}. The keys are: {known}.")
    if key_index == current.key_index:
        raise RetirementRefused(
            f"Key {key_index} issues today. Renew the CA with a new key first: python manage.py ca "
            "renew --new-key"
        )
    retired = RetiredKey.objects.filter(key_index=key_index).first()
    if retired is not None:
        raise RetirementRefused(
            f"Key {key_index} was retired by {retired.retired_by} on {retired.retired_at:%Y-%m-%d}."
        )
    return found[key_index]


def _check_free(row: Authority, now: datetime) -> None:
    left = key_use.left(row.key_index, now)
    if left.last_ends is not None:
        count = f"{left.count:,} or more" if left.is_capped else f"{left.count:,}"
        raise RetirementRefused(
            f"Certificates below key {row.key_index} that have not ended: {count}. The last one "
            f"ends on {left.last_ends:%Y-%m-%d %H:%M} UTC; the key can go then."
        )
    unfinished = SigningRecord.objects.filter(
        authority__key_index=row.key_index, state=SigningRecord.State.COMMITTED
    ).count()
    if unfinished:
        raise RetirementRefused(
            f"Requests that key {row.key_index} has still to sign: {unfinished}. Run: python "
            "manage.py setup"
        )


def _last_list(row: Authority, *, actor: str, now: datetime) -> int | None:
    """Return the number of the last list, making it when it is not there yet."""
    has_ended = authority.issuer_of(row).not_after <= now
    if not has_ended and not key_use.is_at_rest(row.key_index, now):
        try:
            publication.publish(now=now, actor=actor, only=row)
        except (keyring.KeyProblem, IssuanceFault) as fault:
            raise RetirementRefused(
                f"The last list of key {row.key_index} cannot be made: {fault} When the key is "
                "lost for good, say so with --without-list: relying parties then have no fresh "
                "list of it."
            ) from fault
    newest = crl_rows.newest_list(row.key_index)
    return newest.number if newest is not None else None


def is_retired(key_index: int) -> bool:
    """Whether the key was retired before."""
    return key_use.is_retired(key_index)


def destroy(key_index: int, *, actor: str, now: datetime) -> RetiredKey:
    """Delete the key of a retired CA certificate for good, where it lies in a file.

    Raises:
        RetirementRefused: it is not retired, was destroyed before, or cannot be deleted here.
    """
    with locks.exclusive("ca"):
        retired = RetiredKey.objects.filter(key_index=key_index).first()
        if retired is None:
            raise RetirementRefused(f"Key {key_index} is not retired.")
        if retired.destroyed_at is not None:
            raise RetirementRefused(
                f"Key {key_index} was destroyed on {retired.destroyed_at:%Y-%m-%d}."
            )
        rows = list(Authority.objects.filter(key_index=key_index).order_by("-index"))
        references = {row.key_reference for row in rows}
        _check_unshared(references, key_index)
        try:
            for reference in references:
                keyring.destroy_key(reference)
        except keyring.KeyProblem as problem:
            raise RetirementRefused(str(problem)) from problem
        retired.destroyed_at = now
        with transaction.atomic(durable=True):
            retired.save(update_fields=["destroyed_at"])
            audit.record(
                "ca key destroyed",
                actor=actor,
                subject=f"ca {rows[0].index}",
                at=now,
                key=key_index,
            )
    return retired


def _check_unshared(references: set[str], key_index: int) -> None:
    """Never delete a file that another key of the CA is said to lie in."""
    others = Authority.objects.filter(key_reference__in=references).exclude(key_index=key_index)
    if others.exists():
        raise RetirementRefused(
            f"Key {key_index} lies in the same file as another key of the CA; nothing was deleted."
        )
