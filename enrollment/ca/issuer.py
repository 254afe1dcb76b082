"""A CA certificate as what is below it sees it, and the one way in which its key signs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from enrollment.ca import algorithms, der

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes


class IssuanceFault(Exception):
    """The CA did something it must not: a bug or a broken key, never the requester's fault."""


class SigningKey(Protocol):
    """What `sign` needs of a private key; `enrollment.keys.Signer` is one."""

    @property
    def public_key(self) -> CertificatePublicKeyTypes:
        """The public half."""

    def sign(self, message: bytes) -> bytes:
        """Return the signature over `message`."""


@dataclass(frozen=True)
class Issuer:
    """A CA certificate and what certificates below it say about it; never its key.

    `chain` holds the certificates above it in DER, nearest first, root last.
    """

    certificate: x509.Certificate
    index: int = 0
    key_index: int = 0
    chain: tuple[bytes, ...] = ()
    crl_addresses: tuple[str, ...] = ()
    certificate_addresses: tuple[str, ...] = ()
    ocsp_addresses: tuple[str, ...] = ()

    @cached_property
    def der(self) -> bytes:
        """The CA certificate."""
        return self.certificate.public_bytes(Encoding.DER)

    @cached_property
    def name_der(self) -> bytes:
        """Its subject: the issuer field of what it signs."""
        return self.certificate.subject.public_bytes()

    @cached_property
    def key_identifier(self) -> bytes:
        """Its subject key identifier, or the hash of its key where it has none."""
        try:
            found = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        except x509.ExtensionNotFound:
            return x509.SubjectKeyIdentifier.from_public_key(self.public_key).digest
        return found.value.digest

    @cached_property
    def path_length(self) -> int | None:
        """How many CAs may stand below it, by its own limit and those above; None for any.

        "It gives the maximum number of non-self-issued intermediate certificates that may follow
        this certificate in a valid certification path." -- RFC 5280 section 4.2.1.9
        """
        path = (self.certificate, *map(x509.load_der_x509_certificate, self.chain))
        left = []
        below = 0
        for certificate in path:
            try:
                found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
            except x509.ExtensionNotFound:
                found = None
            if found is not None and found.value.path_length is not None:
                left.append(found.value.path_length - below)
            below += certificate.subject != certificate.issuer
        return max(min(left), 0) if left else None

    @cached_property
    def public_key(self) -> CertificatePublicKeyTypes:
        """Its public key."""
        return self.certificate.public_key()

    @cached_property
    def signature_algorithm(self) -> algorithms.SignatureAlgorithm:
        """How its key signs."""
        return algorithms.signature_algorithm(self.public_key)

    @cached_property
    def not_before(self) -> datetime:
        """Start of its own validity."""
        return self.certificate.not_valid_before_utc

    @cached_property
    def not_after(self) -> datetime:
        """End of its own validity."""
        return self.certificate.not_valid_after_utc


def signed(
    content: bytes, issuer: Issuer, key: SigningKey, read: Callable[[bytes], object]
) -> bytes:
    """Sign a to-be-signed content, and check the result before anybody sees it.

    Args:
        content: DER of a TBSCertificate or TBSCertList.
        issuer: whose key signs.
        key: the private half.
        read: loads the finished object, and raises when it is none.

    Raises:
        IssuanceFault: the key is not the issuer's, or the signature does not verify (a computation
            fault could otherwise give the private key away).
    """
    algorithm = issuer.signature_algorithm
    signature = key.sign(content)
    finished = der.sequence(content, algorithm.identifier, der.bit_string(signature))
    try:
        algorithm.verify(issuer.public_key, signature, content)
        read(finished)
    except Exception as error:
        raise IssuanceFault("the signature just made does not verify") from error
    return finished
