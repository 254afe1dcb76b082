"""Brings what a source outside of the site says of people into our rows, and nothing else does.

An account belongs to one source for good, by the key that the source has for the person. What the
source hands out, it alone sets and unsets: facts, the groups that are mapped, whether the account
is on. Groups that are not mapped stay as an administrator left them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Group, User
from django.db import transaction

from enrollment import conf
from enrollment.models import Account
from enrollment.services import audit, locks, people
from enrollment.services.outside.told import (
    LDAP,
    OIDC,
    PersonUnknown,
    Told,
    is_name_of_domain,
)

if TYPE_CHECKING:
    from datetime import datetime

_OF_USER = ("email", "first_name", "last_name")
_OF_ACCOUNT = ("dns_name", "upn", "sid")
# Changes with every new password, and tells nothing.
_SILENT = "password"
_INNER = ("given_groups", "is_off_outside")


def bring_in(told: Told, *, now: datetime) -> User:
    """Return the account of a person, as the source sees them now; made if they are new.

    The account may be switched off: look at `is_active`.

    Raises:
        PersonUnknown: they have no account and may have none, or its name is somebody else's.
    """
    account = _find(told)
    if account is not None and not _changes(account, told):
        return account.user
    with transaction.atomic():
        locks.hold("accounts")
        account = _find(told)
        if account is None:
            account = _make(told, now)
        changes = _changes(account, told)
        if changes:
            _store(account, changes)
            _record("user changed", account, now, changes=_shown(changes))
    return account.user


def adopt(user: User, told: Told, *, by: str, now: datetime) -> User:
    """Give an account of our own to the person of a source who has its name, for good.

    Raises:
        PersonUnknown: one of the two belongs to somebody else already.
    """
    with transaction.atomic():
        locks.hold("accounts")
        account, _ = Account.objects.get_or_create(user=user)
        if account.source or _find(told) is not None:
            raise PersonUnknown(
                f"'{told.name}' or the account '{user}' has its counterpart already"
            )
        account.source, account.outside_key = told.source, told.key
        account.save()
        _record("user adopted", account, now, source=told.source, key=told.key, by=by)
    return bring_in(told, now=now)


def key_holder(source: str, key: str) -> User | None:
    """Return the account that belongs to somebody of a source."""
    account = Account.objects.select_related("user").filter(source=source, outside_key=key).first()
    return account.user if account else None


def handed_out(account: Account) -> frozenset[str]:
    """Return our groups that somebody has, or has not, as their source says."""
    settings = conf.current()
    mapped = {LDAP: settings.ldap.mirrored, OIDC: settings.oidc.mirrored}[account.source]
    return mapped | frozenset(account.given_groups)


def note_sign_in(user: User, *, now: datetime) -> None:
    """Remember when the source itself last signed somebody in."""
    Account.objects.filter(user=user).update(seen_at=now)


def _find(told: Told) -> Account | None:
    return (
        Account.objects.select_related("user")
        .filter(source=told.source, outside_key=told.key)
        .first()
    )


def _make(told: Told, now: datetime) -> Account:
    if told.is_off:
        raise PersonUnknown(f"'{told.name}' is switched off, or in no group that is mapped")
    if not is_name_of_domain(told.name):
        raise PersonUnknown(f"no account can be called '{told.name}'")
    taken = people.who_has(told.name)
    if taken:
        raise PersonUnknown(
            f"there is an account '{taken}' here, which does not belong to this '{told.name}'"
        )
    user = User.objects.create(username=told.name, password=_stored(told))
    account = Account.objects.create(user=user, source=told.source, outside_key=told.key)
    _record("user added", account, now, source=told.source, key=told.key)
    return account


def _changes(account: Account, told: Told) -> dict[str, list[Any]]:
    """Return ``{what: [before, after]}`` of all that the source says otherwise now."""
    user = account.user
    pairs: dict[str, tuple[Any, Any]] = {"groups": _groups(account, told)}
    if told.facts is not None:
        pairs |= {name: (getattr(user, name), getattr(told.facts, name)) for name in _OF_USER}
        pairs |= {name: (getattr(account, name), getattr(told.facts, name)) for name in _OF_ACCOUNT}
        pairs["password"] = (user.password, _stored(told))
    # Who was switched off here, by hand, is not switched on from there.
    is_on = user.is_active or account.is_off_outside
    pairs["is_active"] = (user.is_active, is_on and not told.is_off)
    pairs["is_off_outside"] = (account.is_off_outside, is_on and told.is_off)
    pairs["given_groups"] = (sorted(account.given_groups), _given(told))
    return {name: [before, after] for name, (before, after) in pairs.items() if before != after}


def _groups(account: Account, told: Told) -> tuple[list[str], list[str]]:
    has = set(account.user.groups.order_by().values_list("name", flat=True))
    by_hand = has - told.mirrored - set(account.given_groups)
    return sorted(has), sorted(by_hand | set(_given(told)))


def _given(told: Told) -> list[str]:
    if told.is_off or not told.groups:
        return []
    exist = Group.objects.filter(name__in=told.groups).order_by("name")
    return sorted(exist.values_list("name", flat=True))


def _store(account: Account, changes: dict[str, list[Any]]) -> None:
    user = account.user
    for name, (_, after) in changes.items():
        if name in (*_OF_USER, "password", "is_active"):
            setattr(user, name, after)
        elif name != "groups":
            setattr(account, name, after)
    user.save()
    account.save()
    if "groups" in changes:
        user.groups.set(Group.objects.filter(name__in=changes["groups"][1]))
        people.mark(user)


def _stored(told: Told) -> str:
    """Return what stands in the place of a password: no password fits it.

    It changes with the password that the source keeps, and thereby ends sessions and whatever was
    remembered, as a changed password of ours does.
    """
    return f"!{told.source}:{told.stamp}"


def _shown(changes: dict[str, list[Any]]) -> dict[str, Any]:
    shown: dict[str, Any] = {name: pair for name, pair in changes.items() if name not in _INNER}
    if _SILENT in shown:
        shown[_SILENT] = "changed"
    return shown


def _record(verb: str, account: Account, now: datetime, **detail: Any) -> None:  # noqa: ANN401  # JSON
    # No account can be called so: a colon is in none.
    audit.record(
        verb,
        actor=f"directory:{account.source}",
        subject=f"user {account.user.get_username()}",
        at=now,
        **detail,
    )
