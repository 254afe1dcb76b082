"""Calm pages for what went wrong outside of any form (400, 403, 404, 429, 500).

400, 429 and 500 are plain: what broke may be what the site's own page needs, the name of the host
or the database.
"""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.shortcuts import render
from django.utils.html import escape

from enrollment import request_id

PLAIN = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title></head>
<body>
<h1>{title}</h1>
<p>{detail}</p>
<p>{remedy}</p>
</body>
</html>
"""


@login_not_required  # it tells nothing but how to ask better
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django itself cannot read (handler400)."""
    kind = type(exception).__name__
    if kind == "DisallowedModelAdminLookup":
        return _page(
            request,
            400,
            "No such filter",
            "The list is not narrowed by what the address asks for.",
            "Use the filters beside the list.",
        )
    detail, remedy = BAD_REQUESTS.get(kind, BAD_REQUESTS[""])
    return _plain(400, "Bad request", detail, remedy)


BAD_REQUESTS = {
    "DisallowedHost": (
        "This site does not go by the name in the address.",
        "Use the server's name. If it is its name, the operator sets CERTSRV_HOSTNAME to it.",
    ),
    "RequestDataTooBig": (
        "What was sent is larger than any certificate request.",
        "Send one request at a time, as text or as DER.",
    ),
    "TooManyFieldsSent": (
        "What was sent has more fields than any form here.",
        "Send only the fields of the form.",
    ),
    "TooManyFilesSent": (
        "What was sent has more files than any form here.",
        "Send one file.",
    ),
    "HostMissing": (
        "The request names no host.",
        "Send a Host header with the server's name.",
    ),
    "TwoHosts": (
        "The request names two hosts: one in its address, another in its Host header.",
        "Name the same in both.",
    ),
    "": (
        "What was sent could not be read.",
        "Check the address, and send it again.",
    ),
}


def too_many(request: HttpRequest, detail: str, remedy: str) -> HttpResponse:
    """Answer somebody who tried too often (429)."""
    return _page(request, 429, "Wait a while", detail, remedy)


def begin_again(request: HttpRequest) -> HttpResponse:
    """Answer somebody who comes back from a provider, and was not sent there from here."""
    return _page(
        request,
        400,
        "Sign in once more",
        "This sign-in did not begin in this browser, or it took longer than ten minutes.",
        "Begin again from the sign-in page. The browser must take cookies of this site.",
    )


def forbidden(request: HttpRequest, detail: str, remedy: str) -> HttpResponseForbidden:
    """Answer somebody we know who has no right to this."""
    page = _page(request, 403, "Not allowed", detail, remedy)
    return HttpResponseForbidden(page.content)


def not_a_method(methods: str) -> HttpResponse:
    """Answer a method that no address here takes (405)."""
    response = _plain(
        405, "Method not allowed", "No address here takes this method.", f"Use one of {methods}."
    )
    response["Allow"] = methods
    return response


def length_wanted() -> HttpResponse:
    """Answer a body that does not say how long it is (411)."""
    return _plain(
        411,
        "Length required",
        "The body comes in chunks, without its length.",
        "Send it in one piece, with a Content-Length; curl does so without -H Transfer-Encoding.",
    )


def too_long(most: int) -> HttpResponse:
    """Answer a body that nobody will read (413)."""
    return _plain(
        413,
        "Too large",
        f"What was sent is larger than any certificate request: more than {most} octets.",
        "Send one request at a time, as text or as DER.",
    )


def please_wait(detail: str, remedy: str) -> HttpResponse:
    """Answer the same at less cost, to who may be sending thousands."""
    return _plain(429, "Wait a while", detail, remedy)


@login_not_required  # the rights were judged where this was raised
def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001  # Django's signature
    """Answer `PermissionDenied` (handler403)."""
    return forbidden(
        request,
        "Your account has no right to this page.",
        "Ask a CA administrator, or go back to the start.",
    )


@login_not_required  # strangers get a 401 from the middleware instead
def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001  # Django's signature
    """Answer an address that does not exist (handler404)."""
    return _page(
        request,
        404,
        "No such page",
        "There is nothing at this address.",
        "Check the address, or go back to the start.",
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a fault of ours; the trace is in the log, never on the page."""
    return _plain(
        500,
        "Something went wrong on our side",
        "The request was not completed. The operator finds the reason in the log, under "
        f"{request_id.of(request)}.",
        "Try again. If a certificate was asked for, look at your requests first.",
    )


def _page(request: HttpRequest, status: int, title: str, detail: str, remedy: str) -> HttpResponse:
    context = {"title": title, "detail": detail, "remedy": remedy}
    return render(request, "signin/problem.html", context, status=status)


def _plain(status: int, title: str, detail: str, remedy: str) -> HttpResponse:
    return HttpResponse(plain_page(title, detail, remedy), status=status)


def plain_page(title: str, detail: str, remedy: str) -> str:
    """Write a page that needs nothing of the site."""
    return PLAIN.format(title=escape(title), detail=escape(detail), remedy=escape(remedy))
