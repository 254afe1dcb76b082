"""The subject of a request: rewritten as strict DER where it must be, bounded, free of controls.

Source: RFC 5280 section 4.1.2.4 and appendix A.1; ITU-T X.680 section 41.4 (PrintableString).
"""

from __future__ import annotations

import re
import string
import unicodedata
import warnings
from typing import TYPE_CHECKING, Final

from enrollment.ca import ber, der
from enrollment.ca.errors import MalformedRequest, SubjectInvalid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptography import x509

MAX_RDNS: Final = 64
MAX_VALUE_LENGTH: Final = 1_024

_PRINTABLE: Final = frozenset((string.ascii_letters + string.digits + " '()+,-./:=?").encode())
_ASCII_STRINGS: Final = frozenset({0x12, 0x16, 0x1A})
_TELETEX: Final = 0x14
_BMP: Final = 0x1E
_UNIVERSAL: Final = 0x1C
# AD CS enforces these by default. Source: RFC 5280 appendix A.1, upper bounds.
_UPPER_BOUNDS: Final = {
    "2.5.4.3": 64,  # common name
    "2.5.4.5": 64,  # serial number
    "2.5.4.6": 2,  # country
    "2.5.4.7": 128,  # locality
    "2.5.4.8": 128,  # state or province
    "2.5.4.10": 64,  # organization
    "2.5.4.11": 64,  # organizational unit
    "2.5.4.12": 64,  # title
    "2.5.4.65": 128,  # pseudonym
    "1.2.840.113549.1.9.1": 255,  # e-mail address
    "1.3.6.1.4.1.311.60.2.1.3": 2,  # jurisdiction country
}
_COUNTRIES: Final = frozenset({"2.5.4.6", "1.3.6.1.4.1.311.60.2.1.3"})
# A common name that is empty, longer than 64 octets or in wide characters; a country that is not
# two octets: `cryptography` warns of these, into a log that a requester should not write.
_ODD_LENGTH: Final = re.compile(
    rb"\x06\x03\x55\x04\x03(?:[\x14\x1c\x1e]|.[\x00\x41-\xff])"
    rb"|\x06\x03\x55\x04\x06.[^\x02]"
    rb"|\x06\x0b\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x03.[^\x02]",
    re.DOTALL,
)
_REMEDY: Final = "Correct the subject in the program that made the request and request again."


def strict_name(node: ber.Node) -> tuple[bytes, tuple[str, ...]]:
    """Rewrite a Name as strict DER and say in words what had to be mended.

    String types are kept. Only a value that its type cannot hold becomes a UTF8String, as in a
    PrintableString with an underscore or an asterisk, which old programs write all the time.

    Raises:
        MalformedRequest: it is not a Name.
    """
    remarks: list[str] = []
    rdns: list[bytes] = []
    for rdn in node.expect(der.SEQUENCE, "The subject").walk():
        rdn.expect(der.SET, "A part of the subject")
        rdns.append(der.set_of(*(_strict_attribute(part, remarks) for part in rdn.walk())))
    return der.sequence(*rdns), tuple(dict.fromkeys(remarks))


def _strict_attribute(node: ber.Node, remarks: list[str]) -> bytes:
    parts = node.expect(der.SEQUENCE, "A part of the subject").children()
    if len(parts) != 2:  # noqa: PLR2004 - type and value
        raise MalformedRequest("A part of the subject is damaged.", remedy=_REMEDY)
    ber.object_identifier(parts[0], "The type of a part of the subject")
    value = ber.canonical(parts[1].octets)
    mended = _mended(ber.read(value))
    if mended is not None:
        remarks.append(
            f"the subject holds characters that {ber.tag_name(value[0])} does not allow; they are "
            "kept as UTF-8"
        )
        value = mended
    return der.sequence(ber.canonical(parts[0].octets), value)


def _mended(value: ber.Node) -> bytes | None:
    """Return a UTF8String in place of a string that breaks its own type, else None."""
    content = value.content
    if value.tag == der.PRINTABLE_STRING and not _PRINTABLE.issuperset(content):
        return der.utf8_string(_text(content))
    if value.tag in _ASCII_STRINGS and not content.isascii():
        return der.utf8_string(_text(content))
    if value.tag == der.UTF8_STRING and _text(content).encode() != content:
        return der.utf8_string(_text(content))
    if value.tag == _TELETEX and not content.isascii():
        return der.utf8_string(_text(content))
    if value.tag == _BMP and len(content) % 2:
        raise MalformedRequest("A BMPString in the subject has half a character.", remedy=_REMEDY)
    if value.tag == _UNIVERSAL and len(content) % 4:
        raise MalformedRequest(
            "A UniversalString in the subject has a part of a character.", remedy=_REMEDY
        )
    return None


def _text(content: bytes) -> str:
    """Read octets of unknown alphabet: UTF-8 if they are, else Latin-1, which always fits."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")


def load_name(loaded: x509.CertificateSigningRequest, subject_der: bytes) -> x509.Name | None:
    """Return the subject as `cryptography` reads it, or None when it cannot.

    Args:
        loaded: the request.
        subject_der: its subject, to see beforehand whether `cryptography` would warn of a length
            that `check_name` refuses, or allows, by itself.
    """
    try:
        if _ODD_LENGTH.search(subject_der) is None:
            return loaded.subject
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return loaded.subject
    except (ValueError, TypeError):
        return None


def check_name(name: x509.Name) -> None:
    """Refuse a subject that is too big or holds control characters.

    Raises:
        SubjectInvalid: CERTSRV_E_BAD_REQUESTSUBJECT.
    """
    if len(name.rdns) > MAX_RDNS:
        raise SubjectInvalid(
            f"The subject has {len(name.rdns):,} parts; at most {MAX_RDNS} are read.",
            remedy=_REMEDY,
        )
    for attribute in name:
        _check_length(attribute)
    check_values(
        (attribute.value for attribute in name if isinstance(attribute.value, str)), "The subject"
    )


def _check_length(attribute: x509.NameAttribute[str | bytes]) -> None:
    oid = attribute.oid.dotted_string
    most = _UPPER_BOUNDS.get(oid)
    length = len(attribute.value)
    if most is not None and length > most:
        raise SubjectInvalid(
            f"The {_label(attribute)} in the subject has {length:,} characters; X.509 allows at "
            f"most {most}.",
            remedy=_REMEDY,
        )
    if oid in _COUNTRIES and length != most:
        raise SubjectInvalid(
            "The country in the subject must be a code of two letters, such as US or DE.",
            remedy=_REMEDY,
        )


def _label(attribute: x509.NameAttribute[str | bytes]) -> str:
    return attribute.rfc4514_attribute_name


def check_values(values: Iterable[str], what: str) -> None:
    """Refuse a name that is too long or holds control characters.

    Raises:
        SubjectInvalid: CERTSRV_E_BAD_REQUESTSUBJECT.
    """
    for value in values:
        if len(value) > MAX_VALUE_LENGTH:
            raise SubjectInvalid(
                f"{what} holds a value of {len(value):,} characters; at most "
                f"{MAX_VALUE_LENGTH:,} are read.",
                remedy=_REMEDY,
            )
        if not value.isprintable():
            control = next((char for char in value if unicodedata.category(char) == "Cc"), None)
            if control is not None:
                raise SubjectInvalid(
                    f"{what} holds the control character U+{ord(control):04X}, which no name may "
                    "contain.",
                    remedy=_REMEDY,
                )
