"""What may stand in an address that certificates carry for years, and what is wrong with it.

`wrong_token` finds what would be written as it stands; `remarks` says what works and will be
regretted.

Source: ms-facts section (d.8); RFC 5280 sections 4.2.1.13, 4.2.2.1 and 8.
"""

from __future__ import annotations

import ipaddress
import re
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

_MARK: Final = re.compile(r"%(?P<digits>\d*)|<[^>]*>?", re.ASCII)
_NUMBERS: Final = frozenset(map(str, range(1, 15)))
_PARTITION: Final = "<CRLPartitionIndex>"
# The names that Microsoft's own dialogs show; the settings there and here hold the numbers.
_BY_NAME: Final = {
    "<ServerDNSName>": "%1",
    "<ServerShortName>": "%2",
    "<CaName>": "%3",
    "<CertificateName>": "%4",
    "<ConfigurationContainer>": "%6",
    "<CATruncatedName>": "%7",
    "<CRLNameSuffix>": "%8",
    "<DeltaCRLAllowed>": "%9",
    "<CDPObjectClass>": "%10",
    "<CAObjectClass>": "%11",
}


class AddressKind(StrEnum):
    """What is fetched at an address."""

    CRL = "CRL"
    CERTIFICATE = "CA certificate"
    OCSP = "OCSP"


def wrong_token(template: str) -> str | None:
    """Return a sentence about the first token that does not exist, if there is one."""
    for found in _MARK.finditer(template):
        token = found.group()
        if token == _PARTITION or found["digits"] in _NUMBERS:
            continue
        if token in _BY_NAME:
            return f"{token} is written {_BY_NAME[token]} here."
        if token == "%":  # noqa: S105 - a character
            token = template[found.start() : found.start() + 2]
        return f"{token} is no token; there are %1 to %14 and {_PARTITION}."
    return None


def is_local(host: str) -> bool:
    """Whether a host name or address means another machine for everybody who reads it."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def host_of(url: str) -> str:
    """Return the host of an address; nothing where it has none, or none that can be read."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def remarks(kind: AddressKind, template: str, url: str, *, has_deltas: bool) -> tuple[str, ...]:
    """Say what is legal in an address and will be regretted.

    Args:
        kind: what is fetched there.
        template: as it was configured.
        url: one expansion of it.
        has_deltas: whether delta lists are published.
    """
    found = []
    scheme = url.partition(":")[0].casefold()
    if scheme == "https":
        # "CAs SHOULD NOT include URIs that specify https, ldaps, or similar schemes in extensions"
        # -- RFC 5280 section 8
        found.append(
            "Certificates name an address with https: it is fetched over TLS, and whoever checks "
            "that TLS needs what is fetched (RFC 5280 section 8). Write http."
        )
    if scheme in ("http", "https") and is_local(host_of(url)):
        found.append(
            "Certificates name an address that nobody on another machine can fetch. Set "
            "CERTSRV_HOSTNAME to the DNS name of the site before others rely on certificates."
        )
    if scheme in ("http", "https", "file"):
        found += _collisions(kind, template, has_deltas=has_deltas)
    return tuple(found)


def _collisions(kind: AddressKind, template: str, *, has_deltas: bool) -> list[str]:
    """Name the files that would take each other's place."""
    tokens = {found.group() for found in _MARK.finditer(template)}
    if kind is AddressKind.CRL:
        missing = [] if "%8" in tokens else ["Without %8, the lists of the CA's next key"]
        if has_deltas and "%9" not in tokens:
            missing.append("Without %9, delta lists")
    elif kind is AddressKind.CERTIFICATE and "%4" not in tokens:
        missing = ["Without %4, the next certificate of the CA"]
    else:
        missing = []
    return [f"{one} would be looked for at the same address." for one in missing]
