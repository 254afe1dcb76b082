"""From credentials to the account they belong to, at a bounded cost."""

import threading
import time

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone

from enrollment import conf
from enrollment.services import lockout, people
from enrollment.services.lockout import Attempt
from enrollment.services.outside import fresh
from enrollment.signin import addresses
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


def account_of(request: HttpRequest, credentials: Credentials) -> User | None:
    """Find the active account whose password this is.

    The row is read every time, so an account that was disabled or whose password was changed a
    moment ago is refused, whatever was remembered.

    Raises:
        TooManySignIns: the password would have to be hashed, and too many others wait for that.
        lockout.LockedOut: too many passwords were wrong.
        SourceUnavailable: the directory would have to be asked, and cannot be.
    """
    name = _account_name(credentials.name)
    if name is None:
        return None
    user = find(name)
    attempt = addresses.attempt(request, user.get_username() if user else name)
    if _is_remembered(attempt, user, credentials.password):
        return user if user and user.is_active else None
    return _check_password(attempt, user, credentials.password, remembered=True)


def person_of(request: HttpRequest, typed: Credentials) -> User | None:
    """Find the account of a person, like `account_of`; nothing is remembered for people.

    Raises:
        TooManySignIns: as above.
        lockout.LockedOut: as above.
    """
    # An account may be called user@elsewhere, and people type that.
    user = find(typed.name)
    # A name of another domain is nobody's then, and is counted and hashed for like any other of
    # nobody: time must not tell which of them have accounts.
    name = user.get_username() if user else _account_name(typed.name) or typed.name
    user = user or find(name)
    attempt = addresses.attempt(request, user.get_username() if user else name)
    return _check_password(attempt, user, typed.password, remembered=False)


def find(name: str) -> User | None:
    """Return the account of this name, active or not."""
    return people.find(name)


def is_same(name: str, user: User) -> bool:
    """Whether a name that others vouch for is the account's; no password follows that would tell.

    Databases do not tell small and capital letters apart, and some fold more than ASCII: to one of
    them, a dotless i is an I.
    """
    account = user.get_username()
    return name == account or (name.isascii() and account.isascii())


def _account_name(sent: str) -> str | None:
    settings = conf.current()
    return account_name(sent, realm=settings.realm, domain=settings.domain)


def _is_remembered(attempt: Attempt, user: User | None, password: str) -> bool:
    return user is not None and verified.holds(
        attempt.account, attempt.address, password, user.password
    )


def _check_password(
    attempt: Attempt, user: User | None, password: str, *, remembered: bool
) -> User | None:
    _refuse_guesses(attempt)
    # A directory that hangs must not stop the sign-in of those whose passwords are kept here.
    slots, seconds = _hashing, HASH_WAIT_SECONDS
    if fresh.may_be_theirs(user):
        slots, seconds = fresh.slots, fresh.WAIT_SECONDS
    if not slots.acquire(timeout=seconds):
        raise TooManySignIns
    try:
        # While this one waited, another request of the same program may have been checked.
        if remembered and _is_remembered(attempt, user, password):
            return user if user and user.is_active else None
        # And so may have been other guesses.
        _refuse_guesses(attempt)
        # Django hashes for an unknown name as well, so that time does not tell who exists.
        found = authenticate(None, username=attempt.account, password=password)
        _count(attempt, is_right=found is not None)
    finally:
        slots.release()
    if isinstance(found, User):
        # `authenticate` may have written a stronger hash: remember the one in force now.
        verified.remember(
            attempt.account,
            attempt.address,
            password,
            found.password,
            lifetime=fresh.lifetime(found),
        )
        return found
    return None


def _refuse_guesses(attempt: Attempt) -> None:
    try:
        lockout.check(attempt, timezone.now())
    except lockout.LockedOut:
        # What is remembered would tell a guess that is right from one that is wrong.
        verified.forget(attempt.account, attempt.address)
        raise


def _count(attempt: Attempt, *, is_right: bool) -> None:
    if is_right:
        lockout.succeeded(attempt, timezone.now())
    elif lockout.failed(attempt, timezone.now()):
        verified.forget(attempt.account, attempt.address)
