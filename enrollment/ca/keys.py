"""What kind of public key a request carries, read without arithmetic.

A key is described from the octets of its SubjectPublicKeyInfo before any library computes with
it: a modulus of a million bits must cost nothing.

Source: RFC 5280 section 4.1.2.7; RFC 3279; RFC 5480; RFC 8410; RFC 9881.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from enrollment.ca import ber, der, oids
from enrollment.ca.errors import KeyTooLarge, MalformedRequest

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

MAX_RSA_BITS: Final = 16_384
MAX_RSA_EXPONENT_BITS: Final = 256
USUAL_EXPONENTS: Final = (3, 17, 35, 37, 257, 65_537)

_NEW_KEY: Final = "Make a new key and request again, for example RSA of 3072 bits or EC P-256."


class KeyKind(StrEnum):
    """The kinds that a template can name."""

    RSA = "rsa"
    EC_P256 = "ec-p256"
    EC_P384 = "ec-p384"
    EC_P521 = "ec-p521"
    ED25519 = "ed25519"
    ED448 = "ed448"
    ML_DSA_44 = "ml-dsa-44"
    ML_DSA_65 = "ml-dsa-65"
    ML_DSA_87 = "ml-dsa-87"
    DSA = "dsa"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class PublicKeyFacts:
    """A public key in words.

    Attributes:
        kind: what a template asks for.
        bits: modulus or field size; the length of the encoded key where neither exists.
        name: for people, such as "RSA 2048" or "brainpoolP256r1".
        algorithm: the object identifier of the key's algorithm.
    """

    kind: KeyKind
    bits: int
    name: str
    algorithm: str


EC_KEY: Final = "1.2.840.10045.2.1"
_DSA_KEY: Final = "1.2.840.10040.4.1"
_RSA_KEYS: Final = {
    "1.2.840.113549.1.1.1": "RSA",
    "1.2.840.113549.1.1.10": "RSA-PSS",
    "1.2.840.113549.1.1.7": "RSA-OAEP",
    "2.5.8.1.1": "RSA (X.500)",
}
_HYBRID_FORMS: Final = frozenset({b"\x06", b"\x07"})
_NAMED_CURVES: Final = {
    "1.2.840.10045.3.1.7": (KeyKind.EC_P256, 256, "EC P-256"),
    "1.3.132.0.34": (KeyKind.EC_P384, 384, "EC P-384"),
    "1.3.132.0.35": (KeyKind.EC_P521, 521, "EC P-521"),
}
_FIXED_KINDS: Final = {
    "1.3.101.112": (KeyKind.ED25519, 256, "Ed25519"),
    "1.3.101.113": (KeyKind.ED448, 456, "Ed448"),
    "2.16.840.1.101.3.4.3.17": (KeyKind.ML_DSA_44, 10_496, "ML-DSA-44"),
    "2.16.840.1.101.3.4.3.18": (KeyKind.ML_DSA_65, 15_616, "ML-DSA-65"),
    "2.16.840.1.101.3.4.3.19": (KeyKind.ML_DSA_87, 20_736, "ML-DSA-87"),
}


def spki_sha256(public_key: PublicKeyTypes) -> str:
    """Return the SHA-256 of a key in its usual form.

    The same for the same key, whichever way its request wrote it: a point on a curve may be
    compressed, an RSA key may name another algorithm.
    """
    octets = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(octets).hexdigest()


def spkis_alike(public_key: PublicKeyTypes) -> tuple[str, ...]:
    """Return `spki_sha256` of a key, and of the RSA keys that whoever has it in private has, too.

    Who knows one private exponent can factor the modulus, and then knows them all (RFC 8017 section
    3.1). Nobody can look for every exponent: these are those that programs choose by themselves.
    """
    own = spki_sha256(public_key)
    if not isinstance(public_key, rsa.RSAPublicKey):
        return (own,)
    modulus = public_key.public_numbers().n
    others = (rsa.RSAPublicNumbers(exponent, modulus) for exponent in USUAL_EXPONENTS)
    return (own, *(spki_sha256(other.public_key()) for other in others))


def describe_public_key(spki_der: bytes) -> PublicKeyFacts:
    """Say what kind of key a SubjectPublicKeyInfo holds.

    Raises:
        MalformedRequest: the octets are not a SubjectPublicKeyInfo.
        KeyTooLarge: an RSA modulus above 16,384 bits or an exponent above 256 bits.
    """
    spki = ber.read(spki_der).expect(der.SEQUENCE, "The public key")
    algorithm_node, key_node = _two(spki, "The public key")
    algorithm, parameters = _read_algorithm(algorithm_node.octets)
    key_node.expect(der.BIT_STRING, "The public key")
    if algorithm in _RSA_KEYS:
        return _rsa(algorithm, key_node)
    fixed = _FIXED_KINDS.get(algorithm)
    if fixed is not None:
        return PublicKeyFacts(*fixed, algorithm)
    if algorithm == EC_KEY:
        return _elliptic_curve(parameters, key_node)
    if algorithm == _DSA_KEY:
        return _dsa(parameters, key_node)
    return PublicKeyFacts(KeyKind.OTHER, _key_bits(key_node), oids.name(algorithm), algorithm)


@lru_cache(maxsize=64)
def _read_algorithm(octets: bytes) -> tuple[str, ber.Node | None]:
    """Read an AlgorithmIdentifier; few different ones come, so each is read once."""
    parts = ber.read(octets).expect(der.SEQUENCE, "The key algorithm").children()
    if not parts:
        raise _malformed("The key algorithm is empty.")
    oid = ber.object_identifier(parts[0], "The key algorithm")
    return oid, parts[1] if len(parts) > 1 else None


def rsa_numbers(spki_der: bytes) -> tuple[int, int]:
    """Return modulus and exponent of an RSA key that `describe_public_key` has accepted."""
    modulus, exponent = _rsa_parts(_two(ber.read(spki_der), "The public key")[1])
    return int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big")


def _rsa(algorithm: str, key: ber.Node) -> PublicKeyFacts:
    modulus, exponent = _rsa_parts(key)
    bits = _bit_length(modulus)
    if bits > MAX_RSA_BITS:
        raise KeyTooLarge(
            f"The RSA key has {bits:,} bits; this CA reads at most {MAX_RSA_BITS:,}.",
            remedy=_NEW_KEY,
        )
    if _bit_length(exponent) > MAX_RSA_EXPONENT_BITS:
        raise KeyTooLarge(
            f"The public exponent of the RSA key has {_bit_length(exponent):,} bits; at most "
            f"{MAX_RSA_EXPONENT_BITS} are read.",
            remedy=f"{_NEW_KEY} The usual exponent is 65537.",
        )
    return PublicKeyFacts(KeyKind.RSA, bits, f"{_RSA_KEYS[algorithm]} {bits}", algorithm)


def _rsa_parts(key: ber.Node) -> tuple[bytes, bytes]:
    inner = ber.read(_key_octets(key)).expect(der.SEQUENCE, "The RSA public key")
    modulus, exponent = _two(inner, "The RSA public key")
    modulus.expect(der.INTEGER, "The RSA modulus")
    exponent.expect(der.INTEGER, "The RSA exponent")
    return modulus.content, exponent.content


def _elliptic_curve(parameters: ber.Node | None, key: ber.Node) -> PublicKeyFacts:
    if parameters is None or parameters.tag != der.OBJECT_IDENTIFIER:
        # "specifiedCurve, which is of type SpecifiedECDomain, MUST NOT be used in PKIX"
        # -- RFC 5480 section 2.1.1
        bits = (_key_bits(key) - 8) // 2
        return PublicKeyFacts(
            KeyKind.OTHER, bits, "EC with explicit parameters instead of a named curve", EC_KEY
        )
    if _key_octets(key)[:1] in _HYBRID_FORMS:
        # "The hybrid form of the ECC public key … MUST NOT be used" -- RFC 5480 section 2.2
        raise _malformed("The point of the EC key is written in the hybrid form.")
    curve = ber.object_identifier(parameters, "The curve")
    named = _NAMED_CURVES.get(curve)
    if named is not None:
        return PublicKeyFacts(*named, EC_KEY)
    bits = (_key_bits(key) - 8) // 2
    return PublicKeyFacts(KeyKind.OTHER, bits, f"EC {oids.name(curve)}", EC_KEY)


def _dsa(parameters: ber.Node | None, key: ber.Node) -> PublicKeyFacts:
    bits = _key_bits(key)
    if parameters is not None and parameters.tag == der.SEQUENCE:
        prime = next(parameters.walk(), None)
        if prime is not None:
            bits = _bit_length(prime.content)
    return PublicKeyFacts(KeyKind.DSA, bits, f"DSA {bits}", _DSA_KEY)


def _two(node: ber.Node, what: str) -> tuple[ber.Node, ber.Node]:
    children = node.children()
    if len(children) != 2:  # noqa: PLR2004 - a pair
        raise _malformed(f"{what} should have two parts but has {len(children)}.")
    return children[0], children[1]


def _key_octets(key: ber.Node) -> bytes:
    return key.content[1:]


def _key_bits(key: ber.Node) -> int:
    return max(len(key.content) - 1, 0) * 8


def _bit_length(content: bytes) -> int:
    """Bits of a positive INTEGER, counted on its octets."""
    stripped = content.lstrip(b"\x00")
    return (len(stripped) - 1) * 8 + stripped[0].bit_length() if stripped else 0


def _malformed(detail: str) -> MalformedRequest:
    return MalformedRequest(detail, remedy="Make the request again with its own tool.")
