"""CAs above ours, and what they sign: valid by default, one keyword to spoil."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from enrollment.ca import ber, der
from tests import make

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.asymmetric.types import (
        CertificateIssuerPrivateKeyTypes,
        CertificatePublicKeyTypes,
    )

YEAR = timedelta(days=365)
SHA1 = "1.2.840.10045.4.1"
SLH_DSA = "2.16.840.1.101.3.4.3.20"
CA_USAGE = ("key_cert_sign", "crl_sign")
_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
    "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


def name(common_name: str, *more: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    """Return a name; `more` stands before the common name."""
    attributes = [x509.NameAttribute(oid, value) for oid, value in more]
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


@dataclass(frozen=True)
class Parent:
    """A CA with its key."""

    certificate: x509.Certificate
    key: CertificateIssuerPrivateKeyTypes

    @property
    def subject(self) -> x509.Name:
        """What it signs names this."""
        return self.certificate.subject


def certificate(  # noqa: PLR0913 - one keyword for each thing to spoil
    public_key: CertificatePublicKeyTypes,
    subject: x509.Name,
    issuer: x509.Name,
    signer: CertificateIssuerPrivateKeyTypes,
    *,
    ca: bool | None = True,
    path_length: int | None = None,
    usage: Sequence[str] | None = CA_USAGE,
    begin: datetime = make.NOW - timedelta(days=1),
    end: datetime = make.NOW + 5 * YEAR,
    aki: bool = True,
    algorithm: str = "",
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> x509.Certificate:
    """Sign a CA certificate with any content."""
    builder = x509.CertificateBuilder(issuer, subject, public_key, x509.random_serial_number())
    builder = builder.not_valid_before(begin).not_valid_after(end)
    if ca is not None:
        builder = builder.add_extension(
            x509.BasicConstraints(ca=ca, path_length=path_length if ca else None), critical=True
        )
    if usage is not None:
        bits = {word: word in usage for word in _USAGES}
        builder = builder.add_extension(x509.KeyUsage(**bits), critical=True)
    if aki:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        builder = builder.add_extension(identifier, critical=False)
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    hashless = not isinstance(signer, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    signed = builder.sign(signer, None if hashless else hashes.SHA256())
    return signed_by(algorithm, signed, signer) if algorithm else signed


def signed_by(
    oid: str, signed: x509.Certificate, signer: CertificateIssuerPrivateKeyTypes
) -> x509.Certificate:
    """Sign a certificate again, in a way in which no library makes one (any more, or yet).

    The signature is made with ECDSA and SHA-1, whatever the object identifier says.
    """
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    algorithm = der.sequence(der.oid(oid))
    fields = [node.octets for node in ber.read(signed.tbs_certificate_bytes).children()]
    tbs = der.sequence(*fields[:2], algorithm, *fields[3:])
    signature = signer.sign(tbs, ec.ECDSA(hashes.SHA1()))  # noqa: S303 - to be refused
    return x509.load_der_x509_certificate(der.sequence(tbs, algorithm, der.bit_string(signature)))


def root(common_name: str = "Example Root", number: int = 70, **spoiled: Any) -> Parent:
    """Return a self-signed CA."""
    kind = spoiled.pop("kind", "ec:p256")
    key = make.key(kind, number)
    own = name(common_name)
    settings = {"end": make.NOW + 20 * YEAR, **spoiled}
    return Parent(certificate(key.public_key(), own, own, key, **settings), key)


def policy_ca(above: Parent, common_name: str = "Example Policy CA", **spoiled: Any) -> Parent:
    """Return a CA between a root and ours."""
    key = make.key(spoiled.pop("kind", "ec:p256"), 71)
    settings = {"end": make.NOW + 10 * YEAR, **spoiled}
    signed = certificate(key.public_key(), name(common_name), above.subject, above.key, **settings)
    return Parent(signed, key)
