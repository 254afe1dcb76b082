"""Which signature algorithms are read, and how each is verified.

A signature by a broken hash (MD5, SHA-1) is verified like any other and only marked: whether it is
good enough is for policy to say, whether it is true is said here. What cannot be computed here is
named, never guessed.

Source: RFC 3279, RFC 4055, RFC 5758, RFC 8410, RFC 9881.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, mldsa, padding, rsa

from enrollment.ca import ber, der, oids
from enrollment.ca.errors import MalformedRequest, SignatureInvalid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

_SIGN_AGAIN: Final = (
    "Make the request again with the program that holds the private key, and send the file as it "
    "is: a request changed after it was signed is worthless."
)
_WEAK_HASHES: Final = frozenset({"md2", "md4", "md5", "sha1", "ripemd128", "ripemd160"})


class Scheme(Enum):
    """How a signature is computed, beside its hash."""

    RSA = "RSA"
    PSS = "RSASSA-PSS"
    DSA = "DSA"
    ECDSA = "ECDSA"
    ED25519 = "Ed25519"
    ED448 = "Ed448"
    ML_DSA_44 = "ML-DSA-44"
    ML_DSA_65 = "ML-DSA-65"
    ML_DSA_87 = "ML-DSA-87"


@dataclass(frozen=True, slots=True)
class SignatureFacts:
    """How a request is signed, in words.

    Attributes:
        algorithm: for people, such as "RSA with SHA-256".
        oid: the object identifier that the request carries.
        hash_name: such as "sha256"; None where the scheme fixes its own.
        weak: the hash is broken, so the signature proves little.
    """

    algorithm: str
    oid: str
    hash_name: str | None
    weak: bool


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    """What is needed to verify; `scheme` is None where this CA cannot."""

    facts: SignatureFacts
    scheme: Scheme | None = None
    hash: hashes.HashAlgorithm | None = None
    mask_hash: hashes.HashAlgorithm | None = None
    salt: int = 0


_HASHES: Final[dict[str, tuple[str, hashes.HashAlgorithm]]] = {
    "md5": ("MD5", hashes.MD5()),  # noqa: S303 - read, never made
    "sha1": ("SHA-1", hashes.SHA1()),  # noqa: S303 - read, never made
    "sha224": ("SHA-224", hashes.SHA224()),
    "sha256": ("SHA-256", hashes.SHA256()),
    "sha384": ("SHA-384", hashes.SHA384()),
    "sha512": ("SHA-512", hashes.SHA512()),
    "sha512-224": ("SHA-512/224", hashes.SHA512_224()),
    "sha512-256": ("SHA-512/256", hashes.SHA512_256()),
    "sha3-224": ("SHA3-224", hashes.SHA3_224()),
    "sha3-256": ("SHA3-256", hashes.SHA3_256()),
    "sha3-384": ("SHA3-384", hashes.SHA3_384()),
    "sha3-512": ("SHA3-512", hashes.SHA3_512()),
}
_HASH_OIDS: Final = {
    "1.2.840.113549.2.5": "md5",
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.4": "sha224",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
    "2.16.840.1.101.3.4.2.5": "sha512-224",
    "2.16.840.1.101.3.4.2.6": "sha512-256",
    "2.16.840.1.101.3.4.2.7": "sha3-224",
    "2.16.840.1.101.3.4.2.8": "sha3-256",
    "2.16.840.1.101.3.4.2.9": "sha3-384",
    "2.16.840.1.101.3.4.2.10": "sha3-512",
}
PSS: Final = "1.2.840.113549.1.1.10"
_MGF1: Final = "1.2.840.113549.1.1.8"
_PSS_FIELDS: Final = (0xA0, 0xA1, 0xA2, 0xA3)
_HASH_FIELD, _MASK_FIELD, _SALT_FIELD, _TRAILER_FIELD = _PSS_FIELDS
_PSS_SALT: Final = 20
_SCHEMES: Final = {
    "1.2.840.113549.1.1.4": (Scheme.RSA, "md5"),
    "1.3.14.3.2.3": (Scheme.RSA, "md5"),
    "1.2.840.113549.1.1.5": (Scheme.RSA, "sha1"),
    "1.3.14.3.2.29": (Scheme.RSA, "sha1"),
    "1.2.840.113549.1.1.14": (Scheme.RSA, "sha224"),
    "1.2.840.113549.1.1.11": (Scheme.RSA, "sha256"),
    "1.2.840.113549.1.1.12": (Scheme.RSA, "sha384"),
    "1.2.840.113549.1.1.13": (Scheme.RSA, "sha512"),
    "1.2.840.113549.1.1.15": (Scheme.RSA, "sha512-224"),
    "1.2.840.113549.1.1.16": (Scheme.RSA, "sha512-256"),
    "2.16.840.1.101.3.4.3.13": (Scheme.RSA, "sha3-224"),
    "2.16.840.1.101.3.4.3.14": (Scheme.RSA, "sha3-256"),
    "2.16.840.1.101.3.4.3.15": (Scheme.RSA, "sha3-384"),
    "2.16.840.1.101.3.4.3.16": (Scheme.RSA, "sha3-512"),
    "1.2.840.10040.4.3": (Scheme.DSA, "sha1"),
    "1.3.14.3.2.27": (Scheme.DSA, "sha1"),
    "2.16.840.1.101.3.4.3.1": (Scheme.DSA, "sha224"),
    "2.16.840.1.101.3.4.3.2": (Scheme.DSA, "sha256"),
    "2.16.840.1.101.3.4.3.3": (Scheme.DSA, "sha384"),
    "2.16.840.1.101.3.4.3.4": (Scheme.DSA, "sha512"),
    "1.2.840.10045.4.1": (Scheme.ECDSA, "sha1"),
    "1.2.840.10045.4.3.1": (Scheme.ECDSA, "sha224"),
    "1.2.840.10045.4.3.2": (Scheme.ECDSA, "sha256"),
    "1.2.840.10045.4.3.3": (Scheme.ECDSA, "sha384"),
    "1.2.840.10045.4.3.4": (Scheme.ECDSA, "sha512"),
    "2.16.840.1.101.3.4.3.9": (Scheme.ECDSA, "sha3-224"),
    "2.16.840.1.101.3.4.3.10": (Scheme.ECDSA, "sha3-256"),
    "2.16.840.1.101.3.4.3.11": (Scheme.ECDSA, "sha3-384"),
    "2.16.840.1.101.3.4.3.12": (Scheme.ECDSA, "sha3-512"),
}
_WITHOUT_HASH: Final = {
    "1.3.101.112": (Scheme.ED25519, "Ed25519"),
    "1.3.101.113": (Scheme.ED448, "Ed448"),
    "2.16.840.1.101.3.4.3.17": (Scheme.ML_DSA_44, "ML-DSA-44"),
    "2.16.840.1.101.3.4.3.18": (Scheme.ML_DSA_65, "ML-DSA-65"),
    "2.16.840.1.101.3.4.3.19": (Scheme.ML_DSA_87, "ML-DSA-87"),
}
_BROKEN_AND_UNREADABLE: Final = {
    "1.2.840.113549.1.1.2": "md2",
    "1.2.840.113549.1.1.3": "md4",
    "1.3.14.3.2.2": "md4",
    "1.3.14.3.2.4": "md4",
    "1.3.36.3.3.1.2": "ripemd160",
    "1.3.36.3.3.1.3": "ripemd128",
}


def _with_hash(
    oid: str, scheme: Scheme, hash_key: str, mask_key: str | None = None
) -> SignatureAlgorithm:
    label, algorithm = _HASHES[hash_key]
    facts = SignatureFacts(
        f"{scheme.value} with {label}", oid, hash_key, weak=hash_key in _WEAK_HASHES
    )
    mask = _HASHES[mask_key][1] if mask_key else None
    return SignatureAlgorithm(facts, scheme, algorithm, mask)


_KNOWN: Final[dict[str, SignatureAlgorithm]] = {
    oid: _with_hash(oid, scheme, hash_key) for oid, (scheme, hash_key) in _SCHEMES.items()
} | {
    oid: SignatureAlgorithm(SignatureFacts(label, oid, None, weak=False), scheme)
    for oid, (scheme, label) in _WITHOUT_HASH.items()
}


def read_algorithm(node: ber.Node, what: str = "The signature algorithm") -> SignatureAlgorithm:
    """Read an AlgorithmIdentifier; an unknown one is named and has no scheme.

    Raises:
        MalformedRequest: it is not an AlgorithmIdentifier.
    """
    return _read_algorithm(node.octets, what)


@lru_cache(maxsize=64)
def _read_algorithm(octets: bytes, what: str) -> SignatureAlgorithm:
    parts = ber.read(octets).expect(der.SEQUENCE, what).children()
    if not parts:
        raise MalformedRequest(f"{what} is empty.", remedy=_SIGN_AGAIN)
    oid = ber.object_identifier(parts[0], what)
    known = _KNOWN.get(oid)
    if known is not None:
        return known
    if oid == PSS:
        return _read_pss(parts[1] if len(parts) > 1 else None)
    hash_name = _BROKEN_AND_UNREADABLE.get(oid)
    return SignatureAlgorithm(
        SignatureFacts(oids.name(oid), oid, hash_name, weak=hash_name is not None)
    )


def read_hash(node: ber.Node, what: str) -> tuple[str, hashes.HashAlgorithm] | None:
    """Read the AlgorithmIdentifier of a hash; None when it is not one we compute."""
    parts = node.expect(der.SEQUENCE, what).children()
    if not parts:
        raise MalformedRequest(f"{what} is empty.", remedy=_SIGN_AGAIN)
    name = _HASH_OIDS.get(ber.object_identifier(parts[0], what))
    return (name, _HASHES[name][1]) if name else None


def is_weak(hash_name: str) -> bool:
    """Whether a hash is broken."""
    return hash_name in _WEAK_HASHES


def hash_of(oid: str) -> hashes.HashAlgorithm | None:
    """Return the hash that an object identifier names, if it names one."""
    name = _HASH_OIDS.get(oid)
    return _HASHES[name][1] if name else None


def for_key(public_key: PublicKeyTypes, hash_name: str) -> SignatureAlgorithm | None:
    """Return the algorithm of a CMS signer that names key and hash apart (`rsaEncryption`)."""
    scheme = _SCHEME_OF_KEY.get(_family(public_key))
    if scheme not in {Scheme.RSA, Scheme.DSA, Scheme.ECDSA}:
        return None
    return _with_hash("1.2.840.113549.1.1.1", scheme, hash_name)


def _read_pss(parameters: ber.Node | None) -> SignatureAlgorithm:
    """Read RSASSA-PSS-params; what is left out is SHA-1 and a salt of 20 (RFC 4055 section 3.1).

    Raises:
        MalformedRequest: they are none.
    """
    fields = _pss_fields(parameters)
    hash_key, mask_key, salt = "sha1", "sha1", _PSS_SALT
    if _HASH_FIELD in fields:
        found = read_hash(fields[_HASH_FIELD], "The hash of the PSS signature")
        hash_key = found[0] if found else ""
    if _MASK_FIELD in fields:
        mask_key = _read_mask(fields[_MASK_FIELD])
    if _SALT_FIELD in fields:
        salt = _small_number(fields[_SALT_FIELD], "The salt length of the PSS signature")
    trailer = fields.get(_TRAILER_FIELD)
    if trailer and _small_number(trailer, "The trailer of the PSS signature") != 1:
        raise MalformedRequest("The trailer of the PSS signature is not 1.", remedy=_SIGN_AGAIN)
    if not hash_key or not mask_key:
        of_what = "hash" if not hash_key else "mask"
        return SignatureAlgorithm(
            SignatureFacts(f"RSASSA-PSS with an unknown {of_what}", PSS, None, weak=False)
        )
    return replace(_with_hash(PSS, Scheme.PSS, hash_key, mask_key), salt=salt)


def _pss_fields(parameters: ber.Node | None) -> dict[int, ber.Node]:
    """Return the value of each field by its tag."""
    if parameters is None:
        return {}
    fields: dict[int, ber.Node] = {}
    for field in parameters.expect(der.SEQUENCE, "The parameters of the PSS signature").children():
        value = field.children() if field.constructed else []
        is_next = field.tag in _PSS_FIELDS and all(field.tag > tag for tag in fields)
        if not is_next or len(value) != 1:
            raise MalformedRequest(
                "The parameters of the PSS signature are none of RFC 4055.", remedy=_SIGN_AGAIN
            )
        fields[field.tag] = value[0]
    return fields


def _read_mask(node: ber.Node) -> str:
    """Return the hash of MGF1, or nothing for what is not MGF1 with a hash that we compute."""
    parts = node.expect(der.SEQUENCE, "The mask of the PSS signature").children()
    if len(parts) != 2:  # noqa: PLR2004 - which function, and its hash
        raise MalformedRequest("The mask of the PSS signature has no hash.", remedy=_SIGN_AGAIN)
    if ber.object_identifier(parts[0], "The mask of the PSS signature") != _MGF1:
        return ""
    found = read_hash(parts[1], "The hash of the PSS mask")
    return found[0] if found else ""


def _small_number(node: ber.Node, what: str) -> int:
    content = node.expect(der.INTEGER, what).content
    number = int.from_bytes(content, "big", signed=True)
    if number not in range(0x8000):
        raise MalformedRequest(f"{what} is out of range.", remedy=_SIGN_AGAIN)
    return number


def verify(
    public_key: PublicKeyTypes,
    algorithm: SignatureAlgorithm,
    signature: bytes,
    message: bytes,
    *,
    what: str = "The request",
) -> str | None:
    """Verify `signature` over `message`; return why that is impossible here, or None.

    Raises:
        SignatureInvalid: it was computed and is wrong, or key and algorithm cannot belong together.
    """
    facts = algorithm.facts
    scheme = algorithm.scheme
    if scheme is None:
        return f"{what} is signed with {facts.algorithm}, which this CA cannot verify."
    family = _family(public_key)
    if _SCHEME_OF_KEY.get(family) is not _KEY_SCHEME[scheme]:
        raise SignatureInvalid(
            f"{what} says it is signed with {facts.algorithm}, but its key is of another kind.",
            remedy=_SIGN_AGAIN,
        )
    try:
        _compute(public_key, algorithm, scheme, signature, message)
    except InvalidSignature:
        raise SignatureInvalid(
            f"The signature of {what[0].lower()}{what[1:]} ({facts.algorithm}) does not fit its "
            "content and public key.",
            remedy=_SIGN_AGAIN,
        ) from None
    except UnsupportedAlgorithm:
        return f"{what} is signed with {facts.algorithm}, which this CA cannot verify."
    except ValueError:
        # A hash longer than a very short key, or a damaged encoding: nothing is proven.
        raise SignatureInvalid(
            f"The signature of {what[0].lower()}{what[1:]} ({facts.algorithm}) is damaged or does "
            "not fit the size of the key.",
            remedy=_SIGN_AGAIN,
        ) from None
    return None


_FAMILIES: Final = (
    rsa.RSAPublicKey,
    ec.EllipticCurvePublicKey,
    dsa.DSAPublicKey,
    ed25519.Ed25519PublicKey,
    ed448.Ed448PublicKey,
    mldsa.MLDSA44PublicKey,
    mldsa.MLDSA65PublicKey,
    mldsa.MLDSA87PublicKey,
)
_SCHEME_OF_KEY: Final[dict[type | None, Scheme]] = {
    rsa.RSAPublicKey: Scheme.RSA,
    ec.EllipticCurvePublicKey: Scheme.ECDSA,
    dsa.DSAPublicKey: Scheme.DSA,
    ed25519.Ed25519PublicKey: Scheme.ED25519,
    ed448.Ed448PublicKey: Scheme.ED448,
    mldsa.MLDSA44PublicKey: Scheme.ML_DSA_44,
    mldsa.MLDSA65PublicKey: Scheme.ML_DSA_65,
    mldsa.MLDSA87PublicKey: Scheme.ML_DSA_87,
}
_KEY_SCHEME: Final = {scheme: scheme for scheme in Scheme} | {Scheme.PSS: Scheme.RSA}


def _family(public_key: object) -> type | None:
    return next((family for family in _FAMILIES if isinstance(public_key, family)), None)


def _compute(
    key: PublicKeyTypes,
    algorithm: SignatureAlgorithm,
    scheme: Scheme,
    signature: bytes,
    message: bytes,
) -> None:
    digest = algorithm.hash
    if isinstance(key, rsa.RSAPublicKey) and digest is not None:
        # Some old programs drop leading zero octets of the signature.
        whole = signature.rjust((key.key_size + 7) // 8, b"\x00")
        if scheme is Scheme.PSS:
            mask = padding.MGF1(algorithm.mask_hash or digest)
            # As said, not as found: what others do not accept is no proof here either.
            key.verify(whole, message, padding.PSS(mask, algorithm.salt), digest)
        else:
            key.verify(whole, message, _PKCS1, digest)
    elif isinstance(key, ec.EllipticCurvePublicKey) and digest is not None:
        key.verify(signature, message, ec.ECDSA(digest))
    elif isinstance(key, dsa.DSAPublicKey) and digest is not None:
        key.verify(signature, message, digest)
    elif isinstance(
        key,
        ed25519.Ed25519PublicKey
        | ed448.Ed448PublicKey
        | mldsa.MLDSA44PublicKey
        | mldsa.MLDSA65PublicKey
        | mldsa.MLDSA87PublicKey,
    ):
        key.verify(signature, message)
    else:
        raise InvalidSignature


_PKCS1: Final = padding.PKCS1v15()
