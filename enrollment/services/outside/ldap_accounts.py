"""Who signs in with the passwords of the directory, and who still may."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from enrollment import conf
from enrollment.conf_ldap import REFUSE
from enrollment.services.outside import entry as entries
from enrollment.services.outside import groups, mirror
from enrollment.services.outside.conversation import Conversation, talking
from enrollment.services.outside.told import (
    LDAP,
    NobodyOfThisName,
    PersonUnknown,
    Told,
    folded,
    is_name,
)

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import User

    from enrollment.models import Account
    from enrollment.services.outside.conversation import TheirGroup
    from enrollment.services.outside.entry import Entry

_log: Final = logging.getLogger("certsrv.signin")


def sign_in(name: str, password: str, *, now: datetime) -> User:
    """Return the account of somebody whose password the directory finds right.

    Raises:
        PersonUnknown: it does not, or the person may not come here.
        SourceUnavailable: it cannot be asked.
    """
    if not password:
        raise PersonUnknown("no password was sent")
    with talking(conf.current().ldap) as directory:
        found = find(directory, name)
        told = told_of(directory, found, now=now)
        if not directory.is_password(found.dn, password):
            raise PersonUnknown(f"the directory does not let {found.dn} in with this password")
    return _active(mirror.bring_in(told, now=now))


def known(name: str, *, now: datetime) -> User:
    """Return the account of somebody whom others have signed in under their name.

    Raises:
        PersonUnknown: the directory has nobody of this name who may come here.
        SourceUnavailable: it cannot be asked.
    """
    with talking(conf.current().ldap) as directory:
        told = told_of(directory, find(directory, name), now=now)
    return _active(mirror.bring_in(told, now=now))


def refresh(account: Account, *, now: datetime) -> None:
    """Bring an account up to what the directory says now, by the entry's lasting key.

    Raises:
        SourceUnavailable: it cannot be asked.
    """
    settings = conf.current().ldap
    attribute, _, value = account.outside_key.partition(":")
    with talking(settings) as directory:
        found = directory.keyed(attribute, bytes.fromhex(value))
        if len(found) == 1:
            told = told_of(directory, found[0], now=now)
        else:
            # Deleted, or moved to where nobody is looked for.
            told = Told(
                LDAP,
                account.outside_key,
                account.user.get_username(),
                mirrored=settings.mirrored,
                is_off=True,
                facts=None,
            )
    mirror.bring_in(told, now=now)


def look(name: str, *, now: datetime) -> tuple[Entry, list[TheirGroup], Told]:
    """Return what the directory says of a name, without touching any account.

    Raises:
        PersonUnknown: it has nobody of this name.
        SourceUnavailable: it cannot be asked.
    """
    with talking(conf.current().ldap) as directory:
        found = find(directory, name)
        return found, directory.groups_of(found.dn), told_of(directory, found, now=now)


def find(directory: Conversation, name: str) -> Entry:
    """Return the one entry of this name.

    Raises:
        NobodyOfThisName: there is none, or more than one.
    """
    if not is_name(name):
        raise NobodyOfThisName("what was given is no name of an account")
    attribute = conf.current().ldap.name_attribute
    # Active Directory does not tell é from e. We do: they may be two people here.
    found = [one for one in directory.named(name) if folded(one.text(attribute)) == folded(name)]
    if len(found) != 1:
        raise NobodyOfThisName(f"the directory has {len(found) or 'no'} people of this name")
    return found[0]


def told_of(directory: Conversation, found: Entry, *, now: datetime) -> Told:
    """Return what the directory says of one entry.

    Raises:
        PersonUnknown: nothing in it names it for good.
    """
    settings = conf.current().ldap
    key = entries.key_of(found)
    if key is None:
        raise PersonUnknown(f"{found.dn} shows none of {', '.join(entries.IDS)}")
    ours = groups.ours_of(directory.groups_of(found.dn), settings.groups)
    is_off = entries.is_off(found, now=now)
    return Told(
        LDAP,
        f"{key[0]}:{key[1].hex()}",
        found.text(settings.name_attribute),
        groups=frozenset() if is_off else ours,
        mirrored=settings.mirrored,
        is_off=is_off or (not ours and settings.without_group == REFUSE),
        stamp=entries.stamp_of(found),
        facts=entries.facts_of(found),
    )


def _active(user: User) -> User:
    if not user.is_active:
        raise PersonUnknown(f"the account '{user.get_username()}' is switched off")
    return user
