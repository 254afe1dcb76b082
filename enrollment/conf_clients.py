"""The settings of signing in: by what, and which certificates and proxies are believed."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from collections.abc import Callable

    # Returns the text of a variable, or the default beside its name.
    Text = Callable[[str, str], str]
    Network = ipaddress.IPv4Network | ipaddress.IPv6Network

EXPLICIT: Final = "explicit"
ISSUED: Final = "issued"
CERTIFICATE: Final = "certificate"
REMOTE_USER: Final = "remote-user"
_HEADER: Final = re.compile(r"[a-z][a-z0-9-]{1,60}", re.ASCII | re.IGNORECASE)
# Clients send these themselves, and proxies hand them on.
_NOBODY_S_NAME: Final = frozenset(
    {"authorization", "client-cert", "cookie", "from", "host", "origin", "referer", "user-agent"}
)


@dataclass(frozen=True, slots=True)
class Clients:
    """Whom to believe about who a client is.

    Attributes:
        proxies: networks of the proxies that are believed.
        user_header: in which such a proxy names the user.
        ca_file: PEM of other CAs whose certificates may sign people in; empty for none.
        mapping: whether only what an administrator entered leads to an account, or also what this
            CA issued to it.
    """

    proxies: tuple[Network, ...] = ()
    user_header: str = "Remote-User"
    ca_file: str = ""
    mapping: str = EXPLICIT


def methods(text: Text, legal: tuple[str, ...]) -> tuple[str, ...]:
    """Read by what one may sign in.

    Raises:
        ImproperlyConfigured: a word is none of `legal`, or there is none.
    """
    written = text("CERTSRV_SIGN_IN", "basic").casefold().split(",")
    words = tuple(dict.fromkeys(word.strip() for word in written if word.strip()))
    if not words or not set(words) <= set(legal):
        raise ImproperlyConfigured(
            f"CERTSRV_SIGN_IN is '{','.join(words)}'. Write one or more of these, parted by "
            f"commas: {', '.join(legal)}."
        )
    return words


def read(text: Text, sign_in: tuple[str, ...]) -> Clients:
    """Read these settings.

    Args:
        text: reads one variable.
        sign_in: the methods that are on.

    Raises:
        ImproperlyConfigured: a value is wrong; the text says what to type.
    """
    words = text("CERTSRV_TRUSTED_PROXIES", "").replace(",", " ").split()
    found = Clients(
        proxies=tuple(_network(word) for word in words),
        user_header=_header(text("CERTSRV_REMOTE_USER_HEADER", "Remote-User")),
        ca_file=text("CERTSRV_CLIENT_CA_FILE", ""),
        mapping=_mapping(text("CERTSRV_CERTIFICATE_MAPPING", EXPLICIT).casefold()),
    )
    if REMOTE_USER in sign_in and not found.proxies:
        raise ImproperlyConfigured(
            "CERTSRV_SIGN_IN names remote-user, and CERTSRV_TRUSTED_PROXIES names nobody who could "
            "say who the user is. Write the address of the proxy, for example 127.0.0.1."
        )
    return found


def _network(word: str) -> Network:
    try:
        network = ipaddress.ip_network(word)
    except ValueError:
        network = None
    if network is None or network.prefixlen == 0:
        raise ImproperlyConfigured(
            f"CERTSRV_TRUSTED_PROXIES holds '{word}'. Write addresses or networks, parted by "
            "blanks, for example 127.0.0.1 or 10.0.0.0/28; never everybody: whoever is named there "
            "can sign in as anybody."
        )
    return network


def _header(name: str) -> str:
    if _HEADER.fullmatch(name) is None or name.casefold() in _NOBODY_S_NAME:
        raise ImproperlyConfigured(
            f"CERTSRV_REMOTE_USER_HEADER is '{name}'. Write the name of a header that only the "
            "proxy sends, in letters, digits and hyphens, for example Remote-User."
        )
    return name


def _mapping(word: str) -> str:
    if word not in (EXPLICIT, ISSUED):
        raise ImproperlyConfigured(
            f"CERTSRV_CERTIFICATE_MAPPING is '{word}'. Write one of: {EXPLICIT}, {ISSUED}."
        )
    return word


__all__ = ["CERTIFICATE", "EXPLICIT", "ISSUED", "REMOTE_USER", "Clients", "methods", "read"]
