"""Second factors of accounts: added, asked for, taken away.

What must not happen twice is decided by the database, so that it holds for all processes and nodes:
a code counts for later steps of time only, a recovery code while it is unused.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from enrollment import conf, conf_people
from enrollment.models import RecoveryCode, SecondFactor
from enrollment.models.second_factor import APP, PASSKEY
from enrollment.services import audit, lockout, locks, people, sealing, totp

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

MOST_FACTORS: Final = 10
RECOVERY_CODES: Final = 10
# Without l, o, 0 and 1, which look alike; 16 of these 32 are 80 bits.
_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"
_GROUPS: Final = 4
_GROUP: Final = 4

log = logging.getLogger(__name__)


class FactorRefused(Exception):
    """A factor that cannot be added, and why, in one sentence."""


@dataclass(frozen=True, slots=True)
class Passkey:
    """What a browser has made and `signin.passkeys` has verified."""

    identifier: bytes
    public: bytes
    counter: int


def has_any(user: User) -> bool:
    """Whether this account is asked for more than its password."""
    return SecondFactor.objects.filter(user=user).exists()


def of(user: User) -> list[SecondFactor]:
    """Return the factors of an account, the oldest first."""
    return list(SecondFactor.objects.filter(user=user))


def codes_left(user: User) -> int:
    """Return how many recovery codes were not used."""
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


def is_required(user: User) -> bool:
    """Whether the site wants this account to have one; rights are read anew."""
    wanted = conf.current().second_factor.required
    if wanted == conf_people.OFF:
        return False
    return wanted == conf_people.EVERYBODY or people.works_at_desk(user)


def lacking() -> QuerySet[User]:
    """Return who needs one and has none: `is_required` for all accounts, in one query."""
    wanted = conf.current().second_factor.required
    if wanted == conf_people.OFF:
        return User.objects.none()
    everybody = User.objects.filter(is_active=True)
    asked = everybody if wanted == conf_people.EVERYBODY else people.workers()
    return asked.filter(second_factors=None)


# --- Adding and taking away ----------------------------------------------------------------------


@transaction.atomic
def add_app(user: User, secret: bytes, code: str, label: str, now: datetime) -> SecondFactor | None:
    """Add an authenticator app that has shown a right code; None when it is not right.

    Raises:
        FactorRefused: there are enough.
        lockout.LockedOut: too many were wrong.
    """
    lockout.check_codes(user.get_username(), now)
    step = totp.step_of(secret, _plain(code), now)
    if step is None:
        lockout.code_failed(user.get_username(), now)
        return None
    row = SecondFactor(kind=APP, label=label, counter=step)
    row.secret = sealing.seal(secret, _owner(user), purpose=sealing.SECOND_FACTORS)
    return _add(user, row, now)


@transaction.atomic
def add_passkey(user: User, passkey: Passkey, label: str, now: datetime) -> SecondFactor:
    """Add a passkey that has signed.

    Raises:
        FactorRefused: there are enough, or this one is somebody's already.
    """
    digest = _digest_of(passkey.identifier)
    if SecondFactor.objects.filter(credential=digest).exists():
        raise FactorRefused("This passkey is in use already. Choose another one.")
    row = SecondFactor(kind=PASSKEY, label=label, credential=digest, counter=passkey.counter)
    row.secret = passkey.public
    return _add(user, row, now)


def _add(user: User, row: SecondFactor, now: datetime) -> SecondFactor:
    if SecondFactor.objects.filter(user=user).count() >= MOST_FACTORS:
        raise FactorRefused(f"An account has {MOST_FACTORS} at most. Remove one first.")
    row.user, row.added_at, row.last_used_at = user, now, now
    row.save()
    _record("second factor added", user, user.get_username(), now, row)
    return row


@transaction.atomic
def remove(user: User, key: int, now: datetime) -> bool:
    """Take a factor away; with the last one go the recovery codes."""
    row = SecondFactor.objects.filter(user=user, pk=key).first()
    if row is None:
        return False
    _record("second factor removed", user, user.get_username(), now, row)
    row.delete()
    if not has_any(user):
        RecoveryCode.objects.filter(user=user).delete()
    return True


@transaction.atomic
def reset(user: User, *, actor: str, now: datetime) -> int:
    """Take all factors of somebody away who has lost them; return how many there were."""
    count = SecondFactor.objects.filter(user=user).count()
    SecondFactor.objects.filter(user=user).delete()
    RecoveryCode.objects.filter(user=user).delete()
    if count:
        audit.record(
            "second factors reset",
            actor=actor,
            subject=f"user {user.get_username()}",
            at=now,
            factors=count,
        )
    return count


@transaction.atomic
def make_codes(user: User, now: datetime) -> list[str]:
    """Return new recovery codes, which nobody can tell again; older ones end."""
    RecoveryCode.objects.filter(user=user).delete()
    codes = [_new_code() for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user=user, digest=_digest_of_code(user, code)) for code in codes
    )
    audit.record(
        "recovery codes made",
        actor=user.get_username(),
        subject=f"user {user.get_username()}",
        at=now,
    )
    return codes


def proof_by_newest_code(user: User) -> str:
    """Return what stands for a recovery code that was shown, and is gone with the older ones."""
    newest = RecoveryCode.objects.filter(user=user).order_by("-pk")[0]
    return f"code {newest.pk}"


# --- Asking --------------------------------------------------------------------------------------


@transaction.atomic
def check_code(user: User, code: str, now: datetime) -> str | None:
    """Return what a code of an app, or a recovery code, proves, for `is_there`; None if nothing.

    Raises:
        lockout.LockedOut: too many were wrong; whether this one is right is not looked at.
    """
    name = user.get_username()
    # Guesses for one account are looked at one after the other.
    locks.hold(f"codes of {user.pk}")
    lockout.check_codes(name, now)
    plain = _plain(code)
    is_app = plain.isdecimal() and len(plain) == totp.DIGITS
    proof = _by_app(user, plain, now) if is_app else _by_recovery(user, plain, now)
    if proof is None:
        lockout.code_failed(name, now)
    else:
        lockout.code_right(name)
    return proof


def _by_app(user: User, code: str, now: datetime) -> str | None:
    for row in SecondFactor.objects.filter(user=user, kind=APP):
        try:
            secret = sealing.unseal(bytes(row.secret), _owner(user), purpose=sealing.SECOND_FACTORS)
        except sealing.SealBroken as error:
            log.error("The authenticator app of %s cannot be used: %s", user.pk, error)  # noqa: TRY400 - no trace
            continue
        step = totp.step_of(secret, code, now)
        if step is not None and _advance(row, step, now):
            return str(row.pk)
    return None


def _by_recovery(user: User, code: str, now: datetime) -> str | None:
    row = RecoveryCode.objects.filter(
        user=user, digest=_digest_of_code(user, code), used_at=None
    ).first()
    if row is None or not RecoveryCode.objects.filter(pk=row.pk, used_at=None).update(used_at=now):
        return None
    audit.record(
        "recovery code used",
        actor=user.get_username(),
        subject=f"user {user.get_username()}",
        at=now,
        left=codes_left(user),
    )
    return f"code {row.pk}"


def passkey_of(user: User, identifier: bytes) -> SecondFactor | None:
    """Return the passkey of this account with this identifier."""
    return SecondFactor.objects.filter(
        user=user, kind=PASSKEY, credential=_digest_of(identifier)
    ).first()


def passkey_used(row: SecondFactor, counter: int, now: datetime) -> str | None:
    """Return what was proven by a signature; None when the counter says that there is a copy.

    Source: Web Authentication Level 2 section 6.1.1. Those that do not count say 0 each time.
    """
    if counter == row.counter == 0:
        SecondFactor.objects.filter(pk=row.pk).update(last_used_at=now)
        return str(row.pk)
    if _advance(row, counter, now):
        return str(row.pk)
    _record("passkey refused, for it counts back", row.user, row.user.get_username(), now, row)
    return None


def is_there(user: User, proof: str) -> bool:
    """Whether what was proven once is still something of this account."""
    kind, _, key = proof.rpartition(" ")
    if not key.isdecimal():
        return False
    if kind == "code":
        return RecoveryCode.objects.filter(user=user, pk=int(key)).exists()
    return SecondFactor.objects.filter(user=user, pk=int(key)).exists()


def _advance(row: SecondFactor, counter: int, now: datetime) -> bool:
    """Move the counter forward, unless another process has; one of two wins."""
    newer = Q(pk=row.pk, counter__lt=counter)
    return bool(SecondFactor.objects.filter(newer).update(counter=counter, last_used_at=now))


def _record(verb: str, user: User, actor: str, now: datetime, row: SecondFactor) -> None:
    subject = f"user {user.get_username()}"
    audit.record(verb, actor=actor, subject=subject, at=now, kind=row.kind, label=row.label)


def _owner(user: User) -> str:
    return f"user {user.pk}"


def _plain(code: str) -> str:
    return "".join(code.split()).replace("-", "").casefold()


def _new_code() -> str:
    letters = [secrets.choice(_ALPHABET) for _ in range(_GROUPS * _GROUP)]
    groups = (letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP))
    return "-".join("".join(group) for group in groups)


def _digest_of_code(user: User, code: str) -> str:
    """Return a keyed digest; 80 random bits need no slow hash."""
    message = f"{_owner(user)} {_plain(code)}".encode()
    return hmac.digest(sealing.derived(sealing.RECOVERY_CODES), message, hashlib.sha256).hex()


def _digest_of(identifier: bytes) -> str:
    return hashlib.sha256(identifier).hexdigest()
