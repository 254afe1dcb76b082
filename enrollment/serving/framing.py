"""What a request must have before anybody looks at what it asks for: method, length and host."""

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponseBase

from enrollment.signin import problems

# What any address here takes. TRACE would give cookies back to scripts; nobody asks for the rest.
METHODS: Final = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
# Set by the server that read the request, and by nothing else.
_TARGET: Final = "RAW_URI"


class HostMissing(BadRequest):
    """HTTP/1.1 without a host (RFC 9112 section 3.2)."""


class TwoHosts(BadRequest):
    """The address names one host, and the header another (RFC 9112 section 3.2.2)."""


class FramingMiddleware:
    """Refuse what no client of ours sends; each refusal says what is wanted instead."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass on what is whole.

        Raises:
            BadRequest: it names no host, or two.
        """
        if request.method not in METHODS:
            return problems.not_a_method(", ".join(sorted(METHODS)))
        if "HTTP_TRANSFER_ENCODING" in request.META:
            return problems.length_wanted()
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and int(length) > settings.MOST_BODY:
            return problems.too_long(settings.MOST_BODY)
        if _TARGET in request.META:
            _judge_host(request)
        return self.get_response(request)


def _judge_host(request: HttpRequest) -> None:
    host = request.META.get("HTTP_HOST")
    if host is None:
        if request.META.get("SERVER_PROTOCOL") == "HTTP/1.1":
            raise HostMissing
        return
    target = request.META[_TARGET]
    if target[:1] not in ("/", "*") and urlsplit(target).netloc.casefold() != host.casefold():
        raise TwoHosts
