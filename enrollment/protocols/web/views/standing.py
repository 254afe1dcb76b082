"""Where requests stand: the waiting list of a browser, and everything of an account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_plus

from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from enrollment.protocols.web import codec
from enrollment.protocols.web.answers import page
from enrollment.protocols.web.pages import RequestLine, request_line
from enrollment.protocols.web.views.submit import remember
from enrollment.protocols.web.wire import BodyUnreadable, posted, query
from enrollment.protocols.web.wording import wording
from enrollment.services import delivery, directory

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from enrollment.ca.policy import Requester
    from enrollment.protocols.web.codec import PendingEntry

_LINES_ON_A_PAGE: Final = 25
_MOST_WAITING: Final = 100


@require_safe
def certckpn(request: HttpRequest) -> HttpResponse:
    """List what this visitor waits for: by account, and by this browser's cookie."""
    words = wording(query(request).text("flow"))
    lines = _waiting(request, directory.requester_of(request.user))
    return page(request, "waiting", words, lines=lines, removed=False)


@require_http_methods(["GET", "HEAD", "POST"])
def certrmpn(request: HttpRequest) -> HttpResponse:
    """Take a request off this browser's list; the CA keeps it."""
    if request.method != "POST":
        return redirect("web:certckpn")
    try:
        number = codec.request_id(posted(request).text("ReqID"))
    except BodyUnreadable:
        number = None
    entries = _cookie(request)
    kept = [entry for entry in entries if entry.request_id != number]
    lines = _waiting(request, directory.requester_of(request.user), kept)
    response = page(request, "waiting", lines=lines, removed=len(kept) < len(entries))
    remember(response, kept, request)
    return response


@require_safe
def my_requests(request: HttpRequest) -> HttpResponse:
    """List everything the signed-in visitor asked for, page by page."""
    requester = directory.requester_of(request.user)
    if requester.is_anonymous:
        return redirect("web:certckpn")
    before = codec.request_id(query(request).text("before"))
    rows = delivery.requests_of(requester)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: _LINES_ON_A_PAGE + 1])
    now = timezone.now()
    lines = [request_line(row, now, viewer=requester.name) for row in found[:_LINES_ON_A_PAGE]]
    older = lines[-1].request_id if len(found) > _LINES_ON_A_PAGE else 0
    return page(request, "my_requests", lines=lines, older=older, is_later_page=before is not None)


def _cookie(request: HttpRequest) -> tuple[PendingEntry, ...]:
    return codec.read_pending_cookie(unquote_plus(request.COOKIES.get(codec.PENDING_COOKIE, "")))


def _waiting(
    request: HttpRequest, requester: Requester, entries: list[PendingEntry] | None = None
) -> list[RequestLine]:
    """Take the account's from the database; the cookie adds what an anonymous visitor sent."""
    remembered = list(_cookie(request)) if entries is None else entries
    in_cookie = {entry.request_id for entry in remembered}
    rows = {}
    if not requester.is_anonymous:
        rows = {row.pk: row for row in delivery.pending_of(requester)[:_MOST_WAITING]}
    for number in in_cookie - rows.keys():
        row = delivery.find(number, requester)
        if row is not None:
            rows[row.pk] = row
    now = timezone.now()
    return [
        request_line(rows[number], now, viewer=requester.name, in_cookie=number in in_cookie)
        for number in sorted(rows, reverse=True)
    ]
