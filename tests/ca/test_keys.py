"""Keys are described without arithmetic, and those that can be broken are told by their reason."""

from __future__ import annotations

import contextlib
import hashlib
import math
from typing import TYPE_CHECKING

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from enrollment.ca import der
from enrollment.ca.errors import EnrollmentError, KeyTooLarge, MalformedRequest
from enrollment.ca.keys import KeyKind, describe_public_key
from enrollment.ca.weakkeys import fingerprint, has_roca_fingerprint, rsa_weakness, weakness
from tests import make, messages, tools

if TYPE_CHECKING:
    from collections.abc import Sequence


def numbers(bits: int = 2048) -> rsa.RSAPrivateNumbers:
    private_key = make.key(f"rsa:{bits}")
    assert isinstance(private_key, rsa.RSAPrivateKey)
    return private_key.private_numbers()


MODULUS = numbers().public_numbers.n


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("rsa:2048", (KeyKind.RSA, 2048, "RSA 2048")),
        ("rsa:3072", (KeyKind.RSA, 3072, "RSA 3072")),
        ("ec:p256", (KeyKind.EC_P256, 256, "EC P-256")),
        ("ec:p384", (KeyKind.EC_P384, 384, "EC P-384")),
        ("ec:p521", (KeyKind.EC_P521, 521, "EC P-521")),
        ("ed25519", (KeyKind.ED25519, 256, "Ed25519")),
        ("ed448", (KeyKind.ED448, 456, "Ed448")),
    ],
)
def test_a_key_is_described_by_kind_size_and_name(
    kind: str, expected: tuple[KeyKind, int, str]
) -> None:
    facts = describe_public_key(messages.spki(make.key(kind)))

    assert (facts.kind, facts.bits, facts.name) == expected


@pytest.mark.parametrize(
    ("curve", "name"),
    [
        (ec.BrainpoolP256R1(), "EC brainpoolP256r1"),
        (ec.BrainpoolP512R1(), "EC brainpoolP512r1"),
        (ec.SECP256K1(), "EC secp256k1"),
        (ec.SECP224R1(), "EC P-224"),
    ],
)
def test_another_curve_is_named_and_of_no_kind_a_template_takes(
    curve: ec.EllipticCurve, name: str
) -> None:
    facts = describe_public_key(messages.spki(ec.generate_private_key(curve)))

    assert (facts.kind, facts.bits, facts.name) == (KeyKind.OTHER, curve.key_size, name)


def test_a_dsa_key_is_described_by_its_prime() -> None:
    public = dsa.DSAPublicNumbers(5, dsa.DSAParameterNumbers((1 << 2047) + 1, (1 << 255) + 1, 2))
    inner = der.sequence(
        der.integer(public.parameter_numbers.p),
        der.integer(public.parameter_numbers.q),
        der.integer(2),
    )
    spki = der.sequence(
        der.sequence(der.oid("1.2.840.10040.4.1"), inner), der.bit_string(der.integer(5))
    )

    assert describe_public_key(spki).name == "DSA 2048"


def test_explicit_curve_parameters_are_told_from_a_named_curve() -> None:
    algorithm = der.sequence(der.oid("1.2.840.10045.2.1"), der.sequence(der.integer(1)))

    facts = describe_public_key(der.sequence(algorithm, der.bit_string(b"\x04" + bytes(64))))

    assert (facts.kind, facts.bits) == (KeyKind.OTHER, 256)
    assert "explicit parameters" in facts.name


def rsa_spki(modulus: int, exponent: int = 65_537) -> bytes:
    inner = der.sequence(der.integer(modulus), der.integer(exponent))
    return der.sequence(messages.RSA_KEY, der.bit_string(inner))


def test_a_modulus_of_16384_bits_is_described_and_one_more_is_refused() -> None:
    assert describe_public_key(rsa_spki((1 << 16_383) + 1)).bits == 16_384
    with pytest.raises(KeyTooLarge, match="16,385 bits"):
        describe_public_key(rsa_spki((1 << 16_384) + 1))


