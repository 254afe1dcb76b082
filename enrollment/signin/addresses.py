"""Where a request came from, as wrong passwords and other failures are counted."""

import ipaddress
from functools import lru_cache

from django.http import HttpRequest

from enrollment.services.lockout import Attempt
from enrollment.signin.proxies import is_from_proxy, is_trusted

# Whoever has one address of version 6 has the rest of its network (RFC 6177).
_NETWORK = 64
_FORWARDED_FOR = "HTTP_X_FORWARDED_FOR"
_MOST_HOPS = 20


def attempt(request: HttpRequest, account: str) -> Attempt:
    """Return who wants to be believed, from where."""
    address, is_shared = place(request)
    return Attempt(account, address, is_shared=is_shared)


def place(request: HttpRequest) -> tuple[str, bool]:
    """Return whom an address stands for, and whether everybody may come from there.

    It is empty when a proxy does not tell.
    """
    address = client_address(request)
    return (_written(address), address.is_loopback) if address is not None else ("", True)


def client_address(
    request: HttpRequest,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address of the client; None when a proxy does not tell.

    Each proxy appends whom it saw, so the list is read from its end, up to the first address that
    is no trusted proxy: what stands before that is the client's own invention.
    """
    if not is_from_proxy(request):
        return _parsed(request.META.get("REMOTE_ADDR", ""))
    hops = request.META.get(_FORWARDED_FOR, "").split(",")[-_MOST_HOPS:]
    for hop in reversed(hops):
        address = _parsed(hop)
        if address is None or not is_trusted(address):
            return address
    return None


@lru_cache(maxsize=4096)
def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read an address as proxies write it: some in brackets, some with the port, or with a zone."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


@lru_cache(maxsize=4096)
def _written(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    if address.version == 4 or address.is_loopback:  # noqa: PLR2004 - the version
        return str(address)
    return str(ipaddress.ip_network((int(address), _NETWORK), strict=False))
