"""What binds credentials to one TLS connection."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from django.test import RequestFactory

from enrollment.signin.channel import binding_of, client_certificate, end_point_binding

NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])


def certificate(
    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey,
    algorithm: hashes.SHA256 | hashes.SHA384 | None,
) -> bytes:
    now = datetime.now(UTC)
    built = x509.CertificateBuilder(
        NAME, NAME, key.public_key(), 5, now, now + timedelta(days=1)
    ).sign(key, algorithm)
    return built.public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("algorithm", "name"), [(hashes.SHA256(), "sha256"), (hashes.SHA384(), "sha384")]
)
def test_the_binding_is_the_hash_that_signed_the_certificate(
    algorithm: hashes.SHA256 | hashes.SHA384, name: str
) -> None:
    """RFC 5929 section 4.1."""
    der = certificate(ec.generate_private_key(ec.SECP256R1()), algorithm)

    assert binding_of(der) == b"tls-server-end-point:" + hashlib.new(name, der).digest()


def test_a_signature_without_a_hash_has_no_binding() -> None:
    """RFC 5929 section 4.1: "otherwise … the use of this channel binding type is undefined"."""
    assert binding_of(certificate(ed25519.Ed25519PrivateKey.generate(), None)) is None


def test_a_plain_connection_has_neither_binding_nor_certificate() -> None:
    request = RequestFactory().get("/")

    assert end_point_binding(request) is None
    assert client_certificate(request) is None
