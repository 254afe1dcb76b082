"""Which signatures prove that the sender holds the key, and which are only named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed448, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from enrollment.ca import ber, der
from enrollment.ca.errors import MalformedRequest, SignatureInvalid
from enrollment.ca.keys import KeyKind
from enrollment.ca.request import parse_certification_request
from tests import make, messages

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

SUBJECT = messages.common_name("www.example.com")
PSS = "1.2.840.113549.1.1.10"


@pytest.mark.parametrize(
    ("kind", "expected", "algorithm"),
    [
        ("rsa:2048", KeyKind.RSA, "RSA with SHA-256"),
        ("ec:p256", KeyKind.EC_P256, "ECDSA with SHA-256"),
        ("ec:p384", KeyKind.EC_P384, "ECDSA with SHA-256"),
        ("ec:p521", KeyKind.EC_P521, "ECDSA with SHA-256"),
        ("ed25519", KeyKind.ED25519, "Ed25519"),
        ("ed448", KeyKind.ED448, "Ed448"),
    ],
)
def test_each_usual_kind_of_key_is_proven(kind: str, expected: KeyKind, algorithm: str) -> None:
    request = make.request(kind=kind)

    assert request.key.kind is expected
    assert (request.signature.algorithm, request.unverifiable) == (algorithm, None)


def hashless(private_key: PrivateKeyTypes, oid: str) -> bytes:
    info = der.sequence(der.integer(0), SUBJECT, messages.spki(private_key), der.explicit(0, b""))
    assert isinstance(
        private_key,
        ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey | mldsa.MLDSA65PrivateKey,
    )
    return der.sequence(info, der.sequence(der.oid(oid)), der.bit_string(private_key.sign(info)))


def test_an_ml_dsa_request_is_proven() -> None:
    octets = hashless(mldsa.MLDSA65PrivateKey.generate(), "2.16.840.1.101.3.4.3.18")

    request = parse_certification_request(octets)

    assert (request.key.kind, request.unverifiable) == (KeyKind.ML_DSA_65, None)


@pytest.mark.parametrize(("digest", "name"), [("sha1", "RSA with SHA-1"), ("md5", "RSA with MD5")])
def test_a_signature_by_a_broken_hash_is_verified_and_marked(digest: str, name: str) -> None:
    request = parse_certification_request(messages.pkcs10(make.key(), SUBJECT, digest=digest))

    assert (request.signature.algorithm, request.signature.weak) == (name, True)


@pytest.mark.parametrize("digest", ["sha256", "sha1", "md5"])
def test_a_request_changed_after_signing_is_refused_whatever_its_hash(digest: str) -> None:
    octets = messages.pkcs10(make.key(), SUBJECT, digest=digest)
    changed = octets.replace(b"www.example.com", b"www.example.org")

    with pytest.raises(SignatureInvalid, match="does not fit"):
        parse_certification_request(changed)


def test_a_request_signed_by_another_key_is_refused() -> None:
    octets = messages.pkcs10(make.key(), SUBJECT, public_key=messages.spki(make.key(number=1)))

    with pytest.raises(SignatureInvalid, match="does not fit"):
        parse_certification_request(octets)


def test_an_algorithm_that_cannot_belong_to_the_key_is_refused() -> None:
    algorithm = messages.signature_algorithm(make.key("ec:p256"))

    with pytest.raises(SignatureInvalid, match="another kind"):
        parse_certification_request(messages.pkcs10(make.key(), SUBJECT, algorithm=algorithm))


def test_a_hash_instead_of_a_signature_proves_nothing() -> None:
    with pytest.raises(SignatureInvalid, match="hash instead of a signature"):
        parse_certification_request(messages.null_signed_pkcs10(make.key(), SUBJECT))


UNKNOWN = {
    "MD4": ("1.2.840.113549.1.1.3", "MD4 with RSA"),
    "SLH-DSA": ("2.16.840.1.101.3.4.3.20", "SLH-DSA-SHA2-128s"),
    "a composite": ("1.3.6.1.5.5.7.6.45", "composite of two algorithms"),
    "something new": ("1.3.6.1.4.1.99999.1", "1.3.6.1.4.1.99999.1"),
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_a_signature_that_cannot_be_computed_is_named_not_guessed(what: str) -> None:
    oid, named = UNKNOWN[what]
    algorithm = der.sequence(der.oid(oid))

    request = parse_certification_request(messages.pkcs10(make.key(), SUBJECT, algorithm=algorithm))

    assert request.unverifiable is not None
    assert named in request.unverifiable


def pss_algorithm(salt: int, mask: str = "1.2.840.113549.1.1.8") -> bytes:
    sha384 = der.sequence(der.oid("2.16.840.1.101.3.4.2.2"), der.null())
    fields = (sha384, der.sequence(der.oid(mask), sha384), der.integer(salt))
    numbered = (der.explicit(number, field) for number, field in enumerate(fields))
    return der.sequence(der.oid(PSS), der.sequence(*numbered))


def pss_signed(salt: object, algorithm: bytes = b"") -> bytes:
    """Return a request signed with this salt, which says that it is signed as in `algorithm`."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "pss")])
    key = make.key()
    assert isinstance(key, rsa.RSAPrivateKey)
    pss = padding.PSS(padding.MGF1(hashes.SHA384()), salt)  # type: ignore[arg-type]  # a length
    built = x509.CertificateSigningRequestBuilder().subject_name(name)
    octets = built.sign(key, hashes.SHA384(), rsa_padding=pss).public_bytes(Encoding.DER)
    info, said, signature = ber.read(octets).children()
    return der.sequence(info.octets, algorithm or said.octets, signature.octets)


