"""The Error page of a site that cannot answer now: no database, or asked too often.

Source: certsrv-contract rule 3 and section 6: clients that fetch a certificate end for good on any
status but 200, and a web server that cannot reach its CA answers with the Error page.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve, reverse

from enrollment import __version__, conf, request_id
from enrollment.ca import hresult
from enrollment.protocols.web.answers import UNKNOWN_ID
from enrollment.protocols.web.context import Site
from enrollment.protocols.web.pages import ErrorPage

if TYPE_CHECKING:
    from django.http import HttpRequest

RETRY_SECONDS: Final = 30
_FETCHED: Final = frozenset({"web:certnew-cer", "web:certnew-p7b"})
_ALWAYS_200: Final = _FETCHED | {"web:certfnsh"}
_TEXT: Final = hresult.describe(hresult.SERVER_UNAVAILABLE)
_PAGE: Final = ErrorPage(
    message=_TEXT,
    last_status=_TEXT,
    result=_TEXT,
    suggested_cause="The database of the site does not answer.",
    summary="The site cannot reach its database at the moment.",
    next_step="Try again in a minute. If you asked for a certificate, look at your requests first: "
    "it may have been recorded.",
)


def answer(request: HttpRequest) -> HttpResponse:
    """Say that the site is there and its database is not; draws on nothing that is stored."""
    shown = replace(_PAGE, next_step=f"{_PAGE.next_step} {_named(request)}")
    return _draw(shown, 200 if _name(request) in _ALWAYS_200 else 503, RETRY_SECONDS)


def too_many(request: HttpRequest, detail: str, remedy: str, seconds: int) -> HttpResponse:
    """Say that something was asked too often; `seconds` from now it may be asked again.

    Some controllers that fetch by request id end for good on any status but 200.
    """
    text = hresult.describe(hresult.SERVER_TOO_BUSY)
    shown = ErrorPage(
        message=text,
        last_status=text,
        result=text,
        suggested_cause=detail,
        summary=detail,
        next_step=remedy,
    )
    is_fetched = request.META.get(UNKNOWN_ID) and _name(request) in _FETCHED
    return _draw(shown, 200 if is_fetched else 429, seconds)


def _named(request: HttpRequest) -> str:
    return f"The operator finds this request in the log under {request_id.of(request)}."


def _draw(shown: ErrorPage, status: int, seconds: int) -> HttpResponse:
    text = render_to_string("certsrv/error.html", {"page": shown, "site": _site()})
    response = HttpResponse(text, status=status)
    response["Cache-Control"] = "no-store"
    response["Retry-After"] = str(seconds)
    return response


def _name(request: HttpRequest) -> str:
    try:
        return resolve(request.path_info).view_name
    except Resolver404:
        return ""


def _site() -> Site:
    return Site(
        ca_name=conf.current().ca_name,
        thumbprint="",
        version=__version__,
        home=reverse("web:home"),
        my_requests=reverse("web:my-requests"),
        help=reverse("web:help"),
        has_tokens=False,  # their page needs the database that is away
    )
