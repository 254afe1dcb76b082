"""The settings of the directory: where it is, who is looked for, and which groups become ours."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from django.core.exceptions import ImproperlyConfigured

from enrollment.environment import Secret

if TYPE_CHECKING:
    from datetime import timedelta

    from enrollment.environment import Environment

REFUSE: Final = "refuse"
ACCOUNT: Final = "account"
_URL: Final = re.compile(r"(ldaps?)://(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:[0-9]{1,5})?/?", re.IGNORECASE)
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_ATTRIBUTE: Final = re.compile(r"[a-z][a-z0-9-]{0,63}", re.ASCII | re.IGNORECASE)
# A semicolon in a name of the directory is written `\;`, as LDAP has it (RFC 4514).
_BETWEEN: Final = re.compile(r"(?<!\\)[;\n]")
_NO_PASSWORD: Final = Secret("CERTSRV_LDAP_BIND_PASSWORD", "", None)


@dataclass(frozen=True, slots=True)
class Ldap:
    """A directory whose people sign in with its passwords.

    Attributes:
        urls: of its servers, asked one after the other; empty where there is no directory.
        start_tls: whether plain connections are made safe before anything is said.
        ca_file: PEM of who vouches for the servers; empty for the system's own list.
        timeout: seconds for each step of a conversation.
        bind_dn: who looks people up; empty for nobody.
        people: below which entry accounts are.
        groups_below: below which entry groups are.
        name_attribute: what an account is called.
        groups: pairs of a group of the directory, by DN or name, and one of ours.
        nested: whether a group's members that are groups count as theirs.
        without_group: what becomes of people in no group that is mapped.
        fresh: for how long what the directory said is believed.
    """

    urls: tuple[str, ...] = ()
    start_tls: bool = False
    ca_file: str = ""
    timeout: int = 5
    bind_dn: str = ""
    bind_password: Secret = field(default=_NO_PASSWORD)
    people: str = ""
    groups_below: str = ""
    name_attribute: str = "sAMAccountName"
    groups: tuple[tuple[str, str], ...] = ()
    nested: bool = False
    without_group: str = REFUSE
    fresh: timedelta | None = None

    @property
    def is_on(self) -> bool:
        """Whether there is a directory."""
        return bool(self.urls)

    @property
    def seconds(self) -> float:
        """For how many seconds what the directory said is believed."""
        return self.fresh.total_seconds() if self.fresh is not None else 0.0

    @property
    def mirrored(self) -> frozenset[str]:
        """Our groups that the directory hands out."""
        return frozenset(ours for _, ours in self.groups)


def read(environment: Environment) -> Ldap:
    """Read these settings.

    Raises:
        ImproperlyConfigured: a value is wrong; the text says what to type.
    """
    start_tls = environment.flag("CERTSRV_LDAP_START_TLS", default=False)
    plain = environment.flag("CERTSRV_LDAP_PLAIN", default=False)
    people = environment.text("CERTSRV_LDAP_PEOPLE", "")
    found = Ldap(
        urls=_urls(environment.text("CERTSRV_LDAP_URL", ""), safe=start_tls or plain),
        start_tls=start_tls,
        ca_file=environment.text("CERTSRV_LDAP_CA_FILE", ""),
        timeout=environment.number("CERTSRV_LDAP_TIMEOUT_SECONDS", 5, least=1, most=60),
        bind_dn=environment.text("CERTSRV_LDAP_BIND_DN", ""),
        bind_password=environment.later("CERTSRV_LDAP_BIND_PASSWORD"),
        people=people,
        groups_below=environment.text("CERTSRV_LDAP_GROUPS_BELOW", people),
        name_attribute=_attribute(environment.text("CERTSRV_LDAP_NAME", "sAMAccountName")),
        groups=group_map("CERTSRV_LDAP_GROUPS", environment.text("CERTSRV_LDAP_GROUPS", "")),
        nested=environment.flag("CERTSRV_LDAP_NESTED", default=False),
        without_group=environment.choice("CERTSRV_LDAP_WITHOUT_GROUP", REFUSE, (REFUSE, ACCOUNT)),
        fresh=environment.seconds("CERTSRV_LDAP_FRESH_SECONDS", 60, least=0, most=900),
    )
    if found.is_on and not found.people:
        raise ImproperlyConfigured(
            "CERTSRV_LDAP_PEOPLE is empty. Write the DN below which accounts are, for example "
            "DC=example,DC=com."
        )
    return found


def group_map(name: str, text: str) -> tuple[tuple[str, str], ...]:
    """Read pairs `theirs = ours`, parted by semicolons or lines.

    A DN holds equals signs and no group of ours does, so the last one parts the two.

    Raises:
        ImproperlyConfigured: something is no pair.
    """
    pairs = []
    for part in filter(None, (part.strip() for part in _BETWEEN.split(text))):
        theirs, _, ours = (word.strip() for word in part.rpartition("="))
        if not theirs or not ours:
            raise ImproperlyConfigured(
                f"{name} holds '{part}'. Write pairs, parted by semicolons: a group there, =, and "
                "the group here that its members get, for example PKI Users = Enrollees."
            )
        pairs.append((theirs, ours))
    return tuple(pairs)


def _urls(text: str, *, safe: bool) -> tuple[str, ...]:
    urls = tuple(text.split())
    for url in urls:
        found = _URL.fullmatch(url)
        if found is None:
            raise ImproperlyConfigured(
                f"CERTSRV_LDAP_URL holds '{url}'. Write scheme, host and perhaps a port, for "
                "example ldaps://dc1.example.com; several are parted by blanks."
            )
        if found[1].casefold() == "ldap" and not safe and found[2].casefold() not in _LOOPBACK:
            raise ImproperlyConfigured(
                f"CERTSRV_LDAP_URL holds '{url}', over which passwords would travel in the clear. "
                "Write ldaps://, or set CERTSRV_LDAP_START_TLS=yes; CERTSRV_LDAP_PLAIN=yes takes "
                "the risk."
            )
    return urls


def _attribute(name: str) -> str:
    if _ATTRIBUTE.fullmatch(name) is None:
        raise ImproperlyConfigured(
            f"CERTSRV_LDAP_NAME is '{name}'. Write the attribute that holds the name of an "
            "account: sAMAccountName in Active Directory, uid elsewhere."
        )
    return name