@pytest.mark.parametrize(
    "spki",
    [
        b"",
        der.null(),
        der.sequence(),
        der.sequence(der.sequence(), der.bit_string(b"")),
        der.sequence(der.null(), der.bit_string(b"")),
        der.sequence(messages.RSA_KEY, der.octet_string(b"")),
        der.sequence(messages.RSA_KEY, der.bit_string(b"")),
        der.sequence(messages.RSA_KEY, der.bit_string(der.sequence(der.integer(1)))),
        der.sequence(messages.RSA_KEY, der.tlv(3)),
    ],
)
def test_what_is_no_key_is_malformed(spki: bytes) -> None:
    with pytest.raises(MalformedRequest):
        describe_public_key(spki)


def test_a_new_key_has_no_weakness() -> None:
    assert weakness(make.key().public_key()) is None
    assert weakness(make.key("ec:p256").public_key()) is None
    assert weakness(make.key("ed25519").public_key()) is None


@pytest.mark.parametrize(
    ("modulus", "exponent", "told"),
    [
        pytest.param(MODULUS + 1, 65_537, "modulus is even", id="even modulus"),
        pytest.param(MODULUS, 1, "exponent is 1", id="exponent 1"),
        pytest.param(MODULUS, 65_536, "exponent is even", id="even exponent"),
        pytest.param(MODULUS, (1 << 256) + 1, "more than 256 bits", id="huge exponent"),
        pytest.param(MODULUS * 1999, 65_537, "divisible by a prime", id="small prime"),
        pytest.param(MODULUS**2, 65_537, "close together", id="a square"),
    ],
)
def test_a_breakable_rsa_key_is_told_by_its_reason(modulus: int, exponent: int, told: str) -> None:
    reason = rsa_weakness(modulus, exponent)

    assert reason is not None
    assert told in reason


@pytest.mark.parametrize("exponent", [3, 17, 65_537, (1 << 255) + 1])
def test_a_usual_exponent_is_no_weakness(exponent: int) -> None:
    assert rsa_weakness(MODULUS, exponent) is None


@pytest.mark.parametrize("distance", [2, 1_000, 1 << 200])
def test_primes_that_lie_close_together_are_found(distance: int) -> None:
    prime = numbers().p | 1
    modulus = prime * (prime + distance)
    while math.gcd(modulus, math.prod(range(3, 2000, 2))) != 1:
        prime += 2
        modulus = prime * (prime + distance)

    assert "close together" in (rsa_weakness(modulus, 65_537) or "")


def test_primes_that_lie_apart_are_not_suspected() -> None:
    assert rsa_weakness(numbers().p * numbers().q, 65_537) is None


def roca_factor(multiple: int, power: int, product: int) -> int:
    """A number of the shape that Infineon's library took for its primes."""
    return multiple * product + pow(65_537, power, product)


def test_the_fingerprint_of_infineons_library_is_recognised() -> None:
    primes = [n for n in range(2, 168) if all(n % d for d in range(2, math.isqrt(n) + 1))]
    product = math.prod(primes)
    modulus = roca_factor(2**36 + 1, 1234, product) * roca_factor(2**36 + 7, 98765, product)

    assert has_roca_fingerprint(modulus)
    assert "ROCA" in (rsa_weakness(modulus, 65_537) or "")


def test_the_fingerprint_of_infineons_library_is_not_seen_in_other_keys() -> None:
    candidates = [MODULUS, numbers(3072).public_numbers.n, numbers().p, numbers().q]

    assert not any(has_roca_fingerprint(candidate) for candidate in candidates)


def test_a_key_on_debians_list_is_recognised_by_its_fingerprint() -> None:
    public_key = make.key("rsa:2048").public_key()
    listed = frozenset({fingerprint(MODULUS)})

    assert "Debian" in (weakness(public_key, known_weak=listed) or "")
    assert weakness(public_key, known_weak=frozenset({"0" * 20})) is None


