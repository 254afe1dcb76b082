"""What a request must have before anybody looks at what it asks for: method, length and host."""

import logging
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from enrollment import conf
from enrollment.conf_web import REPORT
from enrollment.signin import problems

log = logging.getLogger(__name__)

# What any address here takes. TRACE would give cookies back to scripts; nobody asks for the rest.
METHODS: Final = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
# Set by the server that read the request, and by nothing else.
_TARGET: Final = "RAW_URI"
_SAY_EVERY_SECONDS: Final = 60.0
# When each kind was last told of.
said: dict[str, float] = {}


class HostMissing(BadRequest):
    """HTTP/1.1 without a host (RFC 9112 section 3.2)."""


class TwoHosts(BadRequest):
    """The address names one host, and the header another (RFC 9112 section 3.2.2)."""


class FramingMiddleware:
    """Refuse what no client of ours sends; each refusal says what is wanted instead."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass on what is whole; in a dry run, all of it."""
        refusal = _refusal(request)
        if refusal is None:
            return self.get_response(request)
        what, answer = refusal
        if conf.current().web.strict_requests != REPORT:
            return answer
        _tell(request, what)
        return self.get_response(request)


def _refusal(request: HttpRequest) -> tuple[str, HttpResponse] | None:
    if request.method not in METHODS:
        return "another method", problems.not_a_method(", ".join(sorted(METHODS)))
    if "HTTP_TRANSFER_ENCODING" in request.META:
        return "a body without its length", problems.length_wanted()
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdecimal() and int(length) > settings.MOST_BODY:
        return "a body that is too long", problems.too_long(settings.MOST_BODY)
    host, target = request.META.get("HTTP_HOST"), request.META.get(_TARGET, "/")
    if host is None:
        if _TARGET in request.META and request.META.get("SERVER_PROTOCOL") == "HTTP/1.1":
            return "no host", problems.bad_request(request, HostMissing())
    elif target[:1] not in ("/", "*") and urlsplit(target).netloc.casefold() != host.casefold():
        return "two hosts", problems.bad_request(request, TwoHosts())
    return None


def _tell(request: HttpRequest, what: str) -> None:
    """Tell the operator who would have been refused, once a minute for each reason."""
    now = time.monotonic()
    if now - said.get(what, -_SAY_EVERY_SECONDS) >= _SAY_EVERY_SECONDS:
        said[what] = now
        log.warning(
            "%s sent %s; only reported, since CERTSRV_STRICT_REQUESTS=report",
            request.META.get("REMOTE_ADDR", "somebody"),
            what,
        )
