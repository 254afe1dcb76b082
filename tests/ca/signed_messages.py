"""Keys, certificates and signers for messages around requests."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from enrollment.ca import der
from tests import make, messages

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

SUBJECT = messages.common_name("www.example.com")


def key(kind: str, number: int) -> CertificateIssuerPrivateKeyTypes:
    """Return a key; the arguments are never left out, so the same ones mean the same key."""
    return make.key(kind, number)


NEW_KEY = key("rsa:2048", 2)
ARCHIVED = messages.attribute(messages.MICROSOFT + "21.13", der.sequence())


@cache
def old_certificate(kind: str = "rsa:2048", number: int = 0) -> x509.Certificate:
    """A certificate that an earlier enrollment might have given."""
    private_key = key(kind, number)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "www.example.com")])
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"CA {number}")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(private_key.public_key())
        .serial_number(0xF1 + number)
        .not_valid_before(make.NOW)
        .not_valid_after(make.NOW + timedelta(days=365))
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(private_key.public_key()), critical=False
        )
        .sign(private_key, hashes.SHA256())
    )


OLD = old_certificate()
OLD_DER = OLD.public_bytes(Encoding.DER)
OLD_KEY = key("rsa:2048", 0)


def cmc(content: bytes, *signers: bytes) -> bytes:
    return messages.signed_data(content, signers, content_type=messages.PKI_DATA, version=3)


def own_signer(content: bytes, **options: object) -> bytes:
    return messages.signer_info(
        NEW_KEY,
        content,
        key_identifier=messages.key_identifier(NEW_KEY),
        content_type=messages.PKI_DATA,
        **options,  # type: ignore[arg-type]  # those of signer_info
    )
