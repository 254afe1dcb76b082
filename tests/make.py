"""Builders: valid by default, one keyword to spoil."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from enrollment.ca import root
from enrollment.ca.builtin import ENROLLEES
from enrollment.ca.issuance import Issuer
from enrollment.ca.policy import Requester
from enrollment.ca.request import CertificationRequest, parse_certification_request
from enrollment.ca.template import SERVER_AUTHENTICATION, CertificateTemplate
from enrollment.keys import FileSigner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ARC = "1.3.6.1.4.1.311.21.8.1.2.3.4.5.6"


def key(kind: str = "rsa:2048", number: int = 0) -> CertificateIssuerPrivateKeyTypes:
    """Return a private key, the same for the same arguments within a run."""
    return _key(kind, number)


@lru_cache(maxsize=64)
def _key(kind: str, number: int) -> CertificateIssuerPrivateKeyTypes:
    name, _, size = kind.partition(":")
    if name == "rsa":
        return rsa.generate_private_key(65537, int(size))
    if name == "ec":
        curves: dict[str, ec.EllipticCurve] = {
            "p256": ec.SECP256R1(),
            "p384": ec.SECP384R1(),
            "p521": ec.SECP521R1(),
        }
        return ec.generate_private_key(curves[size])
    if name == "ed448":
        return ed448.Ed448PrivateKey.generate()
    if name == "ml-dsa-65":
        return mldsa.MLDSA65PrivateKey.generate()
    return ed25519.Ed25519PrivateKey.generate()


def request_pem(  # noqa: PLR0913 - one keyword for each thing to spoil
    common_name: str | None = "www.example.com",
    *,
    dns: Sequence[str] = (),
    kind: str = "rsa:2048",
    number: int = 0,
    digest: hashes.HashAlgorithm | None = None,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> bytes:
    """Return a PKCS #10 request in PEM, signed with SHA-256 unless told otherwise."""
    attributes = (
        [] if common_name is None else [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    )
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(attributes))
    if dns:
        names = x509.SubjectAlternativeName([x509.DNSName(name) for name in dns])
        builder = builder.add_extension(names, critical=False)
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    private_key = key(kind, number)
    hashless = not isinstance(private_key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    algorithm = None if hashless else digest or hashes.SHA256()
    return builder.sign(private_key, algorithm).public_bytes(Encoding.PEM)  # type: ignore[arg-type]  # SHA-1 among others


def request_der(common_name: str | None = "www.example.com", **options: Any) -> bytes:
    """Return the same in DER."""
    loaded = x509.load_pem_x509_csr(request_pem(common_name, **options))
    return loaded.public_bytes(Encoding.DER)


def request(common_name: str | None = "www.example.com", **options: Any) -> CertificationRequest:
    """Return the same, parsed and proven."""
    return parse_certification_request(request_der(common_name, **options))


def template(name: str = "WebServer", **options: Any) -> CertificateTemplate:
    """Return a template that issues server certificates to Enrollees at once."""
    defaults: dict[str, Any] = {
        "display_name": name,
        "oid": f"{ARC}.1.16",
        "published": True,
        "extended_key_usages": (SERVER_AUTHENTICATION,),
        "validity": timedelta(days=730),
        "enroll_groups": frozenset({ENROLLEES}),
    }
    return CertificateTemplate(name=name, **{**defaults, **options})


def requester(name: str = "alice", **options: Any) -> Requester:
    """Return somebody who may enroll."""
    defaults: dict[str, Any] = {
        "groups": frozenset({ENROLLEES}),
        "email": f"{name}@example.com",
        "upn": f"{name}@example.com",
    }
    return Requester(name=name, **{**defaults, **options})


def authority(kind: str = "ec:p256", **options: Any) -> tuple[Issuer, FileSigner]:
    """Return a CA, ten years from an hour before `NOW`, and its signer."""
    signer = FileSigner(key(kind, 99))
    root_der = root.self_signed(
        "Example Issuing CA",
        signer,
        serial_number=1,
        now=NOW,
        backdate=timedelta(hours=1),
        lifetime=timedelta(days=3650),
        is_enterprise=True,
    )
    defaults: dict[str, Any] = {
        "crl_addresses": ("http://ca.example.com/CertEnroll/CA.crl",),
        "certificate_addresses": ("http://ca.example.com/CertEnroll/CA.crt",),
    }
    return Issuer(x509.load_der_x509_certificate(root_der), **{**defaults, **options}), signer
