"""A PKCS #10 composed by hand: the key that signs it may live where no library can reach it.

Source: RFC 2986 section 4; RFC 2985 section 5.4.2 (extensionRequest).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from enrollment.ca import der
from enrollment.ca.algorithms import signature_algorithm
from enrollment.ca.request import CertificationRequest, parse_certification_request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from enrollment.ca.issuer import SigningKey

_EXTENSION_REQUEST: Final = "1.2.840.113549.1.9.14"


def compose_request(
    subject: bytes, key: SigningKey, extensions: Sequence[bytes] = ()
) -> CertificationRequest:
    """Sign a request and read it back, as whoever gets it will.

    Args:
        subject: a Name in DER.
        key: is asked for, and signs.
        extensions: what is requested, each in DER.

    Raises:
        EnrollmentError: the subject cannot stand in a certificate, or the signature is wrong.
    """
    attributes = b""
    if extensions:
        value = der.set_of(der.sequence(*extensions))
        attributes = der.sequence(der.oid(_EXTENSION_REQUEST), value)
    information = der.sequence(
        der.integer(0),
        subject,
        key.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        der.explicit(0, attributes),
    )
    algorithm = signature_algorithm(key.public_key).identifier
    signature = der.bit_string(key.sign(information))
    return parse_certification_request(der.sequence(information, algorithm, signature))
