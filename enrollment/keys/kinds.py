"""The kinds of key a CA here may have, as an operator types them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa

from enrollment.ca.algorithms import RSA_KEY_BITS
from enrollment.keys.errors import UnknownKeyKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cryptography.hazmat.primitives.asymmetric.types import (
        CertificateIssuerPrivateKeyTypes,
        CertificatePublicKeyTypes,
    )

_RSA_EXPONENT: Final = 65537

_CURVES: Final[Mapping[str, type[ec.EllipticCurve]]] = {
    "p256": ec.SECP256R1,
    "p384": ec.SECP384R1,
    "p521": ec.SECP521R1,
}


def _rsa(bits: int) -> Callable[[], CertificateIssuerPrivateKeyTypes]:
    return lambda: rsa.generate_private_key(_RSA_EXPONENT, bits)


def _ec(curve: type[ec.EllipticCurve]) -> Callable[[], CertificateIssuerPrivateKeyTypes]:
    return lambda: ec.generate_private_key(curve())


_MAKERS: Final[Mapping[str, Callable[[], CertificateIssuerPrivateKeyTypes]]] = {
    **{f"rsa:{bits}": _rsa(bits) for bits in (2048, 3072, 4096)},
    **{f"ec:{name}": _ec(curve) for name, curve in _CURVES.items()},
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "ml-dsa-44": mldsa.MLDSA44PrivateKey.generate,
    "ml-dsa-65": mldsa.MLDSA65PrivateKey.generate,
    "ml-dsa-87": mldsa.MLDSA87PrivateKey.generate,
}

KINDS: Final = tuple(_MAKERS)
"""Every legal value of the kind of a CA key."""


def check_kind(text: str) -> str:
    """Read a kind as somebody typed it, in any case and with blanks around.

    Raises:
        UnknownKeyKind: with the list of what may be typed.
    """
    kind = text.strip().lower()
    if kind not in _MAKERS:
        raise UnknownKeyKind(
            f"{text!r} is not a kind of CA key; use one of {', '.join(KINDS[:-1])} or {KINDS[-1]}."
        )
    return kind


def make(kind: str) -> CertificateIssuerPrivateKeyTypes:
    """Make a private key of a kind that `check_kind` accepts; RSA 4096 takes a second or two."""
    return _MAKERS[check_kind(kind)]()


def kind_of(public_key: CertificatePublicKeyTypes) -> str:
    """Name the kind of a CA's key.

    Raises:
        UnknownKeyKind: no CA here has a key like that.
    """
    if isinstance(public_key, rsa.RSAPublicKey) and public_key.key_size in RSA_KEY_BITS:
        return f"rsa:{public_key.key_size}"
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        for name, curve in _CURVES.items():
            if isinstance(public_key.curve, curve):
                return f"ec:{name}"
    if isinstance(public_key, ed25519.Ed25519PublicKey):
        return "ed25519"
    for bits, kind in _MLDSA:
        if isinstance(public_key, kind):
            return f"ml-dsa-{bits}"
    raise UnknownKeyKind(
        f"The key is {type(public_key).__name__}; a CA here signs with one of {', '.join(KINDS)}."
    )


_MLDSA: Final = (
    (44, mldsa.MLDSA44PublicKey),
    (65, mldsa.MLDSA65PublicKey),
    (87, mldsa.MLDSA87PublicKey),
)
