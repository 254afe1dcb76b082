"""Proxies that are trusted to say who a client is; what others say about themselves is removed.

The address is that of the connection, as the server accepted it: no header has a say in it.
"""

import ipaddress
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from enrollment import conf

# Source: RFC 9440 section 2 (the first two), RFC 7239 section 4 (`Forwarded`).
CLIENT_CERTIFICATE = "HTTP_CLIENT_CERT"
_TOLD_BY_PROXIES = frozenset(
    {
        CLIENT_CERTIFICATE,
        "HTTP_CLIENT_CERT_CHAIN",
        "HTTP_REMOTE_USER",
        "HTTP_X_REMOTE_USER",
        "HTTP_FORWARDED",
    }
)
_FORWARDED = "HTTP_X_FORWARDED_"


class ProxyMiddleware:
    """Take away what only a trusted proxy may say, unless one says it.

    The first of all: nothing reads a header before. Names that differ in case, or in `-` and `_`,
    are one name here.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Clean the request, then pass it on."""
        if not is_from_proxy(request):
            remove_claims(request)
        return self.get_response(request)


def remove_claims(request: HttpRequest) -> None:
    """Remove every header by which a proxy says who its client is."""
    told = _TOLD_BY_PROXIES | {user_header()}
    for name in [key for key in request.META if key in told or key.startswith(_FORWARDED)]:
        del request.META[name]


def is_from_proxy(request: HttpRequest) -> bool:
    """Tell whether the other end of this connection is a trusted proxy."""
    if not conf.current().clients.proxies:
        return False
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return is_trusted(address)


def is_trusted(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Tell whether an address is that of a trusted proxy."""
    # A listener for both families writes IPv4 addresses in the form of IPv6.
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in conf.current().clients.proxies)


def user_header() -> str:
    """Return where WSGI keeps the header that names the user."""
    return "HTTP_" + conf.current().clients.user_header.upper().replace("-", "_")
