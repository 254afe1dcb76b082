"""REMOTE_USER: a trusted proxy has signed somebody in, and says who it was."""

from typing import Final

from django.http import HttpRequest

from enrollment import conf
from enrollment.services.outside import fresh
from enrollment.signin.accounts import find, is_same
from enrollment.signin.belief import Believed, CredentialsRefused, Method, Seen, SignedInBy
from enrollment.signin.credentials import account_name
from enrollment.signin.proxies import is_from_proxy, user_header

# Longer names are nobody's.
_LONGEST: Final = 512


def look(request: HttpRequest) -> Seen:
    """Believe the name that a trusted proxy gives; without one, the proxy saw nobody."""
    if not is_from_proxy(request):
        return None
    told = request.META.get(user_header(), "").strip()
    if not told:
        return None
    settings = conf.current()
    name = account_name(_text(told), realm=settings.realm, domain=settings.domain)
    user = fresh.known(name, find(name)) if name else None
    if name is None or user is None or not user.is_active or not is_same(name, user):
        raise CredentialsRefused
    return Believed(user, SignedInBy.REMOTE_USER)


def _text(told: str) -> str:
    """Return the name as the proxy wrote it: WSGI reads its octets as Latin-1."""
    if len(told) > _LONGEST or "\0" in told:
        raise CredentialsRefused
    try:
        return told.encode("latin-1").decode()
    except UnicodeError:
        return told


METHOD: Final = Method("remote-user", frozenset(), look)
