"""Where a password alone is not enough, and what who has no more is told.

The desk stands behind it for everybody the setting names; the pages of an account that has second
factors do for a session from before; with `everybody`, all pages do for browsers. What proves
itself in another way on every request (a certificate, a ticket) is enough where the setting says.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.shortcuts import redirect
from django.urls import reverse

from enrollment import conf, conf_people
from enrollment.services import second_factor
from enrollment.signin import session
from enrollment.signin.belief import SignedInBy
from enrollment.signin.problems import forbidden

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase

# Read by the desk, which draws the banner of the dry run.
LACKING: Final = "lacks_second_factor"
_DESK: Final = "admin"
_ACCOUNT: Final = "signin"
_SAFE: Final = frozenset({"GET", "HEAD"})
# Whoever could use these with less could soon do without the rest.
_PAGES_OF_THE_ACCOUNT: Final = frozenset({"password", "tokens", "token-end"})

log = logging.getLogger(__name__)


def judge(request: HttpRequest, by: SignedInBy) -> HttpResponseBase | None:
    """Let somebody who is signed in through, or answer what is missing."""
    user = request.user
    if not isinstance(user, User) or not _wants_more(request, user, by) or _is_enough(request, by):
        return None
    if conf.current().second_factor.required == conf_people.REPORT and _is_desk(request):
        if not second_factor.has_any(user):
            setattr(request, LACKING, True)
            _tell(request, user, by)
        return None
    if by is not SignedInBy.SESSION:
        return forbidden(
            request,
            "This page wants a second factor, and what came with the request is one only.",
            "Sign in with the form at /accounts/login/, in a browser. Programs use the commands of "
            "the server, or what CERTSRV_SECOND_FACTOR_ELSEWHERE names.",
        )
    return _lead(request, user)


def _tell(request: HttpRequest, user: User, by: SignedInBy) -> None:
    """Write into the log who would be stopped, once for a session."""
    if by is SignedInBy.SESSION:
        if request.session.get(LACKING):
            return
        request.session[LACKING] = True
    log.warning("%s works at the desk without a second factor", user.get_username())


def _wants_more(request: HttpRequest, user: User, by: SignedInBy) -> bool:
    if _is_desk(request):
        # Who has no right there is told so by the desk.
        return second_factor.is_required(user)
    match = request.resolver_match
    if match is not None and match.namespace == _ACCOUNT:
        is_guarded = match.url_name in _PAGES_OF_THE_ACCOUNT
        return is_guarded and (second_factor.has_any(user) or _is_for_all(by))
    return _is_for_all(by)


def _is_for_all(by: SignedInBy) -> bool:
    required = conf.current().second_factor.required
    return by is SignedInBy.SESSION and required == conf_people.EVERYBODY


def _is_enough(request: HttpRequest, by: SignedInBy) -> bool:
    if by is SignedInBy.SESSION:
        return session.has_passed(request)
    return by.value in conf.current().second_factor.elsewhere


def _is_desk(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and _DESK in match.namespaces


def _lead(request: HttpRequest, user: User) -> HttpResponseBase:
    has_one = second_factor.has_any(user)
    place = reverse("signin:second-factor" if has_one else "signin:factors")
    if request.method not in _SAFE:
        return forbidden(
            request,
            "This wants a second factor, which was not shown in this session, so nothing was done.",
            f"Open {place}, then send it again.",
        )
    return redirect(f"{place}?{urlencode({'next': request.get_full_path()})}")
