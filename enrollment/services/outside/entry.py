"""Reads one entry of a directory: Active Directory's attributes first, and what others call them.

Sources: MS-ADTS section 2.2.16 (userAccountControl), MS-DTYP section 2.4.2 (SID), RFC 4530
(entryUUID), draft-behera-ldap-password-policy section 5.3 (pwd…).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from enrollment.ca.names import is_dns_name
from enrollment.models.account import SID
from enrollment.services.outside.told import Facts

if TYPE_CHECKING:
    from collections.abc import Mapping

# The first that an entry has names it for good.
IDS: Final = ("objectGUID", "entryUUID", "nsUniqueId", "ipaUniqueID")
_STAMPS: Final = ("pwdLastSet", "pwdChangedTime", "krbLastPwdChange")
_STATES: Final = ("userAccountControl", "accountExpires", "nsAccountLock", "pwdAccountLockedTime")
_FACTS: Final = ("mail", "givenName", "sn", "userPrincipalName", "dNSHostName", "objectSid")
ATTRIBUTES: Final = (*IDS, *_STAMPS, *_STATES, *_FACTS)

_ACCOUNTDISABLE: Final = 0x2
_NEVER: Final = frozenset({0, 2**63 - 1})
_EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)
_LOCKED_FOR_GOOD: Final = "000001010000Z"
_SID_HEAD: Final = 8


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry with its attributes, by their names in small letters."""

    dn: str
    attributes: Mapping[str, tuple[bytes, ...]]

    def octets(self, name: str) -> bytes:
        """Return a value; of several always the same one, for a directory has no order."""
        return min(self.attributes.get(name.casefold(), (b"",)))

    def text(self, name: str) -> str:
        """Return a value as text; empty when it is none."""
        try:
            return self.octets(name).decode()
        except UnicodeDecodeError:
            return ""


def key_of(entry: Entry) -> tuple[str, bytes] | None:
    """Return the attribute that names an entry for good, and its value."""
    return next(((name, value) for name in IDS if (value := entry.octets(name))), None)


def is_off(entry: Entry, *, now: datetime) -> bool:
    """Whether the account is disabled, or has ended."""
    control, expires = _number(entry, "userAccountControl"), _number(entry, "accountExpires")
    return (
        bool(control & _ACCOUNTDISABLE)
        or (expires not in _NEVER and _moment(expires) <= now)
        or entry.text("nsAccountLock").casefold() == "true"
        or entry.text("pwdAccountLockedTime") == _LOCKED_FOR_GOOD
    )


def shows_state(entry: Entry) -> bool:
    """Whether the entry shows that an account is switched off, where that is done in the entry."""
    return any(entry.octets(name) for name in _STATES)


def stamp_of(entry: Entry) -> str:
    """Return what changes with the password; empty where the directory does not show it."""
    seen = b"\0".join(entry.octets(name) for name in _STAMPS)
    return hashlib.sha256(seen).hexdigest()[:32] if seen.strip(b"\0") else ""


def facts_of(entry: Entry) -> Facts:
    """Return what may stand in certificates; what is not legal there is left out."""
    return Facts(
        email=_email(entry.text("mail")),
        first_name=_line(entry.text("givenName"), 150),
        last_name=_line(entry.text("sn"), 150),
        dns_name=_dns_name(entry.text("dNSHostName")),
        upn=_line(entry.text("userPrincipalName"), 253),
        sid=sid_text(entry.octets("objectSid")),
    )


def sid_text(octets: bytes) -> str:
    """Write a security identifier as Windows shows it; empty when the octets are none."""
    if len(octets) < _SID_HEAD or len(octets) != _SID_HEAD + 4 * octets[1]:
        return ""
    parts = [int.from_bytes(octets[at : at + 4], "little") for at in range(8, len(octets), 4)]
    authority = int.from_bytes(octets[2:8])
    text = "-".join(map(str, ("S", octets[0], authority, *parts)))
    return text if SID.regex.fullmatch(text) else ""  # type: ignore[union-attr]  # Django compiles it


def _number(entry: Entry, name: str) -> int:
    text = entry.text(name)
    return int(text) if text.isascii() and text.lstrip("-").isdigit() else 0


def _moment(ticks: int) -> datetime:
    try:
        return _EPOCH + timedelta(microseconds=ticks // 10)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def _line(text: str, most: int) -> str:
    return text if text.isprintable() and len(text) <= most else ""


def _email(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError:
        return ""
    return _line(text, 254)


def _dns_name(text: str) -> str:
    name = text.casefold()
    return name if is_dns_name(name) and "*" not in name else ""
