"""Which names may be asked for: domains, networks and patterns.

A template has such rules, and so may a group of requesters have them (`NameGrant`).
"""

from __future__ import annotations

import fnmatch
import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from enrollment.ca.names import COMMON_NAME, DNS, EMAIL, IP, UPN, HeldName

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class NameRules:
    """Which names may be asked for; nothing set means any.

    As soon as one of them is set, a name of any kind must fit one of them: rules for host names
    alone allow no e-mail address.
    """

    dns_suffixes: tuple[str, ...] = ()
    ip_networks: tuple[IpNetwork, ...] = ()
    patterns: tuple[str, ...] = ()
    email_domains: tuple[str, ...] = ()
    upn_suffixes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any(
            (
                self.dns_suffixes,
                self.ip_networks,
                self.email_domains,
                self.upn_suffixes,
                self.patterns,
            )
        )

    def allow(self, name: HeldName) -> bool:
        """Whether `name` lies within the rules.

        A DNS name (and a common name) must equal a suffix or end in a dot and the suffix; an
        address must lie in a network; the part of an e-mail address or user principal name behind
        its @ must equal a domain or lie below it. What is none of these must fit a pattern, which
        is also another way for the others. Suffixes are taken as people type them: in any case,
        with ``.``, ``*.`` or ``@`` in front or without.
        """
        if not self:
            return True
        if name.kind == IP:
            return self._allow_address(name.value)
        suffixes = {
            DNS: self.dns_suffixes,
            COMMON_NAME: self.dns_suffixes,
            EMAIL: self.email_domains,
            UPN: self.upn_suffixes,
        }.get(name.kind, ())
        if suffixes and _lies_below(_domain(name), suffixes):
            return True
        return any(fnmatch.fnmatchcase(name.value, pattern) for pattern in self.patterns)

    def _allow_address(self, text: str) -> bool:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:  # an address with a mask, which no certificate may hold
            return False
        return any(address in network for network in self.ip_networks)

    def __str__(self) -> str:
        parts = (
            *self.dns_suffixes,
            *(str(network) for network in self.ip_networks),
            *(f"@{_bare(domain)}" for domain in (*self.email_domains, *self.upn_suffixes)),
            *self.patterns,
        )
        return ", ".join(dict.fromkeys(parts)) or "any name"


ANY_NAME: Final = NameRules()
_LIKE_A_HOST: Final = re.compile(r"[\w.*-]+")


def _domain(name: HeldName) -> str:
    """Return the part of a name that suffixes are compared with; empty where there is none."""
    if name.kind == DNS:
        return name.value
    if name.kind == COMMON_NAME:
        # "evil.example/www.good.example" ends like a host of ours, and is none.
        return name.value if _LIKE_A_HOST.fullmatch(name.value) else ""
    # Only what stands behind the last @ is the domain: "a@good.example"@evil.example is evil's.
    return name.value.rpartition("@")[2] if "@" in name.value else ""


def _lies_below(domain: str, suffixes: tuple[str, ...]) -> bool:
    return any(domain == suffix or domain.endswith(f".{suffix}") for suffix in map(_bare, suffixes))


def _bare(typed: str) -> str:
    return typed.strip().casefold().removeprefix("@").removeprefix("*").removeprefix(".")
