"""Entry point for WSGI servers: Django, with header lines that may repeat."""

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from django.core.wsgi import get_wsgi_application

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HEADER_LINES = "certsrv.header_lines"


def with_header_lines(inner: "WSGIApplication") -> "WSGIApplication":
    """Let a view answer one header in several lines, in the order it wants.

    Django's response holds each header once and joins nothing. Clients of `/certsrv` compare the
    first `WWW-Authenticate` line for equality, so the challenges have to be lines of their own.
    A view puts `[(name, value), …]` into `request.META["certsrv.header_lines"]`; these replace
    whatever Django set under the same names.
    """

    def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Callable[..., Any]:  # noqa: ANN401  # the signature of PEP 3333
            return start_response(status, expand(headers, environ.get(HEADER_LINES, ())), *rest)

        return inner(environ, start)

    return application


def expand(
    headers: list[tuple[str, str]], lines: Iterable[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Replace the headers named in `lines` by those lines, at the end and in order."""
    lines = list(lines)
    replaced = {name.lower() for name, _ in lines}
    return [pair for pair in headers if pair[0].lower() not in replaced] + lines


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "certsrv.settings")
application = with_header_lines(get_wsgi_application())
