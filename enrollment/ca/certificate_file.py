"""Certificates out of a file that a CA gave back, in whatever form.

PEM with any label and any text around it, DER, and PKCS #7 in both. Labels lie (AD CS writes
CERTIFICATE over a PKCS #7), so what a block is gets decided by its ASN.1.

Source: RFC 7468; certsrv-contract rule 7.
"""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING, Final

from cryptography import x509

from enrollment.ca import ber, cms, mistakes, names, relying_party
from enrollment.ca.answer_errors import NoCertificate, PrivateKeyGiven
from enrollment.ca.errors import EnrollmentError
from enrollment.ca.recognize import SECRETS, Kind, recognize

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_OCTETS: Final = 256 * 1024
_MOST_CERTIFICATES: Final = 32
# No dash stands in base64, so the pattern never looks further than the next line of armor.
_BLOCK: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,60})-----([^-]*)-----END \1-----")
_BEGIN: Final = "-----BEGIN "
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")

_REMEDY: Final = (
    "Give the certificate that the CA above returned, in PEM, DER or PKCS #7 (for example "
    "certnew.cer or certnew.p7b)."
)


def read_certificates(raw: bytes, name: str) -> tuple[x509.Certificate, ...]:
    """Return every certificate in a file, each once, in its order.

    Args:
        raw: the file.
        name: what the operator calls it.

    Raises:
        NoCertificate: there is none in it; the sentence says what there is instead.
        PrivateKeyGiven: there is a private key in it, alone or beside certificates.
    """
    if len(raw) > MAX_OCTETS:
        raise NoCertificate(
            f"{name} has {len(raw):,} octets; at most {MAX_OCTETS:,} are read.", remedy=_REMEDY
        )
    found = dict.fromkeys(der for block in _blocks(raw, name) for der in _inside(block, name))
    if len(found) > _MOST_CERTIFICATES:
        raise NoCertificate(
            f"{name} holds {len(found)} certificates; a chain has at most {_MOST_CERTIFICATES}.",
            remedy=_REMEDY,
        )
    if not found:
        raise NoCertificate(f"{name} holds no certificate.", remedy=_REMEDY)
    return tuple(_load(der, name) for der in found)


def _blocks(raw: bytes, name: str) -> Iterator[bytes]:
    """Yield what stands in armor, or the file itself where it is DER or bare base64."""
    for magic, what in mistakes.BINARY_FORMATS:
        if raw.startswith(magic):
            raise _not_a_certificate(name, what)
    if recognize(raw) is not Kind.UNKNOWN:
        yield raw
        return
    text = _text(raw)
    try:
        mistakes.refuse_labelled_secrets(text)
    except EnrollmentError:
        raise _key_given(name) from None
    if _BEGIN not in text:
        yield _base64(text, name)
        return
    blocks = list(_BLOCK.finditer(text))
    if len(blocks) < text.count(_BEGIN):
        raise NoCertificate(f"{name} holds a block without its END line.", remedy=_REMEDY)
    for block in blocks:
        yield _base64(block[2], name)


def _text(raw: bytes) -> str:
    return raw.decode("utf-16" if raw.startswith(_UTF16_MARKS) else "utf-8", "replace")


def _base64(text: str, name: str) -> bytes:
    try:
        return binascii.a2b_base64("".join(text.split()).encode(), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError):
        raise NoCertificate(
            f"{name} holds no certificate, or a damaged one: its text is not base64.",
            remedy=_REMEDY,
        ) from None


def _inside(octets: bytes, name: str) -> tuple[bytes, ...]:
    """Return the certificates that one block holds."""
    kind = recognize(octets)
    if kind in SECRETS:
        raise _key_given(name)
    if kind is Kind.CERTIFICATE:
        # OpenSSL's TRUSTED CERTIFICATE has more behind it.
        return (octets[: ber.read(octets).end],)
    if kind is Kind.SIGNED_DATA:
        try:
            return tuple(each.der for each in cms.read_signed_data(octets).certificates)
        except EnrollmentError as error:
            raise NoCertificate(
                f"The PKCS #7 in {name} cannot be read: {error.detail}", remedy=_REMEDY
            ) from error
    if kind is Kind.PKCS10:
        raise NoCertificate(
            f"{name} is the request itself, not the answer to it.",
            remedy="Take it to the CA above, and install the certificate that it returns.",
        )
    if kind is Kind.UNKNOWN:
        raise NoCertificate(f"{name} holds no certificate, or a damaged one.", remedy=_REMEDY)
    raise _not_a_certificate(name, kind.value)


def _load(der: bytes, name: str) -> x509.Certificate:
    """Load a certificate with everything that is looked at later, so that it fails here."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        certificate.public_key()
        list(certificate.extensions)
        names.display(certificate.subject)
        names.display(certificate.issuer)
    except relying_party.UNREADABLE as error:
        raise NoCertificate(
            f"A certificate in {name} cannot be read: {error}.",
            remedy="Ask the CA above for a certificate after RFC 5280.",
        ) from error
    return certificate


def _not_a_certificate(name: str, what: str) -> NoCertificate:
    return NoCertificate(f"{name} is {what}, not a certificate.", remedy=_REMEDY)


def _key_given(name: str) -> PrivateKeyGiven:
    return PrivateKeyGiven(
        f"{name} holds a private key; nothing of it was kept.",
        remedy="The key of this CA is where it was made and is never given here. " + _REMEDY,
    )
