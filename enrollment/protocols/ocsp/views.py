"""`/ocsp`: read, ask the service, answer with the right caching headers."""

from __future__ import annotations

import logging
from email.utils import format_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse, HttpResponseNotModified
from django.utils import timezone
from django.utils.http import parse_etags
from django.views.decorators.http import require_http_methods

from enrollment.ca.ocsp import MAX_REQUEST_OCTETS
from enrollment.protocols.ocsp.codec import requests_in_path
from enrollment.services import ocsp, outage

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest

_log = logging.getLogger(__name__)
_CONTENT_TYPE: Final = "application/ocsp-response"
# Caches must ask again soon after a revocation, whatever nextUpdate allows.
_LONGEST_MAX_AGE: Final = 3600
_NOT_CACHED: Final = {"Cache-Control": "no-store"}


@login_not_required  # relying parties are strangers
@require_http_methods(["GET", "HEAD", "POST"])
def respond(request: HttpRequest, encoded: str = "") -> HttpResponse:
    """Answer a status request; errors are OCSP responses, with HTTP status 200."""
    now = timezone.now()
    try:
        answer = _answer(request, encoded, now)
    except outage.OUTAGES as error:
        _log.error("no OCSP answer: %s", outage.explain(error))
        answer = ocsp.TRY_LATER
    if request.method == "POST":
        return HttpResponse(answer.der, content_type=_CONTENT_TYPE, headers=_NOT_CACHED)
    if answer.this_update is None or answer.next_update is None:
        return HttpResponse(answer.der, content_type=_CONTENT_TYPE, headers=_NOT_CACHED)
    headers = _caching(answer.etag, answer.this_update, answer.next_update, now)
    if _holds(request, answer.etag):
        headers["Content-Length"] = str(len(answer.der))  # as 200 would say
        return HttpResponseNotModified(headers=headers)
    return HttpResponse(answer.der, content_type=_CONTENT_TYPE, headers=headers)


def _holds(request: HttpRequest, etag: str) -> bool:
    """Whether a cache has this very answer already (RFC 9110 section 13.1.2).

    By its tag alone: a status may change within the second that If-Modified-Since can say.
    """
    held = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in held or etag in [tag.removeprefix("W/") for tag in held]


def _answer(request: HttpRequest, encoded: str, now: datetime) -> ocsp.Answer:
    if request.method == "POST":
        return ocsp.respond(request.read(MAX_REQUEST_OCTETS + 1), now=now)
    return ocsp.respond(ocsp.ours_of(requests_in_path(encoded)), now=now)


def _caching(
    etag: str, this_update: datetime, next_update: datetime, now: datetime
) -> dict[str, str]:
    """Return the headers of a reusable answer (RFC 9919 section 6.2)."""
    left = int((next_update - now).total_seconds())
    max_age = max(0, min(_LONGEST_MAX_AGE, left // 2))
    return {
        "Cache-Control": f"max-age={max_age}, public, no-transform, must-revalidate",
        "ETag": etag,
        "Expires": _http_date(next_update),
        "Last-Modified": _http_date(this_update),
    }


@lru_cache(maxsize=256)
def _http_date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)
