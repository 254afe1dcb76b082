"""Strict DER, written.

Only what the CA itself composes: to-be-signed content, Microsoft's extensions, ordered PKCS #7.
Reading is `ber`.

Source: ITU-T X.690 sections 8 and 10.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OBJECT_IDENTIFIER: Final = 0x06
UTF8_STRING: Final = 0x0C
PRINTABLE_STRING: Final = 0x13
IA5_STRING: Final = 0x16
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
BMP_STRING: Final = 0x1E
SEQUENCE: Final = 0x30
SET: Final = 0x31

_SHORT_FORM_LIMIT: Final = 0x80
_UTC_TIME_YEARS: Final = range(1950, 2050)
# The second arc stays below 40 under the first two roots (X.660 annex A); no arc is endless.
_DOTTED: Final = re.compile(r"(?:[01]\.[1-3]?[0-9]|2\.[0-9]{1,40})(?:\.[0-9]{1,40})*", re.ASCII)


def length(count: int) -> bytes:
    """Encode a length in the fewest octets."""
    if count < _SHORT_FORM_LIMIT:
        return bytes((count,))
    octets = count.to_bytes((count.bit_length() + 7) // 8, "big")
    return bytes((_SHORT_FORM_LIMIT | len(octets),)) + octets


def tlv(tag: int, *parts: bytes) -> bytes:
    """Wrap `parts`, in their order, under a one-octet tag."""
    content = b"".join(parts)
    size = len(content)
    if size < _SHORT_FORM_LIMIT:
        return bytes((tag, size)) + content
    return b"".join((bytes((tag,)), length(size), content))


def sequence(*parts: bytes) -> bytes:
    """SEQUENCE of encoded parts."""
    return tlv(SEQUENCE, *parts)


def set_of(*parts: bytes) -> bytes:
    """SET OF encoded parts, sorted as DER wants (X.690 section 11.6)."""
    return tlv(SET, *sorted(parts))


def integer(value: int) -> bytes:
    """INTEGER, two's complement in the fewest octets."""
    # -128 fits one octet, 128 does not: the magnitude of a negative number counts one less.
    magnitude = value if value >= 0 else ~value
    return tlv(INTEGER, value.to_bytes(magnitude.bit_length() // 8 + 1, "big", signed=True))


def boolean(value: bool) -> bytes:  # noqa: FBT001 - it is the value itself
    """BOOLEAN."""
    return tlv(BOOLEAN, b"\xff" if value else b"\x00")


def null() -> bytes:
    """NULL."""
    return b"\x05\x00"


@lru_cache(maxsize=1024)
def oid(dotted: str) -> bytes:
    """OBJECT IDENTIFIER from its dotted form.

    Raises:
        ValueError: `dotted` is not a dotted object identifier.
    """
    if not _DOTTED.fullmatch(dotted):
        raise ValueError(f"'{dotted}' is not an object identifier")
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    return tlv(OBJECT_IDENTIFIER, *(_base128(arc) for arc in (first * 40 + second, *rest)))


def _base128(arc: int) -> bytes:
    octets = [arc & 0x7F]
    while arc := arc >> 7:
        octets.append(0x80 | (arc & 0x7F))
    return bytes(reversed(octets))


def octet_string(value: bytes) -> bytes:
    """OCTET STRING."""
    return tlv(OCTET_STRING, value)


def bit_string(value: bytes, unused_bits: int = 0) -> bytes:
    """BIT STRING."""
    return tlv(BIT_STRING, bytes((unused_bits,)), value)


def utf8_string(value: str) -> bytes:
    """UTF8String."""
    return tlv(UTF8_STRING, value.encode())


def printable_string(value: str) -> bytes:
    """PrintableString; the caller knows that the characters fit."""
    return tlv(PRINTABLE_STRING, value.encode("ascii"))


def ia5_string(value: str) -> bytes:
    """IA5String."""
    return tlv(IA5_STRING, value.encode("ascii"))


def bmp_string(value: str) -> bytes:
    """BMPString."""
    return tlv(BMP_STRING, value.encode("utf-16-be"))


def time(moment: datetime) -> bytes:
    """Time: UTCTime from 1950 to 2049, else GeneralizedTime (RFC 5280 section 4.1.2.5).

    Args:
        moment: in UTC; cut to whole seconds.
    """
    # By hand: a third of the time of `strftime`, and a long list has a million of them.
    fields = (moment.month, moment.day, moment.hour, moment.minute, moment.second)
    rest = b"%02d%02d%02d%02d%02dZ" % fields
    if moment.year in _UTC_TIME_YEARS:
        return tlv(UTC_TIME, b"%02d" % (moment.year % 100), rest)
    return tlv(GENERALIZED_TIME, b"%04d" % moment.year, rest)


def explicit(number: int, content: bytes) -> bytes:
    """Context tag `number` around a whole encoding."""
    return tlv(0xA0 | number, content)


def implicit(number: int, content: bytes) -> bytes:
    """Context tag `number` in place of a primitive tag; `content` has no header of its own."""
    return tlv(0x80 | number, content)
