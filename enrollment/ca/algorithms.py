"""Which signature a CA key makes: one algorithm for each kind of key, and no choice beside it.

A to-be-signed content names its signature algorithm before it is signed, so the choice belongs to
the kind of key and lies here, where the signers, the throw-away signatures of `lint` and the check
of a finished signature all look it up.

Source: RFC 4055 section 5 (RSA, NULL parameters), RFC 5758 section 3.2 (ECDSA, no parameters),
RFC 8410 section 3 (Ed25519), RFC 9881 section 2 (ML-DSA).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding, rsa

from enrollment.ca import der

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cryptography.hazmat.primitives.asymmetric.types import (
        CertificateIssuerPrivateKeyTypes,
        CertificatePublicKeyTypes,
    )

RSA_KEY_BITS: Final = range(2048, 4097)
"""Sizes of a CA's own RSA key; what requesters may bring is the template's matter."""


class UnsupportedSigningKey(ValueError):
    """No CA here signs with a key of this kind."""


@dataclass(frozen=True, slots=True, eq=False)  # one object each, so identity is equality
class SignatureAlgorithm:
    """How one kind of key signs.

    `identifier` is the DER AlgorithmIdentifier. `arguments` are what `cryptography` wants beside
    the message when it signs, and beside signature and message when it verifies.
    """

    name: str
    identifier: bytes
    arguments: tuple[Any, ...]  # Any: padding and hash, or ECDSA, or nothing, by kind of key
    throw_away_key: Callable[[], CertificateIssuerPrivateKeyTypes]

    def sign(self, key: CertificateIssuerPrivateKeyTypes, message: bytes) -> bytes:
        """Sign `message`; the signature as it stands in a BIT STRING."""
        signature: bytes = key.sign(message, *self.arguments)
        return signature

    def verify(self, key: CertificatePublicKeyTypes, signature: bytes, message: bytes) -> None:
        """Check a signature.

        Raises:
            cryptography.exceptions.InvalidSignature: `key` did not make it over `message`.
        """
        key.verify(signature, message, *self.arguments)  # type: ignore[union-attr] # signing keys only


def _identifier(dotted: str, *parameters: bytes) -> bytes:
    return der.sequence(der.oid(dotted), *parameters)


def _ecdsa(
    curve: type[ec.EllipticCurve], digest: hashes.HashAlgorithm, dotted: str
) -> SignatureAlgorithm:
    return SignatureAlgorithm(
        f"ECDSA {digest.name.upper()}",
        _identifier(dotted),
        (ec.ECDSA(digest),),
        lambda: ec.generate_private_key(curve()),
    )


RSA_SHA256: Final = SignatureAlgorithm(
    "RSA SHA256",
    _identifier("1.2.840.113549.1.1.11", der.null()),
    (padding.PKCS1v15(), hashes.SHA256()),
    lambda: rsa.generate_private_key(65537, RSA_KEY_BITS.start),
)
ED25519: Final = SignatureAlgorithm(
    "Ed25519", _identifier("1.3.101.112"), (), ed25519.Ed25519PrivateKey.generate
)
_ECDSA: Final[Mapping[type[ec.EllipticCurve], SignatureAlgorithm]] = {
    ec.SECP256R1: _ecdsa(ec.SECP256R1, hashes.SHA256(), "1.2.840.10045.4.3.2"),
    ec.SECP384R1: _ecdsa(ec.SECP384R1, hashes.SHA384(), "1.2.840.10045.4.3.3"),
    ec.SECP521R1: _ecdsa(ec.SECP521R1, hashes.SHA512(), "1.2.840.10045.4.3.4"),
}
_MLDSA: Final = (
    (
        mldsa.MLDSA44PublicKey,
        SignatureAlgorithm(
            "ML-DSA-44",
            _identifier("2.16.840.1.101.3.4.3.17"),
            (),
            mldsa.MLDSA44PrivateKey.generate,
        ),
    ),
    (
        mldsa.MLDSA65PublicKey,
        SignatureAlgorithm(
            "ML-DSA-65",
            _identifier("2.16.840.1.101.3.4.3.18"),
            (),
            mldsa.MLDSA65PrivateKey.generate,
        ),
    ),
    (
        mldsa.MLDSA87PublicKey,
        SignatureAlgorithm(
            "ML-DSA-87",
            _identifier("2.16.840.1.101.3.4.3.19"),
            (),
            mldsa.MLDSA87PrivateKey.generate,
        ),
    ),
)
ALL: Final = (RSA_SHA256, *_ECDSA.values(), ED25519, *(algorithm for _, algorithm in _MLDSA))
_BY_IDENTIFIER: Final = {algorithm.identifier: algorithm for algorithm in ALL}


def signature_algorithm(public_key: CertificatePublicKeyTypes) -> SignatureAlgorithm:
    """Choose the signature that a CA with this public key makes.

    Raises:
        UnsupportedSigningKey: a key of this kind or size is no CA key here.
    """
    if isinstance(public_key, rsa.RSAPublicKey) and public_key.key_size in RSA_KEY_BITS:
        return RSA_SHA256
    if isinstance(public_key, ec.EllipticCurvePublicKey) and type(public_key.curve) in _ECDSA:
        return _ECDSA[type(public_key.curve)]
    if isinstance(public_key, ed25519.Ed25519PublicKey):
        return ED25519
    for kind, algorithm in _MLDSA:
        if isinstance(public_key, kind):
            return algorithm
    raise UnsupportedSigningKey(f"{_describe(public_key)} is not a key that a CA here signs with")


def by_identifier(identifier: bytes) -> SignatureAlgorithm:
    """Find the algorithm of a DER AlgorithmIdentifier.

    Raises:
        UnsupportedSigningKey: no CA here makes such signatures.
    """
    try:
        return _BY_IDENTIFIER[identifier]
    except KeyError:
        raise UnsupportedSigningKey(
            f"no CA here makes signatures of algorithm {identifier.hex()}"
        ) from None


def _describe(public_key: CertificatePublicKeyTypes) -> str:
    if isinstance(public_key, rsa.RSAPublicKey):
        return f"RSA {public_key.key_size}"
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        return f"EC {public_key.curve.name}"
    return type(public_key).__name__.removesuffix("PublicKey")
