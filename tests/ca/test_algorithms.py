"""One signature for each kind of CA key, and no choice beside it."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa

from enrollment.ca import algorithms
from enrollment.ca.algorithms import UnsupportedSigningKey


@pytest.mark.parametrize("algorithm", algorithms.ALL, ids=lambda one: one.name)
def test_each_algorithm_verifies_its_own_signatures_and_no_others(
    algorithm: algorithms.SignatureAlgorithm,
) -> None:
    key = algorithm.throw_away_key()
    signature = algorithm.sign(key, b"content")

    algorithm.verify(key.public_key(), signature, b"content")
    with pytest.raises(InvalidSignature):
        algorithm.verify(key.public_key(), signature, b"other content")


@pytest.mark.parametrize("algorithm", algorithms.ALL, ids=lambda one: one.name)
def test_each_algorithm_is_found_by_its_key_and_by_its_identifier(
    algorithm: algorithms.SignatureAlgorithm,
) -> None:
    key = algorithm.throw_away_key()

    assert algorithms.signature_algorithm(key.public_key()) is algorithm
    assert algorithms.by_identifier(algorithm.identifier) is algorithm


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (rsa.generate_private_key(65537, 1024), "RSA 1024"),  # noqa: S505 - what is refused
        (ec.generate_private_key(ec.SECP256K1()), "EC secp256k1"),
        (ed448.Ed448PrivateKey.generate(), "Ed448"),
    ],
    ids=["short RSA", "another curve", "Ed448"],
)
def test_no_ca_signs_with_another_key(key: ec.EllipticCurvePrivateKey, name: str) -> None:
    with pytest.raises(UnsupportedSigningKey, match=name):
        algorithms.signature_algorithm(key.public_key())


def test_an_unknown_identifier_is_told_by_its_octets() -> None:
    with pytest.raises(UnsupportedSigningKey, match="3000"):
        algorithms.by_identifier(b"\x30\x00")
