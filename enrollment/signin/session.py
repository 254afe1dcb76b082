"""Sessions of browsers: begun by a password or by somebody else's word, whole with a second factor.

A session says what was proven, and each request looks whether that is still something of the
account: who loses a factor, or has all of them reset, has a session without one at the next click.

`begin` is the one way into a session, for the form and for whatever leads a browser here.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from django.contrib.auth import load_backend, login
from django.contrib.auth.models import User
from django.http import HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from enrollment import conf
from enrollment.services import second_factor
from enrollment.signin.belief import SignedInBy

if TYPE_CHECKING:
    from django.contrib.sessions.backends.base import SessionBase
    from django.http import HttpRequest, HttpResponse

# A password that was right lets one be asked for the second factor for so long.
HALF_SECONDS: Final = 600
# What was proven when the session began is enough for a first factor for so long.
FRESH_SECONDS: Final = 900
# The present factor, asked for again, allows changes for so long.
CONFIRMED_SECONDS: Final = 300
_HALF: Final = "half"
_PROOF: Final = "second_factor"
_BY: Final = "signed_in_by"
_BEGAN: Final = "began_at"
_CONFIRMED: Final = "confirmed_at"
_BACKEND: Final = "django.contrib.auth.backends.ModelBackend"


@dataclass(frozen=True, slots=True)
class Half:
    """Somebody whose password was right, and who has not shown the second factor yet."""

    user: User
    next: str
    backend: str
    by: str


def begin(
    request: HttpRequest,
    user: User,
    following: str,
    by: SignedInBy = SignedInBy.SESSION,
) -> HttpResponse:
    """Begin a session, or ask for the second factor first; lead on from there.

    Args:
        request: of a browser; whatever session it had ends.
        user: who was believed; the caller has made sure.
        following: where they wanted to go.
        by: what was believed, for the setting that says whether that is enough.
    """
    backend = getattr(user, "backend", _BACKEND)
    # Nothing of what somebody else left in this browser, or put into it, is taken over.
    request.session.flush()
    if second_factor.has_any(user) and by not in conf.current().second_factor.elsewhere:
        request.session[_HALF] = {
            "user": user.pk,
            "password": user.get_session_auth_hash(),
            "at": time.time(),
            "next": following,
            "backend": backend,
            "by": by.value,
        }
        return redirect("signin:second-factor")
    _enter(request, user, backend, by.value)
    if second_factor.is_required(user) and not has_passed(request) and _insists():
        return redirect(f"{reverse('signin:factors')}?{urlencode({'next': following})}")
    return lead_on(following)


def half(request: HttpRequest) -> Half | None:
    """Return who has to show a second factor to have a session."""
    kept = request.session.get(_HALF)
    if kept is None or not _is_recent(kept["at"], HALF_SECONDS):
        return None
    user = User.objects.filter(pk=kept["user"], is_active=True).first()
    # The account's password was changed, or it has its name from elsewhere and lost it.
    if user is None or not constant_time_compare(user.get_session_auth_hash(), kept["password"]):
        return None
    return Half(user, kept["next"], kept["backend"], kept["by"])


def complete(request: HttpRequest, who: Half, proof: str) -> HttpResponse:
    """Make a session out of half of one."""
    request.session.flush()
    _enter(request, who.user, who.backend, who.by)
    request.session[_PROOF] = proof
    return lead_on(who.next)


def _enter(request: HttpRequest, user: User, backend: str, by: str) -> None:
    load_backend(backend)
    login(request, user, backend=backend)
    request.session[_BY] = by
    request.session[_BEGAN] = time.time()


def prove(request: HttpRequest, proof: str) -> None:
    """Note that the second factor was shown in this session, just now."""
    request.session.cycle_key()
    request.session[_PROOF] = proof
    request.session[_CONFIRMED] = time.time()


def keep_proof(request: HttpRequest, user: User) -> None:
    """Go on with a session that a recovery code opened, now that there are new ones."""
    proof = request.session.get(_PROOF, "")
    if proof and not second_factor.is_there(user, proof):
        request.session[_PROOF] = second_factor.proof_by_newest_code(user)


def has_passed(request: HttpRequest) -> bool:
    """Whether this session has shown a factor that its account still has, or needs none."""
    by = request.session.get(_BY, "")
    if by in conf.current().second_factor.elsewhere:
        return True
    proof = request.session.get(_PROOF, "")
    return bool(proof) and second_factor.is_there(_person(request), proof)


def may_change(request: HttpRequest) -> bool:
    """Whether factors may be added or taken away now: only who has just proven who they are."""
    if second_factor.has_any(_person(request)):
        return has_passed(request) and _is_recent(
            request.session.get(_CONFIRMED, 0), CONFIRMED_SECONDS
        )
    return _is_recent(request.session.get(_BEGAN, 0), FRESH_SECONDS)


def began(kept: SessionBase) -> tuple[str, float]:
    """Return by what a session began, and when."""
    return str(kept.get(_BY, "")), float(kept.get(_BEGAN, 0.0))


def next_address(request: HttpRequest, asked: str) -> str:
    """Return where somebody wants to go afterwards, when it is a place of ours."""
    ours = url_has_allowed_host_and_scheme(asked, {request.get_host()}, request.is_secure())
    return asked if asked and ours else "/certsrv/"


def lead_on(address: str) -> HttpResponse:
    """Lead to an address that was found to be ours.

    It is an address and nothing else: Django's `redirect` would take a word for the name of a view.
    """
    return HttpResponseRedirect(address)


def _person(request: HttpRequest) -> User:
    # Who has a session is one of our accounts.
    return cast("User", request.user)


def _insists() -> bool:
    return conf.current().second_factor.required != "report"


def _is_recent(then: float, seconds: int) -> bool:
    return 0 <= time.time() - then < seconds
