"""Subjects and alternative names: showing them, and knowing who holds them."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from email.utils import parseaddr
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.x509.oid import NameOID, ObjectIdentifier

from enrollment.ca import der

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DNS: Final = "dns"
IP: Final = "ip"
EMAIL: Final = "email"
UPN: Final = "upn"
COMMON_NAME: Final = "cn"
URI: Final = "uri"
OTHER: Final = "other"

UPN_OID: Final = ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")

_DNS_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*"
    r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
# What would end a value, and what stands before such; a backslash always.
_LIKE_A_PART: Final = re.compile(r"\\|[,+](?=[^,+=]*=)")
# Characters that draw nothing, move the cursor, turn the reading direction, or pass for a blank.
_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
# Letters and marks that draw nothing, whatever their category says: fillers, variation selectors.
_DRAWN_AS_NOTHING: Final = frozenset(
    map(
        chr,
        (
            *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),
            *range(0x180B, 0x1810),
            *range(0xFE00, 0xFE10),
            *range(0xE0100, 0xE01F0),
        ),
    )
)
_LONGEST_COMMON_NAME: Final = 64
_MARKS: Final = frozenset({"Mn", "Me"})
# As many as any script piles up; more of them cover the lines above and below.
_MOST_MARKS: Final = 3
_SHORT_NAMES: Final = {
    NameOID.EMAIL_ADDRESS: "E",
    NameOID.SERIAL_NUMBER: "SERIALNUMBER",
    NameOID.SURNAME: "SN",
    NameOID.GIVEN_NAME: "G",
    NameOID.TITLE: "T",
}


@dataclass(frozen=True, slots=True, order=True)
class HeldName:
    """A name that a certificate gives to its holder, in comparable form."""

    kind: str
    value: str

    def __str__(self) -> str:
        return self.value


def visible(text: str) -> str:
    r"""Return `text` with every character that hides, piles up or reorders shown as ``\uXXXX``."""
    if text.isascii() and text.isprintable():
        return text
    shown, marks = [], 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category in _MARKS else 0
        is_hidden = category in _HIDDEN_CATEGORIES and character != " "
        if is_hidden or marks > _MOST_MARKS or character in _DRAWN_AS_NOTHING:
            shown.append(_number(character))
        else:
            shown.append(character)
    return "".join(shown)


def visible_json(text: str) -> str:
    r"""Return JSON whose strings hold no hidden character, and mean the same."""
    if text.isascii() and "\x7f" not in text:
        return text
    return "".join(
        character if character == "\n" or visible(character) == character else _pair(character)
        for character in text
    )


def _number(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= _LAST_OF_FOUR else f"\\U{code:08x}"


def _pair(character: str) -> str:
    """Write a character as JSON does: beyond U+FFFF as two of UTF-16."""
    octets = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{octets[place : place + 2].hex()}" for place in range(0, len(octets), 2))


_LAST_OF_FOUR: Final = 0xFFFF


def attribute_text(attribute: x509.NameAttribute[Any]) -> str:
    """Return the value of one RDN as text; octets that are no text as hexadecimal."""
    value = attribute.value
    return visible(value) if isinstance(value, str) else value.hex()


def display(name: x509.Name) -> str:
    """Return `name` for a person: the most specific part first, ``CN=…, OU=…, O=…``.

    Different names never look the same: a value that reads like the next part has a backslash
    before its comma (RFC 4514 section 2.4); the comma of ``Example, Inc.`` stays as it is.
    """
    return ", ".join(
        "+".join(
            f"{_SHORT_NAMES.get(attribute.oid, attribute.rfc4514_attribute_name)}="
            f"{_told_apart(attribute)}"
            for attribute in rdn
        )
        for rdn in reversed(name.rdns)
    )


def _told_apart(attribute: x509.NameAttribute[Any]) -> str:
    value = attribute.value
    if not isinstance(value, str):
        return attribute_text(attribute)
    return visible(_LIKE_A_PART.sub(r"\\\g<0>", value))


def common_name(text: str) -> x509.NameAttribute[str]:
    """Return a common name of ours, cut to what it may hold.

    RFC 5280 appendix A counts 64 characters; `cryptography` counts octets, and so do others.
    """
    cut = text.encode("utf-8", "replace")[:_LONGEST_COMMON_NAME].decode("utf-8", "ignore")
    return x509.NameAttribute(NameOID.COMMON_NAME, cut)


def is_dns_name(text: str) -> bool:
    """Whether `text` is a host name, perhaps with a wildcard label (RFC 1034 section 3.5)."""
    # A Kelvin sign folds into k: what is not ASCII must be refused before folding.
    return text.isascii() and _DNS_NAME.fullmatch(text.lower()) is not None and not is_address(text)


def is_address(text: str) -> bool:
    """Whether `text` is an IP address, without the zone that a percent sign begins (RFC 4007)."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def is_like_host(text: str) -> bool:
    """Whether programs take `text` for a host: underscores are in no host's name, and they do."""
    return is_dns_name(text.replace("_", "x")) or is_address(text)


