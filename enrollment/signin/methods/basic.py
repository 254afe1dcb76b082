"""Basic: a name and a password with every request (RFC 7617)."""

from typing import Final

from django.http import HttpRequest

from enrollment.signin.accounts import account_of
from enrollment.signin.belief import Believed, CredentialsRefused, Method, Seen, SignedInBy
from enrollment.signin.credentials import parse_basic


def look(request: HttpRequest) -> Seen:
    """Believe a name whose password this is."""
    credentials = parse_basic(request.headers["Authorization"])
    user = account_of(request, credentials) if credentials is not None else None
    if user is None:
        raise CredentialsRefused
    return Believed(user, SignedInBy.BASIC)


METHOD: Final = Method("basic", frozenset({"basic"}), look)
