"""Accounts that people have elsewhere: is what we know of them fresh enough to act on?

Whatever way somebody of a directory signs in (form, Basic, ticket, token, certificate, a session
from an hour ago), no request of theirs is answered on what the directory said longer ago than the
setting allows. When it was asked is remembered in this process; what it said, in the database.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from django.utils import timezone

from enrollment import conf
from enrollment.services.outside import ldap_accounts
from enrollment.services.outside.told import (
    LDAP,
    OIDC,
    PersonUnknown,
    SourceDown,
    SourceUnavailable,
    folded,
)
from enrollment.services.pause import Pause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from django.contrib.auth.models import User

    from enrollment.models import Account

_log: Final = logging.getLogger("certsrv.signin")

# Conversations that one process holds at a time, and how long others wait for their turn: a
# directory that hangs must leave most of the eight threads (ADR 0033) for everybody else. After a
# failure it is not asked for a while, and who comes then is told at once.
AT_ONCE: Final = 3
WAIT_SECONDS: Final = 1.0
PAUSE_SECONDS: Final = 10.0
_MOST_REMEMBERED: Final = 4096
_NAMES: Final = {LDAP: "The directory", OIDC: "The OpenID provider"}

slots: Final = threading.BoundedSemaphore(AT_ONCE)
paused: Final = Pause(PAUSE_SECONDS)


class _Recent:
    """When the directory was last asked after an account: by whom it is, or by a name."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._asked: OrderedDict[tuple[int, str], float] = OrderedDict()
        self._lock = threading.Lock()

    def holds(self, user: User, name: str = "") -> bool:
        asked = self._asked.get((user.pk, name))
        return asked is not None and self.clock() - asked < conf.current().ldap.seconds

    def note(self, user: User, *names: str, at: float) -> None:
        with self._lock:
            for name in names:
                self._asked[(user.pk, name)] = at
                self._asked.move_to_end((user.pk, name))
            while len(self._asked) > _MOST_REMEMBERED:
                self._asked.popitem(last=False)

    def forget_all(self) -> None:
        with self._lock:
            self._asked.clear()


recent: Final = _Recent(time.monotonic)


def source_of(user: User | None) -> str:
    """Return where an account is from; empty for our own, and for none."""
    account: Account | None = getattr(user, "account", None)
    return account.source if account is not None else ""


def may_be_theirs(user: User | None) -> bool:
    """Whether the directory is to be asked about a name: it is its own, or nobody's here yet."""
    return conf.current().ldap.is_on and (user is None or source_of(user) == LDAP)


def lifetime(user: User) -> float:
    """Return for how many seconds a password that was right is not asked about again."""
    return conf.current().ldap.seconds if source_of(user) else math.inf


def sign_in(name: str, password: str) -> User:
    """Return the account of somebody whose password the directory finds right.

    The caller holds one of the `slots`.

    Raises:
        PersonUnknown: it does not, or they may not come here.
        SourceUnavailable: it cannot be asked.
    """
    began = recent.clock()
    with _watched(LDAP):
        user = ldap_accounts.sign_in(name, password, now=timezone.now())
    recent.note(user, "", folded(name), at=began)
    return user


def known(name: str, user: User | None) -> User | None:
    """Return the account of a name that a ticket or a proxy vouches for, as it is now.

    Args:
        name: it may be somebody else's there by now, so it is looked up by name.
        user: who has the name here, on or off.

    Raises:
        SourceUnavailable: the account is the directory's, which cannot be asked.
    """
    if source_of(user) == OIDC:
        # People may choose their names at a provider; a ticket for one is not theirs.
        _log.warning("'%s' was refused: the account is the provider's", name)
        return None
    if not may_be_theirs(user):
        return user
    if user is not None and recent.holds(user, folded(name)):
        return user
    began = recent.clock()
    try:
        with turn(LDAP):
            found = ldap_accounts.known(name, now=timezone.now())
    except PersonUnknown as reason:
        _log.warning("'%s' was refused: %s", name, reason)
        return None
    recent.note(found, "", folded(name), at=began)
    return found


def keep_fresh(user: User) -> bool:
    """Bring `user` up to what the directory says, if that was asked too long ago.

    Returns:
        Whether it still is somebody.

    Raises:
        SourceUnavailable: the directory cannot be asked.
    """
    source = source_of(user)
    if not source:
        return True
    settings = conf.current()
    if source == OIDC:
        return user.is_active and is_of_provider(user)
    return settings.ldap.is_on and (user.is_active if recent.holds(user) else _refresh(user))


def is_of_provider(user: User) -> bool:
    """Whether an account is of the provider that the settings name now."""
    settings, account = conf.current().oidc, user.account
    return settings.is_on and account.outside_key.startswith(f"{settings.issuer} ")


def those(people: Iterable[User | None]) -> None:
    """Bring others up to date before their rights are read: who asked, who approved before.

    Raises:
        SourceUnavailable: the directory keeps one of them, and cannot be asked.
    """
    for user in people if conf.current().ldap.is_on else ():
        if user is not None:
            keep_fresh(user)


def _refresh(user: User) -> bool:
    account: Account = user.account
    try:
        with turn(LDAP):
            # While this one waited, another request of the same person may have asked.
            if not recent.holds(user):
                began = recent.clock()
                ldap_accounts.refresh(account, now=timezone.now())
                recent.note(user, "", at=began)
    except PersonUnknown as reason:
        _log.warning("'%s' was refused: %s", user.get_username(), reason)
        return False
    user.refresh_from_db()
    return user.is_active


@contextmanager
def turn(source: str) -> Iterator[None]:
    """Take one of the places of those who wait for a source, while the block asks it.

    Raises:
        SourceUnavailable: there is none, or the source failed a moment ago.
    """
    _check_pause(source)
    if not slots.acquire(timeout=WAIT_SECONDS):
        raise SourceUnavailable(f"{AT_ONCE} others wait already")
    try:
        with _watched(source):
            yield
    finally:
        slots.release()


@contextmanager
def _watched(source: str) -> Iterator[None]:
    _check_pause(source)
    try:
        yield
    except SourceUnavailable as error:
        _log.warning("%s cannot be asked: %s", _NAMES[source], error)
        if isinstance(error, SourceDown):
            paused.begin(source, error)
        raise


def _check_pause(source: str) -> None:
    fault = paused.fault(source)
    if fault is not None:
        raise SourceUnavailable(str(fault))
