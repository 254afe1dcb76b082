"""What the rest of the house may ask of a private key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from enrollment.ca.algorithms import signature_algorithm

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes


@runtime_checkable
class Signer(Protocol):
    """A private key that signs, wherever it lies."""

    @property
    def public_key(self) -> CertificatePublicKeyTypes:
        """The public half."""
        ...

    @property
    def signature_algorithm(self) -> bytes:
        """DER AlgorithmIdentifier of every signature this signer makes.

        It goes into a to-be-signed content before the signature exists, so it never changes.
        """
        ...

    def sign(self, message: bytes) -> bytes:
        """Sign `message`; the signature as it stands in a certificate's BIT STRING."""
        ...


class PublicHalf:
    """What every signer here knows without its private key; where that lies is the subclass's."""

    def __init__(self, public_key: CertificatePublicKeyTypes) -> None:
        """Choose the algorithm of every signature to come.

        Raises:
            UnsupportedSigningKey: no CA here signs with such a key.
        """
        self._public_key = public_key
        self._algorithm = signature_algorithm(public_key)

    @property
    def public_key(self) -> CertificatePublicKeyTypes:
        """The public half."""
        return self._public_key

    @property
    def signature_algorithm(self) -> bytes:
        """DER AlgorithmIdentifier of every signature this signer makes."""
        return self._algorithm.identifier


def spki(public_key: CertificatePublicKeyTypes) -> bytes:
    """DER SubjectPublicKeyInfo of a public key."""
    return public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def matches(signer: Signer, public_key: CertificatePublicKeyTypes) -> bool:
    """Whether the signer holds the private half of `public_key`."""
    return spki(signer.public_key) == spki(public_key)
