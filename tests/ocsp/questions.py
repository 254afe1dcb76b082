"""Requests of OCSP clients, octet by octet: good by default, one keyword to spoil."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from django.utils import timezone

from enrollment.ca import content, der, ocsp
from enrollment.services import authority, directory, enroll
from tests import make

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from enrollment.models import Authority, Certificate

SHA1 = "1.3.14.3.2.26"
SHA256 = "2.16.840.1.101.3.4.2.1"
NONCE = "1.3.6.1.5.5.7.48.1.2"


def issue(user: User) -> Certificate:
    """Issue a certificate to somebody."""
    submission = enroll.Submission(
        make.request_pem(kind="ec:p256"),
        "CertificateTemplate:WebServer",
        directory.requester_of(user),
        "web",
    )
    row = enroll.enroll(submission, now=timezone.now())
    assert row.certificate is not None
    return row.certificate


@dataclass(frozen=True)
class Issuer:
    """What a CertID says of a CA."""

    name_der: bytes
    key_bits: bytes

    @classmethod
    def of(cls, row: Authority) -> Issuer:
        """The issuer that a CA certificate is."""
        certificate = x509.load_der_x509_certificate(bytes(row.der))
        spki = authority.issuer_of(row).public_key
        from enrollment.keys.signer import spki as encoded

        return cls(certificate.subject.public_bytes(), content.key_bits(encoded(spki)))

    def identity(self, serial: int, *, algorithm: str = SHA256, parameters: bytes = b"") -> bytes:
        """Return a CertID."""
        name, key = ocsp.issuer_hashes(self.name_der, self.key_bits).get(
            algorithm, (b"\x01" * 28, b"\x02" * 28)
        )
        return der.sequence(
            der.sequence(der.oid(algorithm), parameters or der.null()),
            der.octet_string(name),
            der.octet_string(key),
            der.integer(serial),
        )


STRANGER = Issuer(der.sequence(), b"another key")


def extension(kind: str, value: bytes, *, critical: bool = False) -> bytes:
    """Return one extension."""
    flag = der.boolean(True) if critical else b""  # noqa: FBT003 - the value itself
    return der.sequence(der.oid(kind), flag, der.octet_string(value))


def nonce(octets: bytes) -> bytes:
    """Return the extension with a nonce as RFC 9654 has it."""
    return extension(NONCE, der.octet_string(octets))


def request(
    *identities: bytes,
    extensions: tuple[bytes, ...] = (),
    of_single: tuple[bytes, ...] = (),
    before: bytes = b"",
    signature: bytes = b"",
) -> bytes:
    """Return an OCSPRequest.

    Args:
        identities: CertIDs.
        extensions: of the request.
        of_single: extensions of each single request.
        before: version and requestorName.
        signature: what follows the request's content.
    """
    single = der.explicit(0, der.sequence(*of_single)) if of_single else b""
    asked = der.sequence(*(der.sequence(identity, single) for identity in identities))
    last = der.explicit(2, der.sequence(*extensions)) if extensions else b""
    return der.sequence(der.sequence(before, asked, last), signature)
