"""Every request has an id, and a line in the log where the operator asks for one."""

import logging
import re
import secrets
import time
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import SimpleLazyObject

from enrollment import conf, request_id
from enrollment.serving.trace import Trace, current
from enrollment.signin import addresses
from enrollment.signin.proxies import is_from_proxy

log = logging.getLogger("enrollment.access")

HEADER: Final = "X-Request-ID"
_SENT: Final = "HTTP_X_REQUEST_ID"
_SANE: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
# What tells which thing was asked for, and is nobody's secret. Of other parameters, not even the
# name is written: it may be the first half of what somebody pasted.
_TOLD: Final = frozenset({"reqid", "renewal", "enc", "type", "mode", "id"})
_LONGEST: Final = 256


class TraceMiddleware:
    """Give a request its id, which the answer carries as well; write its line.

    The first of all, so that nothing is logged without it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on."""
        given = request.META.pop(_SENT, "")
        is_believed = bool(_SANE.fullmatch(given)) and is_from_proxy(request)
        number = given if is_believed else secrets.token_hex(8)
        request.META[request_id.KEY] = number
        trace = Trace(number, lambda: account(request), lambda: _address(request))
        token = current.set(trace)
        began = time.perf_counter()
        try:
            response = self.get_response(request)
            if conf.current().web.access_log:
                _write(request, response, time.perf_counter() - began)
        finally:
            current.reset(token)
        # A cache would hand the id of one request out to others.
        if "public" not in response.headers.get("Cache-Control", ""):
            response.headers[HEADER] = number
        return response


def account(request: HttpRequest) -> str:
    """Return who asks, as far as that is known; a line of the log is no reason to look it up."""
    user = request.__dict__.get("user")
    if isinstance(user, SimpleLazyObject):
        user = request.__dict__.get("_cached_user")
    return user.get_username() if user is not None else ""


def _address(request: HttpRequest) -> str:
    return str(addresses.client_address(request) or request.META.get("REMOTE_ADDR", ""))


def _write(request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
    facts = {
        "method": str(request.method)[:16],
        "path": _asked(request),
        "status": response.status_code,
        "bytes": int(response.headers.get("Content-Length", 0)),
        "milliseconds": round(seconds * 1000, 1),
        "signed_in_by": str(getattr(request, "signed_in_by", "")),
        "agent": request.headers.get("User-Agent", "")[:_LONGEST],
    }
    log.info(
        '%s %s "%s %s" %d %d %.1f ms "%s"',
        _address(request),
        account(request) or "-",
        _quoted(facts["method"]),
        _quoted(facts["path"]),
        facts["status"],
        facts["bytes"],
        facts["milliseconds"],
        _quoted(facts["agent"]),
        extra={"facts": facts},
    )


def _quoted(text: object) -> str:
    """Write a text so that it cannot end the quotes it stands between."""
    return str(text).replace("\\", "\\\\").replace('"', '\\"')


def _asked(request: HttpRequest) -> str:
    """Return path and what of the query may be told."""
    told = "&".join(
        f"{name}={value}"
        for name, value in request.GET.items()
        if name.casefold() in _TOLD and isinstance(value, str)
    )
    return f"{request.path_info[:_LONGEST]}{'?' if told else ''}{told[:_LONGEST]}"