def written_alike(text: str) -> str:
    """Return an IP address as everybody writes it: one of version 4 that hides in 6 as itself."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:  # with a mask, which no certificate may hold
        return text
    return str(getattr(address, "ipv4_mapped", None) or address)


def _common_name(text: str) -> str:
    """Return a common name in comparable form: a host or an address as programs take it.

    They look past blanks around it, a dot at the end of a host, brackets around an address.
    """
    bare = text.strip().removesuffix(".")
    inner = bare.removeprefix("[").removesuffix("]")
    if is_address(inner):
        return written_alike(inner)
    # A star may stand for a part of a label, too.
    return (bare if is_like_host(bare.replace("*", "x")) else text).casefold()


def _mailbox(text: str) -> str:
    """Return an e-mail address in comparable form, without what mail programs look past.

    That is a name before it, a comment, blanks, quotes that nothing in it needs (RFC 5322 3.4.1).
    """
    _, bare = parseaddr(text)
    local, at, domain = (bare or text).rpartition("@")
    return (local.removeprefix('"').removesuffix('"') + at + domain).casefold()


def _upn(text: str) -> str:
    """Return a user principal name in comparable form; no other letter becomes one of ASCII.

    A ligature of f and i folds into both: whether a directory tells them apart is for it to say.
    """
    folded = text.casefold()
    return text if folded.isascii() and not text.isascii() else folded


def upn_of(name: x509.OtherName) -> str | None:
    """Return the user principal name inside `name`, if it is one ([0] UTF8String)."""
    value = name.value
    if name.type_id != UPN_OID or len(value) < 2 or value[0] != der.UTF8_STRING:  # noqa: PLR2004 - tag and length
        return None
    if value[1] >= 0x80 or value[1] != len(value) - 2:  # noqa: PLR2004 - the short form only
        return None
    return value[2:].decode(errors="replace")


def general_name(name: x509.GeneralName) -> HeldName:  # noqa: PLR0911 - one for each kind
    """Return `name` in comparable form: host and domain names in lower case."""
    if isinstance(name, x509.DNSName):
        return HeldName(DNS, name.value.casefold())
    if isinstance(name, x509.IPAddress):
        return HeldName(IP, written_alike(str(name.value)))
    if isinstance(name, x509.RFC822Name):
        return HeldName(EMAIL, _mailbox(name.value))
    if isinstance(name, x509.UniformResourceIdentifier):
        return HeldName(URI, name.value)
    if isinstance(name, x509.OtherName):
        upn = upn_of(name)
        if upn is not None:
            return HeldName(UPN, _upn(upn))
        return HeldName(OTHER, f"{name.type_id.dotted_string}:{name.value.hex()}")
    if isinstance(name, x509.DirectoryName):
        return HeldName(OTHER, display(name.value))
    return HeldName(OTHER, repr(name.value))


def names_of(
    subject: x509.Name, alternative_names: Iterable[x509.GeneralName]
) -> tuple[HeldName, ...]:
    """Return every name a certificate with this subject and SAN gives, each once."""
    found: dict[HeldName, None] = {}
    for attribute in subject.get_attributes_for_oid(NameOID.COMMON_NAME):
        found[HeldName(COMMON_NAME, _common_name(attribute_text(attribute)))] = None
    for attribute in subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS):
        found[HeldName(EMAIL, _mailbox(attribute_text(attribute)))] = None
    for attribute in subject.get_attributes_for_oid(UPN_OID):
        found[HeldName(UPN, _upn(attribute_text(attribute)))] = None
    for name in alternative_names:
        found[general_name(name)] = None
    return tuple(found)


def principal_name(names: Sequence[HeldName], subject: str) -> str:
    """Return the one name a person would call this certificate by."""
    for kind in (COMMON_NAME, DNS, UPN, EMAIL, IP):
        for name in names:
            if name.kind == kind:
                return visible(name.value)
    return subject
