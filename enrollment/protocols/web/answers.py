"""How an answer leaves: pages with status 200, octets with exact types.

Source: certsrv-contract rules 3, 5 and 20, sections 1.8 to 1.10.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.http import HttpResponse
from django.shortcuts import render

from enrollment import conf
from enrollment.protocols.web.wording import Wording, wording

if TYPE_CHECKING:
    from django.http import HttpRequest

    from enrollment.protocols.web.pages import ErrorPage

CERTIFICATE: Final = "application/pkix-cert"
CHAIN: Final = "application/x-pkcs7-certificates"
LIST: Final = "application/pkix-crl"
PUBLISHED_CERTIFICATE: Final = "application/x-x509-ca-cert"


def page(
    request: HttpRequest,
    name: str,
    words: Wording | None = None,
    **context: Any,  # noqa: ANN401 - whatever a page needs
) -> HttpResponse:
    """Draw a page; nobody but its visitor may keep it."""
    response = render(request, f"certsrv/{name}.html", {"wording": words or wording(""), **context})
    response["Cache-Control"] = "private, no-store"
    return response


def error_page(request: HttpRequest, error: ErrorPage) -> HttpResponse:
    """Say what failed, with status 200: some clients end for good on any other."""
    return page(request, "error", page=error)


def octets(
    request: HttpRequest, content: bytes | str, content_type: str, *, public: bool = False
) -> HttpResponse:
    """Answer with a certificate, a chain or a list under its exact type.

    Some clients call themselves nothing like a browser and want `text/html`, as the original
    answers them; a setting does that for them.
    """
    settings = conf.current()
    agent = request.headers.get("User-Agent", "")
    if settings.html_for_unknown_agents and not public and "Mozilla" not in agent:
        content_type = "text/html"
    response = HttpResponse(content, content_type=content_type)
    response["Content-Length"] = str(len(response.content))
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "public, max-age=300" if public else "private, no-cache"
    return response
