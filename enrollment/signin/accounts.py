"""From credentials to the account they belong to, at a bounded cost."""

import threading
import time

from django.contrib.auth import authenticate
from django.contrib.auth.models import User

from enrollment import conf
from enrollment.signin.credentials import Credentials, account_name
from enrollment.signin.verified import VerifiedCredentials

# A password hash takes a core for a good part of a second. Strangers who try passwords may keep
# two of them busy in each process, and no more.
HASHES_AT_ONCE = 2
HASH_WAIT_SECONDS = 10.0

_hashing = threading.BoundedSemaphore(HASHES_AT_ONCE)
verified = VerifiedCredentials(time.monotonic)


class TooManySignIns(Exception):
    """More passwords wait to be checked than this process will check."""


def account_of(credentials: Credentials) -> User | None:
    """Find the active account whose password this is.

    The row is read every time, so an account that was disabled or whose password was changed a
    moment ago is refused, whatever was remembered.

    Raises:
        TooManySignIns: the password would have to be hashed, and too many others wait for that.
    """
    settings = conf.current()
    name = account_name(credentials.name, realm=settings.realm, domain=settings.domain)
    if name is None:
        return None
    user = find(name)
    if _is_remembered(name, user, credentials.password):
        return user if user and user.is_active else None
    return _check_password(name, user, credentials.password)


def find(name: str) -> User | None:
    """Return the account of this name, active or not."""
    found = User.objects.select_related("account").filter(username=name).first()
    if found is None:
        # Windows does not tell ALICE from alice. Two accounts that differ in case only do.
        alike = list(User.objects.filter(username__iexact=name)[:2])
        found = alike[0] if len(alike) == 1 else None
    return found


def _is_remembered(name: str, user: User | None, password: str) -> bool:
    return user is not None and verified.holds(name, password, user.password)


def _check_password(name: str, user: User | None, password: str) -> User | None:
    if not _hashing.acquire(timeout=HASH_WAIT_SECONDS):
        raise TooManySignIns
    try:
        # While this one waited, another request of the same program may have been checked.
        if _is_remembered(name, user, password):
            return user if user and user.is_active else None
        # Django hashes for an unknown name as well, so that time does not tell who exists.
        username = user.get_username() if user else name
        found = authenticate(None, username=username, password=password)
    finally:
        _hashing.release()
    if isinstance(found, User):
        # `authenticate` may have written a stronger hash: remember the one in force now.
        verified.remember(name, password, found.password)
        return found
    return None
