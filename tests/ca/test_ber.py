"""BER is read within bounds and rewritten as the DER that says the same."""

from __future__ import annotations

import pytest
from cryptography import x509

from enrollment.ca import ber, der
from enrollment.ca.errors import MalformedRequest, RequestTooLarge, TruncatedRequest
from enrollment.ca.request import parse_certification_request
from tests import make, messages


def indefinite(tag: int, *parts: bytes) -> bytes:
    return bytes((tag, 0x80)) + b"".join(parts) + b"\x00\x00"


def test_a_value_knows_where_it_stands() -> None:
    node = ber.read(b"junk" + der.sequence(der.integer(5)), 4)

    assert (node.tag, node.octets, node.content) == (0x30, b"\x30\x03\x02\x01\x05", b"\x02\x01\x05")
    assert [child.content for child in node.children()] == [b"\x05"]
    assert node.constructed


def test_a_long_identifier_is_one_number() -> None:
    node = ber.read(b"\x7f\x81\x01\x02\x05\x00")

    assert (node.tag, node.content) == (0x7F8101, b"\x05\x00")


def test_an_indefinite_length_ends_at_its_mark() -> None:
    inner = indefinite(0x30, der.null())
    node = ber.read(indefinite(0x30, inner, der.integer(1)) + b"rest")

    assert node.end == len(node.data) - 4
    assert node.indefinite
    assert [child.octets for child in node.children()] == [inner, der.integer(1)]


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\x30",
        b"\x30\x05\x02\x01",
        b"\x30\x84\xff\xff\xff\xff",
        b"\x30\x82\x01",
        b"\x30\x80",
        b"\x30\x80\x05\x00",
        b"\x30\x80\x00",
        b"\x1f",
        b"\x1f\x81",
        b"\x1f\x81\x81\x81\x81\x81",
    ],
)
def test_a_value_longer_than_what_is_there_is_cut_off(octets: bytes) -> None:
    with pytest.raises(TruncatedRequest):
        ber.read(octets)


def test_a_primitive_value_must_say_its_length() -> None:
    with pytest.raises(MalformedRequest, match="no length"):
        ber.read(b"\x04\x80\x00\x00")


def test_nesting_beyond_the_bound_is_refused_without_recursion_errors() -> None:
    with pytest.raises(RequestTooLarge):
        ber.read(b"\x30\x80" * 30_000)

    deep = der.null()
    for _ in range(5_000):
        deep = der.sequence(deep)
    with pytest.raises(RequestTooLarge):
        ber.canonical(deep)


def test_more_values_than_the_bound_are_refused() -> None:
    with pytest.raises(RequestTooLarge):
        ber.canonical(der.sequence(der.null() * 25_000))


def test_an_unexpected_value_is_named_in_the_words_of_asn1() -> None:
    with pytest.raises(MalformedRequest, match="The list should be SEQUENCE but is OCTET STRING"):
        ber.read(b"\x04\x00").expect(0x30, "The list")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("2a864886f70d010101", "1.2.840.113549.1.1.1"),
        ("883703", "2.999.3"),
        ("00", "0.0"),
        ("27", "0.39"),
        ("28", "1.0"),
        ("50", "2.0"),
    ],
)
def test_an_object_identifier_is_read(content: str, expected: str) -> None:
    assert ber.dotted(bytes.fromhex(content)) == expected


@pytest.mark.parametrize("content", [b"", b"\x2a\x86", b"\x2a" * 200])
def test_a_damaged_object_identifier_is_malformed(content: bytes) -> None:
    with pytest.raises(MalformedRequest):
        ber.dotted(content)


CASES = {
    "length in long form": (b"\x30\x81\x02\x05\x00", b"\x30\x02\x05\x00"),
    "length with leading zeros": (b"\x04\x83\x00\x00\x01a", b"\x04\x01a"),
    "indefinite length": (indefinite(0x30, der.null()), b"\x30\x02\x05\x00"),
    "OCTET STRING in segments": (indefinite(0x24, b"\x04\x01a", b"\x04\x01b"), b"\x04\x02ab"),
    "segments in segments": (
        indefinite(0x24, indefinite(0x24, b"\x04\x01a"), b"\x04\x01b"),
        b"\x04\x02ab",
    ),
    "UTF8String in segments": (b"\x2c\x06\x0c\x01a\x0c\x01b", b"\x0c\x02ab"),
    "BIT STRING in segments": (
        b"\x23\x08\x03\x02\x00\xaa\x03\x02\x04\xf0",
        b"\x03\x03\x04\xaa\xf0",
    ),
    "BIT STRING without segments": (b"\x23\x00", b"\x03\x01\x00"),
    "TRUE that is not 255": (b"\x01\x01\x01", b"\x01\x01\xff"),
    "INTEGER with leading octets": (b"\x02\x03\x00\x00\x05", b"\x02\x01\x05"),
    "negative INTEGER with leading octets": (b"\x02\x03\xff\xff\xfe", b"\x02\x01\xfe"),
    "INTEGER that needs its zero": (b"\x02\x02\x00\x80", b"\x02\x02\x00\x80"),
    "unsorted SET": (b"\x31\x06\x02\x01\x05\x02\x01\x01", b"\x31\x06\x02\x01\x01\x02\x01\x05"),
    "context tag keeps its order": (
        b"\xa0\x06\x02\x01\x05\x02\x01\x01",
        b"\xa0\x06\x02\x01\x05\x02\x01\x01",
    ),
}


@pytest.mark.parametrize("what", CASES)
def test_ber_becomes_der(what: str) -> None:
    octets, expected = CASES[what]

    assert ber.canonical(octets) == expected


def test_der_stays_as_it_is() -> None:
    octets = make.request_der(dns=["a.example.com"])

    assert ber.canonical(octets) == octets


def as_indefinite(octets: bytes) -> bytes:
    """Write every constructed value of `octets` with indefinite length."""
    node = ber.read(octets)
    if not node.constructed:
        return octets
    return indefinite(node.tag, *(as_indefinite(child.octets) for child in node.children()))


def test_a_request_with_indefinite_lengths_is_verified_over_its_own_octets() -> None:
    """What was signed is the BER itself, so that is what must be verified."""
    subject = messages.common_name("www.example.com")
    attribute = messages.extension_request(messages.dns_names("www.example.com"))
    info = as_indefinite(
        der.sequence(der.integer(0), subject, messages.spki(make.key()), der.explicit(0, attribute))
    )
    octets = indefinite(
        0x30,
        info,
        messages.signature_algorithm(make.key()),
        der.bit_string(messages.sign(make.key(), info)),
    )

    request = parse_certification_request(octets)

    assert request.subject_der == subject
    assert request.subject_alternative_name == (x509.DNSName("www.example.com"),)
    assert "the encoding is BER with indefinite lengths" in request.remarks
