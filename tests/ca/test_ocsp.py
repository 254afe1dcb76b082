"""OCSP requests as they come, and as nobody should send them."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp as library

from enrollment.ca import der, ocsp

SHA1_ID = der.sequence(der.oid("1.3.14.3.2.26"), der.null())


def certificate_id(serial: int = 5) -> bytes:
    octets = der.octet_string(bytes(20))
    return der.sequence(SHA1_ID, octets, octets, der.integer(serial))


def request(*identities: bytes) -> bytes:
    return der.sequence(der.sequence(der.sequence(*map(der.sequence, identities))))


@pytest.mark.parametrize("algorithm", [hashes.SHA1(), hashes.SHA256()], ids=["SHA-1", "SHA-256"])  # noqa: S303 - clients ask by SHA-1; an identifier, no protection
@pytest.mark.parametrize("nonce", [b"n", b"n" * 32, b"n" * 128])
def test_a_request_is_read_with_its_nonce(algorithm: hashes.HashAlgorithm, nonce: bytes) -> None:
    size = algorithm.digest_size
    builder = library.OCSPRequestBuilder()
    builder = builder.add_certificate_by_hash(b"a" * size, b"b" * size, 77, algorithm)
    sent = builder.add_extension(x509.OCSPNonce(nonce), critical=False).build()

    read = ocsp.parse_request(sent.public_bytes(Encoding.DER))

    assert read.nonce == der.octet_string(nonce)
    assert [entry.serial_number for entry in read.certificates] == [77]
    assert ocsp.HASHES[read.certificates[0].hash_oid] == algorithm.name


def test_several_certificates_are_read_in_their_order() -> None:
    read = ocsp.parse_request(request(certificate_id(2), certificate_id(1)))

    assert [entry.serial_number for entry in read.certificates] == [2, 1]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x30\x00", id="an empty sequence"),
        pytest.param(b"\x30\x02\x30\x00", id="no list of certificates"),
        pytest.param(b"\x30\x80" * 4000, id="deep nesting"),
        pytest.param(b"\x30\x84\xff\xff\xff\xff", id="a length of four gigabytes"),
        pytest.param(request(), id="an empty list"),
        pytest.param(request(*[certificate_id()] * 33), id="one certificate too many"),
        pytest.param(request(certificate_id(2**600)), id="a serial number of 600 bits"),
        pytest.param(request(der.sequence()), id="an empty identity"),
        pytest.param(bytes(9000), id="too long"),
    ],
)
def test_what_is_no_request_is_malformed_and_nothing_else(data: bytes) -> None:
    with pytest.raises(ocsp.RequestMalformed):
        ocsp.parse_request(data)


def test_every_truncation_is_malformed() -> None:
    whole = request(certificate_id())

    for end in range(len(whole)):
        with pytest.raises(ocsp.RequestMalformed):
            ocsp.parse_request(whole[:end])
