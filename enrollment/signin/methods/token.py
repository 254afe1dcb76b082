"""API tokens: as `Bearer`, or as the password of Basic for programs that know nothing else.

A token acts for its owner in the pages that programs use, within its verbs and templates. The desk
and the pages of the account want the person.
"""

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest
from django.utils import timezone

from enrollment import conf
from enrollment.models import ApiToken
from enrollment.services import tokens
from enrollment.signin.belief import Believed, CredentialsRefused, Method, Seen, SignedInBy
from enrollment.signin.credentials import account_name, parse_basic

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_DOORS: Final = "enrollment.protocols."


def look(request: HttpRequest) -> Seen:
    """Believe a token that is good, in whichever way it came."""
    scheme, _, sent = request.headers["Authorization"].partition(" ")
    name = None
    if scheme.lower() == "basic":
        credentials = parse_basic(request.headers["Authorization"])
        if credentials is None or not tokens.looks_like_one(credentials.password):
            return None
        name, sent = credentials.name, credentials.password
    row = tokens.believe(sent.strip(), now=timezone.now())
    if row is None or (name is not None and not _is_owner(name, row)):
        raise CredentialsRefused
    row.owner.api_token = row  # type: ignore[attr-defined]  # read by `directory.requester_of`
    return Believed(row.owner, SignedInBy.TOKEN)


def _is_owner(name: str, row: ApiToken) -> bool:
    settings = conf.current()
    found = account_name(name, realm=settings.realm, domain=settings.domain)
    return found is not None and found.casefold() == row.owner.get_username().casefold()


def may_reach(request: HttpRequest, view: Callable[..., Any]) -> bool:
    """Whether the token of this request is for such a view: what is not allowed is refused."""
    row: ApiToken | None = getattr(request.user, "api_token", None)
    if row is None or not view.__module__.startswith(_DOORS):
        return False
    return (tokens.FETCH if request.method in _SAFE else tokens.ENROLL) in row.verbs


METHOD: Final = Method("token", frozenset({"bearer", "basic"}), look)