@pytest.mark.parametrize("salt", [padding.PSS.MAX_LENGTH, 32, 20, 0])
def test_a_pss_signature_is_verified_with_its_own_parameters(salt: object) -> None:
    request = parse_certification_request(pss_signed(salt))

    assert request.signature.algorithm == "RSASSA-PSS with SHA-384"


def test_a_pss_signature_with_a_salt_of_another_length_than_it_says_is_refused() -> None:
    """It was taken once; OpenSSL, for one, calls such a request unsigned."""
    assert parse_certification_request(pss_signed(32, pss_algorithm(32))).unverifiable is None

    for said in (0, 31, 33, 206, 0x7FFF):
        with pytest.raises(SignatureInvalid, match="fit"):
            parse_certification_request(pss_signed(32, pss_algorithm(said)))


def test_a_pss_signature_with_another_mask_is_not_judged_as_if_it_were_mgf1() -> None:
    request = parse_certification_request(pss_signed(32, pss_algorithm(32, mask="1.2.3.4")))

    assert "unknown mask" in (request.unverifiable or "")


SHA256 = der.explicit(0, der.sequence(der.oid("2.16.840.1.101.3.4.2.1")))
SHA1_MASK = der.explicit(1, der.sequence(der.oid("1.2.840.113549.1.1.8"), der.sequence()))


@pytest.mark.parametrize(
    "parameters",
    [
        der.sequence(der.explicit(1, der.sequence())),
        der.sequence(der.explicit(1, der.null())),
        der.sequence(der.explicit(0, der.sequence())),
        der.sequence(SHA1_MASK),
        der.null(),
        der.sequence(der.null()),
        der.sequence(der.explicit(2, der.null())),
        der.sequence(der.explicit(2, der.integer(32)), der.explicit(2, der.integer(32))),
        der.sequence(der.explicit(2, der.integer(32)), SHA256),
        der.sequence(der.explicit(2, der.integer(32) + der.integer(32))),
        der.sequence(der.explicit(2, der.integer(-1))),
        der.sequence(der.explicit(2, der.integer(2**64))),
        der.sequence(der.explicit(3, der.integer(2))),
        der.sequence(der.explicit(4, der.integer(1))),
    ],
)
def test_pss_parameters_that_are_none_are_malformed(parameters: bytes) -> None:
    algorithm = der.sequence(der.oid(PSS), parameters)

    with pytest.raises(MalformedRequest):
        parse_certification_request(messages.pkcs10(make.key(), SUBJECT, algorithm=algorithm))


