"""What a source outside of the site says of one person or computer, and how it can fail to."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from enrollment.ca.names import is_dns_name

LDAP: Final = "ldap"
OIDC: Final = "oidc"
# What accounts of Windows and Unix are called; a dollar ends the names of computers. Blanks, and
# what parts a name from its domain, are in no name here.
_NAME: Final = re.compile(r"[\w.+-]{1,149}\$?")
_LONGEST: Final = 150


class PersonUnknown(Exception):
    """Who was named is nobody there, or may not come here; the text is for the log."""


class NobodyOfThisName(PersonUnknown):
    """There is nobody of the name that was given.

    It is not in the text: people type passwords where names belong.
    """


class SourceUnavailable(Exception):
    """Nothing can be learnt there at the moment; the text is for the log."""


class SourceDown(SourceUnavailable):
    """It did not answer at all: whoever asks next would wait as long."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What certificates and pages may say of somebody; empty where it is not known or not legal."""

    email: str = ""
    first_name: str = ""
    last_name: str = ""
    dns_name: str = ""
    upn: str = ""
    sid: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """One person, as the source sees them now.

    Attributes:
        source: which source it is.
        key: names the person there for good, whatever they are called.
        name: what they are called.
        groups: of ours, that they get for what they are there.
        mirrored: all of our groups that this source hands out.
        is_off: they may not sign in there.
        stamp: changes with their password there; empty where that cannot be seen.
        facts: the rest, and None where nothing is known but that they are gone.
    """

    source: str
    key: str
    name: str
    groups: frozenset[str] = frozenset()
    mirrored: frozenset[str] = frozenset()
    is_off: bool = False
    stamp: str = ""
    facts: Facts | None = Facts()


def is_name(name: str) -> bool:
    """Whether an account here can have this name."""
    return _NAME.fullmatch(name) is not None and unicodedata.normalize("NFKC", name) == name


def is_name_of_domain(name: str) -> bool:
    """Whether an account can have this name, which may be one of somebody else's domain."""
    own, _, domain = name.partition("@")
    return is_name(own) and (name == own or is_dns_name(domain)) and len(name) <= _LONGEST


def within_domain(name: str, *, realm: str) -> str:
    """Return a name without the realm, where it is ours: `user@REALM` is the account `user`."""
    own, _, domain = name.rpartition("@")
    return own if own and domain.casefold() == realm.casefold() else name


def folded(name: str) -> str:
    """Return what names have in common that differ in small and capital letters only."""
    return unicodedata.normalize("NFKC", name).casefold()
