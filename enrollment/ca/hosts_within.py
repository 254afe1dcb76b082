"""Hosts within other names: of a URI, and of the name of a service.

Source: RFC 6125 sections 6.5.1 and 6.5.2; RFC 4985; RFC 5922.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from enrollment.ca import ber
from enrollment.ca.errors import EnrollmentError
from enrollment.ca.names import (
    DNS,
    IP,
    OTHER,
    URI,
    HeldName,
    is_address,
    is_like_host,
    written_alike,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

_SRV_NAME: Final = "1.3.6.1.5.5.7.8.7"
_SIP: Final = ("sip", "sips")


def with_hosts_within(names: Iterable[HeldName]) -> tuple[HeldName, ...]:
    """Return `names` and the hosts that URIs and names of services among them are for, each once.

    Programs take a certificate with such a name for that host or domain (RFC 6125 section 6.5).
    """
    given = tuple(names)
    hosts = (_address_or_host(_host_within(name)) for name in given if name.kind in (URI, OTHER))
    return tuple(dict.fromkeys((*given, *filter(None, hosts))))


def _host_within(name: HeldName) -> str:
    """Return the host of a URI, or what stands behind the service of an SRVName (RFC 4985)."""
    oid, _, octets = name.value.partition(":")
    try:
        if name.kind == OTHER:
            return _behind_the_service(bytes.fromhex(octets)) if oid == _SRV_NAME else ""
        parts = urlsplit(name.value)
        return parts.hostname or (_sip_host(parts.path) if parts.scheme in _SIP else "")
    except (ValueError, EnrollmentError):
        return ""


def _behind_the_service(string: bytes) -> str:
    return ber.read(string).content.decode(errors="replace").partition(".")[2]


def _sip_host(path: str) -> str:
    """Return the host of ``user@host:port;parameters`` (RFC 3261 section 19.1, RFC 5922)."""
    return re.split("[:;?]", path.rpartition("@")[2], maxsplit=1)[0]


def _address_or_host(text: str) -> HeldName | None:
    if is_address(text):
        return HeldName(IP, written_alike(text))
    bare = text.removesuffix(".").casefold()
    return HeldName(DNS, bare) if is_like_host(bare) else None
