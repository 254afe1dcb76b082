"""API tokens: make, believe, end. The only writer of `ApiToken`."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import Q

from enrollment.models import ApiToken, Template
from enrollment.services import audit

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from django.contrib.auth.models import User
    from django.db.models import QuerySet

# Scanners for leaked secrets know tokens by such a prefix.
PREFIX: Final = "certsrv_"
LONGEST_DAYS: Final = 366
MOST_OF_ONE_OWNER: Final = 50
ENROLL: Final = "enroll"
FETCH: Final = "fetch"
VERBS: Final = {ENROLL: "ask for certificates", FETCH: "look at requests and fetch certificates"}
_SECRET_BYTES: Final = 32
_SHOWN: Final = len(PREFIX) + 6
_LONGEST: Final = 100
# "When was it last used?" needs no write at every request.
_USE_NOTED_EVERY: Final = timedelta(minutes=1)


class TokenRefused(Exception):
    """A token that is not made, and why, in one sentence."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a new token shall be: for what, by whom it is used, and for how long."""

    label: str
    days: int
    templates: tuple[str, ...] = ()
    verbs: tuple[str, ...] = (ENROLL, FETCH)


@transaction.atomic
def make(owner: User, wish: Wish, *, actor: str, now: datetime) -> tuple[ApiToken, str]:
    """Make a token and return it with its secret, which nobody can be told again.

    Raises:
        TokenRefused: the wish is no token.
    """
    _check(owner, wish, now)
    secret = PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    row = ApiToken.objects.create(
        owner=owner,
        label=" ".join(wish.label.split())[:60],
        digest=_digest(secret),
        beginning=secret[:_SHOWN],
        templates=list(wish.templates),
        verbs=list(wish.verbs),
        created_at=now,
        created_by=actor,
        expires_at=now + timedelta(days=wish.days),
    )
    audit.record(
        "token made",
        actor=actor,
        subject=f"user {owner.get_username()}",
        at=now,
        token=row.beginning,
        templates=row.templates,
        verbs=row.verbs,
        until=row.expires_at.isoformat(),
    )
    return row, secret


def _check(owner: User, wish: Wish, now: datetime) -> None:
    if not wish.label.strip():
        raise TokenRefused("A token needs a label: write what will use it, for example 'build 7'.")
    if not 1 <= wish.days <= LONGEST_DAYS:
        raise TokenRefused(f"A token lives 1 to {LONGEST_DAYS} days; {wish.days} were asked for.")
    if not wish.verbs or not set(wish.verbs) <= set(VERBS):
        raise TokenRefused(f"A token is for one or more of: {', '.join(VERBS)}.")
    known = set(Template.objects.filter(name__in=wish.templates).values_list("name", flat=True))
    for name in wish.templates:
        if name not in known:
            raise TokenRefused(f"There is no template '{name}'; write its name (CN).")
    if valid(owner, now).count() >= MOST_OF_ONE_OWNER:
        raise TokenRefused(
            f"{owner.get_username()} has {MOST_OF_ONE_OWNER} tokens; end one that is not used."
        )


def valid(owner: User, now: datetime) -> QuerySet[ApiToken]:
    """Return the tokens of an account that can be used."""
    return ApiToken.objects.filter(Q(revoked_at=None), owner=owner, expires_at__gt=now)


def looks_like_one(text: str) -> bool:
    """Whether a password is meant as a token: then it is never tried as a password."""
    return text.startswith(PREFIX)


def believe(secret: str, *, now: datetime) -> ApiToken | None:
    """Return the token that a secret is, with its owner; None for one that is no longer good.

    The rows are read every time: a token that was ended, or whose owner was disabled, a moment ago
    is refused.
    """
    if not looks_like_one(secret) or len(secret) > _LONGEST:
        return None
    row = (
        ApiToken.objects.select_related("owner__account")
        .filter(digest=_digest(secret), revoked_at=None, expires_at__gt=now, owner__is_active=True)
        .first()
    )
    if row is not None and (row.last_used_at is None or now - row.last_used_at >= _USE_NOTED_EVERY):
        ApiToken.objects.filter(pk=row.pk).update(last_used_at=now)
    return row


@transaction.atomic
def end(rows: Iterable[ApiToken], *, actor: str, now: datetime) -> int:
    """End tokens for good; return how many were good until now."""
    ended = 0
    for row in rows:
        changed = ApiToken.objects.filter(pk=row.pk, revoked_at=None).update(revoked_at=now)
        if changed:
            ended += 1
            audit.record(
                "token ended",
                actor=actor,
                subject=f"user {row.owner.get_username()}",
                at=now,
                token=row.beginning,
            )
    return ended


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
