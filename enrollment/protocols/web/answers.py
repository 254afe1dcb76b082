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
# Says that a request id led to nothing; read by the limits of `enrollment.serving`.
UNKNOWN_ID: Final = "certsrv.unknown_id"


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


def note_unknown_id(request: HttpRequest) -> None:
    """Note that a request id led to nothing that this visitor may see."""
    request.META[UNKNOWN_ID] = True


def octets(request: HttpRequest, content: bytes | str, content_type: str) -> HttpResponse:
    """Answer with a certificate or a chain under its exact type."""
    response = HttpResponse(content, content_type=type_for(request, content_type))
    response["Content-Length"] = str(len(response.content))
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-cache"
    return response


def type_for(request: HttpRequest, content_type: str) -> str:
    """Return the type of what an account downloads.

    Some clients call themselves nothing like a browser and want `text/html`, as the original
    answers them; a setting does that for them.
    """
    agent = request.headers.get("User-Agent", "")
    if conf.current().html_for_unknown_agents and "Mozilla" not in agent:
        return "text/html"
    return content_type
