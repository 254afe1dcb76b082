"""Views that a program may reach with a token of the settings, without being anybody.

Such a token opens the views that name it and nothing else: everywhere else, an `Authorization:
Bearer` header is read, or refused, by the methods of signing in.
"""

import hashlib
import hmac
from collections.abc import Callable
from typing import Any, TypeVar

from django.http import HttpRequest
from django.urls import Resolver404, resolve

View = TypeVar("View", bound=Callable[..., Any])

_SCHEME = "bearer"


def opens_with(token: Callable[[], str]) -> Callable[[View], View]:
    """Let a closed view be reached with a token as well.

    Args:
        token: reads the setting; while it is empty, no token opens the view.
    """

    def mark(view: View) -> View:
        view.service_token = token  # type: ignore[attr-defined]  # ours, read below
        return view

    return mark


def is_shown(request: HttpRequest) -> bool:
    """Whether a request carries the token of the very view it asks for."""
    scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != _SCHEME:
        return False
    try:
        view = resolve(request.path_info).func
    except Resolver404:
        return False
    read = getattr(view, "service_token", None)
    wanted = read() if read is not None else ""
    return bool(wanted) and hmac.compare_digest(_digest(sent.strip()), _digest(wanted))


def _digest(token: str) -> bytes:
    # Of equal length, whatever was sent: the comparison takes the same time for every guess.
    return hashlib.sha256(token.encode()).digest()
