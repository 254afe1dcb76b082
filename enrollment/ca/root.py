"""The CA's own certificate, signed by itself.

Source: ms-facts section (d.5), the order of a root's extensions; RFC 5280 section 4.2.1.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from enrollment.ca import algorithms, der, errors
from enrollment.ca.content import (
    CA_VERSION,
    PREVIOUS_CA_HASH,
    TEMPLATE_NAME,
    encode,
    extension,
    key_identifier,
)
from enrollment.ca.issuance import Issuer, sign_content
from enrollment.ca.lint import blocking, lint
from enrollment.ca.template import KeyUsage, key_usage_extension

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from enrollment.ca.issuer import SigningKey

# The linter sees the throw-away key's signature and cannot know that this one signs itself: "where
# a CA distributes its public key in the form of a self-signed certificate, the authority key
# identifier MAY be omitted" -- RFC 5280 section 4.2.1.1
_ABSENT_AKI = "pkix.authority_key_identifier_extension_absent"
CA_USAGES: Final = frozenset(
    {KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_CERT_SIGN, KeyUsage.CRL_SIGN}
)


@dataclass(frozen=True, slots=True)
class Generation:
    """Which certificate of a CA this is.

    Attributes:
        index: counts the certificates, from 0.
        key_index: the index at which the key first appeared (MS-WCCE 3.2.1.4.3.2.39).
        previous: DER of the certificate before it; None for the first.
    """

    index: int = 0
    key_index: int = 0
    previous: bytes | None = None


FIRST: Final = Generation()


def self_signed(  # noqa: PLR0913 - the signature tells all inputs of a certificate
    name: str,
    key: SigningKey,
    *,
    serial_number: int,
    now: datetime,
    backdate: timedelta,
    lifetime: timedelta,
    is_enterprise: bool,
    generation: Generation = FIRST,
) -> bytes:
    """Return a root certificate in DER.

    Args:
        name: the common name of the CA.
        key: makes the signature.
        serial_number: positive and unpredictable.
        now: timezone-aware UTC, in whole seconds.
        backdate: how long before `now` it begins.
        lifetime: counted from `now`.
        is_enterprise: whether the template name extension says ``CA``.
        generation: of a renewal: its indexes, and the certificate before it.

    Raises:
        LintRefused: the name cannot stand in a certificate.
    """
    algorithm = algorithms.signature_algorithm(key.public_key)
    spki = key.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]).public_bytes()
    tbs = der.sequence(
        der.explicit(0, der.integer(2)),
        der.integer(serial_number),
        algorithm.identifier,
        subject,
        der.sequence(der.time(now - backdate), der.time(now + lifetime)),
        subject,
        spki,
        _extensions(spki, generation, is_enterprise=is_enterprise),
    )
    findings = [
        finding
        for finding in blocking(lint(tbs, algorithm.identifier))
        if finding.code != _ABSENT_AKI
    ]
    if findings:
        raise errors.LintRefused(
            "The CA certificate would break the rules for certificates: "
            + "; ".join(finding.message for finding in findings)
            + ".",
            remedy="Choose another name for the CA (CERTSRV_CA_NAME).",
        )
    unsigned = _unchecked(tbs, algorithm, key)
    return sign_content(tbs, Issuer(x509.load_der_x509_certificate(unsigned)), key)


def _unchecked(tbs: bytes, algorithm: algorithms.SignatureAlgorithm, key: SigningKey) -> bytes:
    """Return the certificate as its own issuer, so that `sign_content` has somebody to ask."""
    return der.sequence(tbs, algorithm.identifier, der.bit_string(key.sign(tbs)))


def _extensions(spki: bytes, generation: Generation, *, is_enterprise: bool) -> bytes:
    version = generation.key_index << 16 | generation.index
    hash_of_previous = b""
    if generation.previous is not None:
        digest = hashlib.sha1(generation.previous, usedforsecurity=False).digest()
        hash_of_previous = extension(PREVIOUS_CA_HASH, der.octet_string(digest))
    identifier = key_identifier(spki)
    template = extension(TEMPLATE_NAME, der.bmp_string("CA")) if is_enterprise else b""
    return der.explicit(
        3,
        der.sequence(
            template,
            encode(key_usage_extension(CA_USAGES), critical=True),
            encode(x509.BasicConstraints(ca=True, path_length=None), critical=True),
            extension("2.5.29.14", der.octet_string(identifier)),
            extension(CA_VERSION, der.integer(version)),
            hash_of_previous,
        ),
    )
