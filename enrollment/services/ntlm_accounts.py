"""Who may sign in with NTLM: named one by one. The only writer of `NtlmAccount`.

NTLM needs a secret that is as good as the password it was made from. So that nobody's own password
is kept in such a form, each account gets one that is made here, for this alone: too long to be
guessed, also by whoever overheard an answer made with it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from enrollment import conf, conf_ntlm
from enrollment.models import NtlmAccount
from enrollment.services import audit, sealing
from enrollment.services.nt_hash import nt_hash
from enrollment.services.people import DESK_RIGHTS, only_alike

if TYPE_CHECKING:
    from datetime import datetime

# 130 bits. Old programs take no more than 31 characters, and people read them from paper.
_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"
_CHARACTERS: Final = 26
# "When was it last used?" needs no write at every request.
_USE_NOTED_EVERY: Final = timedelta(minutes=1)
_SITE: Final = "site"


class NtlmRefused(Exception):
    """An account that may not use NTLM, and why, in one sentence."""


@dataclass(frozen=True, slots=True)
class Holder:
    """An account and its secret."""

    user: User
    nt_hash: bytes = field(repr=False)


@transaction.atomic
def allow(user: User, *, actor: str, now: datetime) -> str:
    """Let an account use NTLM; return the password for it, which nobody can be told again.

    An account that may already gets a new password, and the old one ends.

    Raises:
        NtlmRefused: it may not.
    """
    if conf_ntlm.NTLM not in conf.current().sign_in:
        raise NtlmRefused(
            "NTLM is off, so no secret is made for it. Write ntlm into CERTSRV_SIGN_IN first; "
            "docs/howto/ntlm.md says why not to."
        )
    reason = _why_not(user)
    if reason:
        raise NtlmRefused(reason)
    password = "".join(secrets.choice(_ALPHABET) for _ in range(_CHARACTERS))
    NtlmAccount.objects.update_or_create(
        user=user,
        defaults={
            "sealed": sealing.seal(nt_hash(password), _owner(user.pk), purpose=sealing.NTLM),
            "allowed_at": now,
            "allowed_by": actor,
            "last_used_at": None,
        },
    )
    audit.record("ntlm allowed", actor=actor, subject=f"user {user.get_username()}", at=now)
    return password


def _why_not(user: User) -> str:
    """Say why an account may not use NTLM; nothing when it may. Rights are read afresh."""
    name = user.get_username()
    fresh = User.objects.filter(pk=user.pk, is_active=True).first()
    if fresh is None:
        return f"There is no active account '{name}'."
    if not name.isascii():
        return (
            f"The name '{name}' is not ASCII, and programs disagree about its capital letters, "
            "which NTLM computes with. Make an account with a plain name for the program."
        )
    if any(fresh.has_perm(right) for right in DESK_RIGHTS):
        return (
            f"'{name}' works at the desk, and what NTLM lets in must not. Make an account in "
            "Enrollees alone for the program."
        )
    return ""


def holder_of(name: str, *, now: datetime) -> Holder | None:
    """Return the account of a name with its secret, when it may use NTLM at this moment.

    Rows and rights are read every time: an account that was disabled, or given a role, a moment ago
    is refused, and its secret deleted.
    """
    row = _row_of(name)
    if row is None:
        return None
    if _why_not(row.user):
        end(row.user, actor=_SITE, now=now)
        return None
    try:
        return Holder(row.user, _open(row))
    except sealing.SealBroken:
        return None


def _row_of(name: str) -> NtlmAccount | None:
    rows = NtlmAccount.objects.select_related("user__account")
    found = rows.filter(user__username=name).first()
    if found is None and name.isascii():
        alike = rows.filter(user__username__iexact=name)
        found = only_alike(name, alike, lambda row: row.user.username)
    return found


def note_use(user: User, *, now: datetime) -> None:
    """Note that an account signed in, at most once a minute."""
    NtlmAccount.objects.filter(
        Q(last_used_at=None) | Q(last_used_at__lte=now - _USE_NOTED_EVERY), user=user
    ).update(last_used_at=now)


@transaction.atomic
def end(user: User, *, actor: str, now: datetime) -> bool:
    """Delete the secret of an account; tell whether there was one."""
    ended, _ = NtlmAccount.objects.filter(user=user).delete()
    if ended:
        audit.record("ntlm ended", actor=actor, subject=f"user {user.get_username()}", at=now)
    return bool(ended)


def end_where_not_allowed(
    user: User | None = None, *, now: datetime, actor: str = _SITE
) -> int:  # fmt: skip
    """Delete the secrets of accounts that were disabled or came to work at the desk; count them.

    Args:
        user: look at this account alone.
        now: timezone-aware UTC.
        actor: who changed the account.
    """
    rows = NtlmAccount.objects.select_related("user")
    if user is not None:
        rows = rows.filter(user=user)
    return sum(end(row.user, actor=actor, now=now) for row in rows if _why_not(row.user))


def written(user: User) -> str:
    """Say whether an account may use NTLM, since when, and when it last did."""
    row = NtlmAccount.objects.filter(user=user).first()
    if row is None:
        return "not allowed"
    used = f"{row.last_used_at:%Y-%m-%d %H:%M}" if row.last_used_at else "never"
    return f"allowed since {row.allowed_at:%Y-%m-%d} by {row.allowed_by}; last used: {used}"


def can_be_read(row: NtlmAccount) -> bool:
    """Whether the secret of an account can be used."""
    try:
        _open(row)
    except sealing.SealBroken:
        return False
    return True


def _open(row: NtlmAccount) -> bytes:
    return sealing.unseal(bytes(row.sealed), _owner(row.user_id), purpose=sealing.NTLM)


def _owner(key: int) -> str:
    # A secret that is moved to another row opens nothing there.
    return f"account {key}"