def test_the_fingerprint_is_the_one_that_debian_prints() -> None:
    """The last half of SHA-1 over the line of `openssl rsa -noout -modulus`, newline and all."""
    pem = make.key("rsa:2048").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    printed = tools.run("openssl", "rsa", "-noout", "-modulus", stdin=pem).stdout

    assert fingerprint(MODULUS) == hashlib.sha1(printed).hexdigest()[20:]  # noqa: S324 - their choice


# Each writing that libraries take: with either sign, and with a coordinate that is not reduced.
SMALL_25519 = [
    *(first + bytes(30) + last for first in (b"\x00", b"\x01") for last in (b"\x00", b"\x80")),
    *(
        first + b"\xff" * 30 + last
        for first in (b"\xec", b"\xed", b"\xee")
        for last in (b"\x7f", b"\xff")
    ),
]


@pytest.mark.parametrize("octets", SMALL_25519, ids=bytes.hex)
def test_an_ed25519_point_of_small_order_is_refused(octets: bytes) -> None:
    key = ed25519.Ed25519PublicKey.from_public_bytes(octets)

    assert forges(key, [bytes([1]) + bytes(31), bytes(32), b"\xec" + b"\xff" * 30 + b"\x7f"])
    assert "small order" in (weakness(key) or "")


@pytest.mark.parametrize("sign", [b"\x00", b"\x80"])
def test_an_ed448_point_of_small_order_is_refused(sign: bytes) -> None:
    key = ed448.Ed448PublicKey.from_public_bytes(bytes(56) + sign)

    assert forges(key, [bytes(57), bytes([1]) + bytes(56)])
    assert "small order" in (weakness(key) or "")


def forges(key: ed25519.Ed25519PublicKey | ed448.Ed448PublicKey, points: Sequence[bytes]) -> bool:
    """Whether somebody without any private key signs one of a few messages."""
    for message in range(32):
        for point in points:
            with contextlib.suppress(InvalidSignature):
                key.verify(point + bytes(len(point)), bytes([message]))
                return True
    return False


@pytest.mark.parametrize("kind", ["ed25519", "ed448"])
def test_an_edwards_key_that_somebody_made_is_not_weak(kind: str) -> None:
    assert weakness(make.key(kind).public_key()) is None


@pytest.mark.parametrize("form", ["compressed", "uncompressed"])
def test_a_point_is_taken_in_the_forms_that_others_read(form: str) -> None:
    assert refusal_of(spki_of_point(form)) is None


def test_a_point_in_the_hybrid_form_is_refused() -> None:
    refused = refusal_of(spki_of_point("hybrid"))

    assert isinstance(refused, MalformedRequest)
    assert "hybrid" in refused.detail


def spki_of_point(form: str) -> bytes:
    key = make.key("ec:p256").public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    whole = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    point = {
        "compressed": key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint),
        "uncompressed": whole,
        "hybrid": bytes([6 | whole[-1] & 1]) + whole[1:],
    }[form]
    curve = der.sequence(der.oid("1.2.840.10045.2.1"), der.oid("1.2.840.10045.3.1.7"))
    return der.sequence(curve, der.bit_string(point))


def refusal_of(spki: bytes) -> EnrollmentError | None:
    """Describe a key and return our own refusal; any other exception fails the test."""
    try:
        describe_public_key(spki)
    except EnrollmentError as error:
        return error
    return None


def test_describing_never_fails_with_anything_but_our_own_words() -> None:
    spki = messages.spki(make.key("ec:p384"))
    spoiled = [
        spki[:position] + bytes([value]) + spki[position + 1 :]
        for position in range(len(spki))
        for value in (0x00, 0x80, 0xFF)
    ]

    refusals = [refusal for each in spoiled if (refusal := refusal_of(each)) is not None]

    assert refusals
    assert all(refusal.remedy for refusal in refusals)