def test_a_pss_signature_with_an_unknown_hash_is_named() -> None:
    strange = der.explicit(0, der.sequence(der.oid("1.2.3.4")))
    algorithm = der.sequence(der.oid(PSS), der.sequence(strange))

    request = parse_certification_request(messages.pkcs10(make.key(), SUBJECT, algorithm=algorithm))

    assert "unknown hash" in (request.unverifiable or "")


@pytest.mark.parametrize("algorithm", [der.sequence(), der.null(), der.sequence(der.null())])
def test_an_algorithm_that_is_none_is_malformed(algorithm: bytes) -> None:
    with pytest.raises(MalformedRequest):
        parse_certification_request(messages.pkcs10(make.key(), SUBJECT, algorithm=algorithm))


def pss_parameters(oid: str, salt: int) -> bytes:
    hashed = der.sequence(der.oid(oid), der.null())
    mask = der.sequence(der.oid("1.2.840.113549.1.1.8"), hashed)
    return der.sequence(
        der.explicit(0, hashed), der.explicit(1, mask), der.explicit(2, der.integer(salt))
    )


OF_SHA256 = "2.16.840.1.101.3.4.2.1"
OF_KEY = {
    "any": b"",
    "SHA-256, 32": pss_parameters(OF_SHA256, 32),
    "SHA-256, 64": pss_parameters(OF_SHA256, 64),
    "SHA-512, 32": pss_parameters("2.16.840.1.101.3.4.2.3", 32),
}


def by_pss_key(limits: str, algorithm: bytes, scheme: padding.AsymmetricPadding) -> bytes:
    """Return a request by a key that is for RSASSA-PSS only, signed with SHA-256 as told."""
    key = make.key()
    assert isinstance(key, rsa.RSAPrivateKey)
    bits = key.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    spki = der.sequence(der.sequence(der.oid(PSS), OF_KEY[limits]), der.bit_string(bits))
    info = der.sequence(der.integer(0), SUBJECT, spki, der.explicit(0, b""))
    signature = key.sign(info, scheme, hashes.SHA256())
    return der.sequence(info, algorithm, der.bit_string(signature))


@pytest.mark.parametrize("limits", OF_KEY)
def test_a_key_for_pss_makes_no_other_signature(limits: str) -> None:
    """OpenSSL: "wrong public key type"."""
    octets = by_pss_key(limits, messages.signature_algorithm(make.key()), padding.PKCS1v15())

    with pytest.raises(SignatureInvalid, match="for RSASSA-PSS only"):
        parse_certification_request(octets)


@pytest.mark.parametrize("limits", OF_KEY)
def test_a_key_for_pss_keeps_to_its_own_parameters(limits: str) -> None:
    """The same hash and mask, and a salt of at least so many octets (RFC 4055 section 3.3)."""
    algorithm = der.sequence(der.oid(PSS), pss_parameters(OF_SHA256, 32))
    octets = by_pss_key(limits, algorithm, padding.PSS(padding.MGF1(hashes.SHA256()), 32))

    if limits in {"any", "SHA-256, 32"}:
        assert parse_certification_request(octets).unverifiable is None
        return
    with pytest.raises(SignatureInvalid, match="other parameters"):
        parse_certification_request(octets)


def test_an_ml_dsa_signature_is_of_the_size_that_it_says() -> None:
    octets = hashless(mldsa.MLDSA65PrivateKey.generate(), "2.16.840.1.101.3.4.3.17")

    with pytest.raises(SignatureInvalid, match="another kind"):
        parse_certification_request(octets)


def test_a_signature_with_unused_bits_is_none() -> None:
    """OpenSSL: "invalid bit string bits left"; the last bits would count for nothing."""
    plain = messages.pkcs10(make.key(), SUBJECT)
    info, algorithm, signature = ber.read(plain).children()
    spoilt = der.bit_string(signature.content[1:-1] + bytes([signature.content[-1] & 0xFE]), 1)

    with pytest.raises(MalformedRequest, match="unused bits"):
        parse_certification_request(der.sequence(info.octets, algorithm.octets, spoilt))
