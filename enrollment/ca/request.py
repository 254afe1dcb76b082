"""Certification requests in: parsed, bounded and proven.

`parse_certification_request` takes what `armor.read_text` found and answers with one value that
holds everything later stages may know of a request. Nothing is trusted here but the signature.

Source: RFC 2986; RFC 5272; MS-WCCE 2.2.2.6.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from enrollment.ca import ber, pkcs10, recognize
from enrollment.ca.certification_request import CertificationRequest, RequestForm, read_pkcs10
from enrollment.ca.errors import MalformedRequest
from enrollment.ca.extensions import RequestedExtension
from enrollment.ca.keys import KeyKind, PublicKeyFacts
from enrollment.ca.microsoft import MicrosoftFacts
from enrollment.ca.recognize import Kind
from enrollment.ca.signatures import SignatureFacts
from enrollment.ca.signed_request import read_signed_request

__all__ = [
    "CertificationRequest",
    "KeyKind",
    "MicrosoftFacts",
    "PublicKeyFacts",
    "RequestForm",
    "RequestedExtension",
    "SignatureFacts",
    "parse_certification_request",
]

MAX_TRAILING_OCTETS: Final = 64
_SEQUENCE: Final = b"\x30"


def parse_certification_request(octets: bytes) -> CertificationRequest:
    """Read a request in DER or BER and verify that its sender holds the private key.

    Raises:
        EnrollmentError: a subclass that says what is wrong; `SignatureInvalid` when possession of
            the key is not proven.
    """
    # Nearly every request is a plain PKCS #10 in strict DER; it pays for no guessing.
    loaded = pkcs10.load(octets)
    if loaded is not None:
        return _noting_renewal(read_pkcs10(octets, loaded=loaded))
    message, remarks = _without_trailing_octets(octets)
    kind = recognize.recognize(message)
    if kind is Kind.SIGNED_DATA:
        return read_signed_request(message, remarks)
    if kind is Kind.PKCS10 or (kind is Kind.UNKNOWN and message[:1] == _SEQUENCE):
        return _noting_renewal(read_pkcs10(message, remarks))
    raise recognize.refusal(kind)


def _noting_renewal(request: CertificationRequest) -> CertificationRequest:
    """Say that a renewal attribute without the old certificate's signature means nothing.

    Source: MS-WCCE 3.2.1.4.2.1.4: there is no renewal as plain PKCS #10.
    """
    if request.microsoft.renewal_certificate is None:
        return request
    remark = "it names a certificate to renew but is not signed by it, so it counts as a new one"
    return replace(request, remarks=(*request.remarks, remark))


def _without_trailing_octets(octets: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Cut padding that a file or a cipher left behind the request."""
    end = ber.read(octets).end
    rest = octets[end:]
    if not rest:
        return octets, ()
    if len(rest) > MAX_TRAILING_OCTETS and rest.strip(b"\x00 \r\n\t\xff"):
        raise MalformedRequest(
            f"The request ends after {end:,} octets, but {len(rest):,} more follow.",
            remedy="Send the request alone, without anything before or behind it.",
        )
    return octets[:end], (f"{len(rest)} octets behind the request were ignored",)
