"""A short way for what is asked most and by nobody in particular: OCSP.

Sessions, sign-in, tokens of forms and messages are for people and programs with an account, and
cost more than an answer that is kept. A relying party has none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import Resolver404, resolve

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponseBase

OCSP = "/ocsp"


class OpenAddressMiddleware:
    """Answer OCSP before it is asked who asks.

    Only with a view that says itself that it is open to everybody: any other takes the long way,
    where strangers are refused. Stands behind what sets the headers of every answer.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Take the short way or the long one."""
        path = request.path_info
        if path[: len(OCSP)].casefold() != OCSP:
            return self.get_response(request)
        # As `CommonMiddleware` does: this site goes by its own names only.
        request.get_host()
        try:
            found = resolve(path)
        except Resolver404:
            return self.get_response(request)
        if getattr(found.func, "login_required", True):
            return self.get_response(request)
        request.resolver_match = found
        response: HttpResponseBase = found.func(request, *found.args, **found.kwargs)
        return response
