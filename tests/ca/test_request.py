"""A PKCS #10 is read, bounded and proven; what is tolerated is said."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from enrollment.ca import der
from enrollment.ca.errors import (
    KeyTooLarge,
    KeyWeak,
    MalformedRequest,
    NotARequest,
    RequestTooLarge,
    SubjectInvalid,
    TruncatedRequest,
)
from enrollment.ca.keys import KeyKind
from enrollment.ca.request import RequestForm, parse_certification_request
from tests import make, messages

if TYPE_CHECKING:
    from collections.abc import Callable


SUBJECT = messages.common_name("www.example.com")
KEY_USAGE = messages.extension("2.5.29.15", bytes.fromhex("030205a0"), critical=True)


def test_everything_later_stages_may_know_is_in_one_value() -> None:
    octets = make.request_der("www.example.com", dns=["www.example.com"])

    request = parse_certification_request(octets)

    assert (request.form, request.der, request.pkcs10_der) == (RequestForm.PKCS10, octets, octets)
    assert request.subject.rfc4514_string() == "CN=www.example.com"
    assert request.subject_alternative_name == (x509.DNSName("www.example.com"),)
    assert (request.key.kind, request.key.bits, request.key.name) == (KeyKind.RSA, 2048, "RSA 2048")
    assert (request.signature.algorithm, request.signature.weak) == ("RSA with SHA-256", False)
    assert (request.remarks, request.unverifiable, request.is_renewal) == ((), None, False)


def test_subject_and_key_are_cut_out_octet_for_octet() -> None:
    octets = messages.pkcs10(make.key(), SUBJECT)

    request = parse_certification_request(octets)

    assert request.subject_der == SUBJECT
    assert request.spki_der == messages.spki(make.key())


@pytest.mark.parametrize(
    "value", [b"\x0c\x04caf\xe9", b"\x1e\x03\x00a\x00", b"\x1c\x03\x00\x00\x00"]
)
def test_a_damaged_string_in_the_subject_never_becomes_an_error_of_ours(value: bytes) -> None:
    octets = messages.pkcs10(make.key(), messages.name(("2.5.4.3", value)))

    if value[:1] == b"\x0c":
        assert next(iter(parse_certification_request(octets).subject)).value == "caf\u00e9"
        return
    with pytest.raises(MalformedRequest, match="String in the subject"):
        parse_certification_request(octets)


@pytest.mark.parametrize(
    ("oid", "named"),
    [
        ("1.2.643.7.1.1.1.1", "GOST R 34.10-2012"),
        ("1.3.101.110", "X25519"),
        ("2.16.840.1.101.3.4.4.2", "ML-KEM-768"),
        ("1.3.6.1.4.1.99999.2", "1.3.6.1.4.1.99999.2"),
    ],
)
def test_a_key_of_an_unknown_kind_is_named_and_not_loaded(oid: str, named: str) -> None:
    key = der.sequence(der.sequence(der.oid(oid)), der.bit_string(bytes(32)))

    request = parse_certification_request(messages.pkcs10(make.key(), SUBJECT, public_key=key))

    assert (request.public_key, request.key.kind) == (None, KeyKind.OTHER)
    assert request.unverifiable is not None
    assert named in request.unverifiable


def rsa_spki(modulus: int, exponent: int = 65537) -> bytes:
    numbers = der.sequence(der.integer(modulus), der.integer(exponent))
    return der.sequence(messages.RSA_KEY, der.bit_string(numbers))


def test_an_rsa_key_above_16384_bits_is_refused_before_any_arithmetic() -> None:
    key = rsa_spki((1 << 400_000) + 1)

    with pytest.raises(KeyTooLarge, match="400,001 bits"):
        parse_certification_request(messages.pkcs10(make.key(), SUBJECT, public_key=key))


def test_a_huge_exponent_is_refused_before_any_arithmetic() -> None:
    key = rsa_spki(make.key().private_numbers().public_numbers.n, (1 << 2000) + 1)  # type: ignore[union-attr]  # RSA

    with pytest.raises(KeyTooLarge, match="exponent"):
        parse_certification_request(messages.pkcs10(make.key(), SUBJECT, public_key=key))


@pytest.mark.parametrize(
    ("exponent", "named"), [(1, "exponent is 1"), (2, "exponent is even"), (65536, "even")]
)
def test_an_rsa_key_that_no_library_loads_is_called_weak(exponent: int, named: str) -> None:
    key = rsa_spki(make.key().private_numbers().public_numbers.n, exponent)  # type: ignore[union-attr]  # RSA

    with pytest.raises(KeyWeak, match=named):
        parse_certification_request(messages.pkcs10(make.key(), SUBJECT, public_key=key))


def test_a_point_that_is_not_on_its_curve_is_refused() -> None:
    good = messages.spki(make.key("ec:p256"))

    with pytest.raises(MalformedRequest, match="damaged"):
        parse_certification_request(
            messages.pkcs10(make.key(), SUBJECT, public_key=good[:-1] + bytes([good[-1] ^ 1]))
        )


def test_extensions_are_read_from_the_attribute_of_microsoft_as_well() -> None:
    attribute = messages.extension_request(
        messages.dns_names("a.example.com"), KEY_USAGE, oid=messages.MICROSOFT_EXTENSIONS
    )

    request = parse_certification_request(messages.pkcs10(make.key(), SUBJECT, [attribute]))

    assert request.subject_alternative_name == (x509.DNSName("a.example.com"),)
    assert request.key_usage is not None
    assert request.key_usage.digital_signature


def test_extensions_of_both_attributes_are_merged() -> None:
    attributes = [
        messages.extension_request(messages.dns_names("a.example.com")),
        messages.extension_request(KEY_USAGE, oid=messages.MICROSOFT_EXTENSIONS),
    ]

    request = parse_certification_request(messages.pkcs10(make.key(), SUBJECT, attributes))

    assert {extension.name for extension in request.extensions} == {
        "subject alternative name",
        "key usage",
    }
    assert request.remarks == ("extensions are asked for in more than one place",)


def test_the_same_extension_twice_with_the_same_content_is_remarked_upon() -> None:
    names = messages.dns_names("a.example.com")
    attributes = [
        messages.extension_request(names),
        messages.extension_request(names, oid=messages.MICROSOFT_EXTENSIONS),
    ]

    request = parse_certification_request(messages.pkcs10(make.key(), SUBJECT, attributes))

    assert len(request.extensions) == 1
    assert "the extension subject alternative name is asked for twice" in request.remarks


@pytest.mark.parametrize("second", [messages.EXTENSION_REQUEST, messages.MICROSOFT_EXTENSIONS])
def test_the_same_extension_twice_with_different_content_is_refused(second: str) -> None:
    attributes = [
        messages.extension_request(messages.dns_names("a.example.com")),
        messages.extension_request(messages.dns_names("b.example.com"), oid=second),
    ]

    with pytest.raises(MalformedRequest, match="subject alternative name is asked for twice"):
        parse_certification_request(messages.pkcs10(make.key(), SUBJECT, attributes))


@pytest.mark.parametrize(
    ("oid", "name"), [("2.5.29.17", "subject alternative name"), ("2.5.29.15", "key usage")]
)
def test_an_unreadable_extension_that_decides_something_is_named(oid: str, name: str) -> None:
    attribute = messages.extension_request(messages.extension(oid, b"\x30\x03\x02\x01\x01"))

    with pytest.raises(MalformedRequest, match=f"extension {name} cannot be read"):
        parse_certification_request(messages.pkcs10(make.key(), SUBJECT, [attribute]))


def test_an_unreadable_extension_that_is_never_issued_is_only_remarked_upon() -> None:
    attribute = messages.extension_request(
        messages.extension("2.5.29.19", b"junk"), messages.dns_names("a.example.com")
    )

    request = parse_certification_request(messages.pkcs10(make.key(), SUBJECT, [attribute]))

    assert request.subject_alternative_name == (x509.DNSName("a.example.com"),)
    assert request.remarks == ("the extension basic constraints cannot be read and is ignored",)


def test_a_challenge_password_is_noticed_and_not_kept() -> None:
    attribute = messages.attribute("1.2.840.113549.1.9.7", der.utf8_string("hunter2"))

    request = parse_certification_request(messages.pkcs10(make.key(), SUBJECT, [attribute]))

    assert request.challenge_password is True
    assert "hunter2" not in repr(request.microsoft) + repr(request.extensions)


def test_an_attribute_without_values_is_no_reason_to_refuse() -> None:
    attributes = [messages.attribute("1.2.3.4"), messages.extension_request(KEY_USAGE)]

    request = parse_certification_request(messages.pkcs10(make.key(), SUBJECT, attributes))

    assert request.key_usage is not None


def test_an_extension_request_without_values_asks_for_nothing() -> None:
    attribute = messages.attribute(messages.EXTENSION_REQUEST)

    request = parse_certification_request(messages.pkcs10(make.key(), SUBJECT, [attribute]))

    assert request.extensions == ()


def test_unsorted_attributes_are_read_and_remarked_upon() -> None:
    attributes = [messages.os_version(), messages.attribute("1.2.3", der.null())]

    request = parse_certification_request(
        messages.pkcs10(make.key(), SUBJECT, attributes, is_sorted=attributes == sorted(attributes))
    )

    assert request.microsoft.os_version == "10.0.20348.2"
    assert any("not sorted" in remark for remark in request.remarks)


def test_a_wrong_version_is_read_and_remarked_upon() -> None:
    request = parse_certification_request(messages.pkcs10(make.key(), SUBJECT, version=2))

    assert request.remarks == ("the version is 3 instead of 1",)


def many_rdns(count: int) -> bytes:
    return messages.name(*[("2.5.4.11", der.utf8_string("x"))] * count)


BOUNDS: dict[str, Callable[[], bytes]] = {
    "10,000 relative names": lambda: messages.pkcs10(make.key(), many_rdns(10_000)),
    "a name of 5,000 characters": lambda: messages.pkcs10(
        make.key(), messages.common_name("x" * 5000)
    ),
    "501 alternative names": lambda: messages.pkcs10(
        make.key(), SUBJECT, [messages.extension_request(messages.dns_names(*["a.example"] * 501))]
    ),
    "an alternative name of 5,000 characters": lambda: messages.pkcs10(
        make.key(), SUBJECT, [messages.extension_request(messages.dns_names("x" * 5000))]
    ),
    "65 extensions": lambda: messages.pkcs10(
        make.key(),
        SUBJECT,
        [messages.extension_request(*[messages.extension(f"1.2.{n}", b"") for n in range(65)])],
    ),
    "65 attributes": lambda: messages.pkcs10(
        make.key(), SUBJECT, [messages.attribute(f"1.2.{n}") for n in range(65)]
    ),
    "257 values": lambda: messages.pkcs10(
        make.key(), SUBJECT, [messages.attribute("1.2.3", *[der.null()] * 257)]
    ),
}


@pytest.mark.parametrize("what", BOUNDS)
def test_more_than_anybody_needs_is_refused(what: str) -> None:
    with pytest.raises((SubjectInvalid, RequestTooLarge)):
        parse_certification_request(BOUNDS[what]())


def test_just_within_the_bounds_is_read() -> None:
    names = [f"host{number}.example.com" for number in range(500)]
    attribute = messages.extension_request(messages.dns_names(*names))

    request = parse_certification_request(messages.pkcs10(make.key(), many_rdns(64), [attribute]))

    assert (len(request.subject.rdns), len(request.subject_alternative_name)) == (64, 500)


@pytest.mark.parametrize("rest", [b"\x00" * 17, b"\r\n", b"\x00" * 5000])
def test_padding_behind_the_request_is_remarked_upon(rest: bytes) -> None:
    octets = make.request_der()

    request = parse_certification_request(octets + rest)

    assert request.der == octets
    assert request.remarks == (f"{len(rest)} octets behind the request were ignored",)


def test_something_else_behind_the_request_is_explained() -> None:
    octets = make.request_der()

    with pytest.raises(MalformedRequest, match="more follow"):
        parse_certification_request(octets + octets)


@pytest.mark.parametrize("octets", [b"", b"\x30", b"\x30\x03\x02\x01", b"\x30\x82\x10\x00"])
def test_less_than_a_request_is_said_to_be_cut_off(octets: bytes) -> None:
    with pytest.raises(TruncatedRequest):
        parse_certification_request(octets)


def test_a_certificate_is_named_by_the_parser_too() -> None:
    attribute = der.sequence(der.sequence(der.oid("1.2.840.10045.2.1")), der.bit_string(b"\x04"))

    with pytest.raises(NotARequest, match="public key"):
        parse_certification_request(attribute)


def test_a_renewal_attribute_in_a_plain_request_makes_no_renewal() -> None:
    attribute = messages.renewal_certificate(make_certificate())

    request = parse_certification_request(messages.pkcs10(make.key(), SUBJECT, [attribute]))

    assert request.is_renewal is False
    assert any("counts as a new one" in remark for remark in request.remarks)


def make_certificate() -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "www.example.com")])
    key = make.key("ec:p256")
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(make.NOW)
        .not_valid_after(make.NOW + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )


@pytest.mark.parametrize(
    ("oid", "value", "told"),
    [
        ("2.5.4.3", "x" * 65, "commonName|CN.*65 characters.*at most 64"),
        ("2.5.4.6", "USA", "C in the subject has 3"),
        ("2.5.4.6", "U", "two letters"),
        ("2.5.4.11", "x" * 65, "OU.*65 characters"),
    ],
)
def test_a_name_longer_than_x509_allows_is_refused_with_its_limit(
    oid: str, value: str, told: str
) -> None:
    subject = messages.name((oid, der.utf8_string(value)))

    with pytest.raises(SubjectInvalid, match=told):
        parse_certification_request(messages.pkcs10(make.key(), subject))


@pytest.mark.parametrize("value", ["x" * 64, "\u65e5" * 64])
def test_a_name_exactly_as_long_as_x509_allows_is_read(value: str) -> None:
    request = parse_certification_request(messages.pkcs10(make.key(), messages.common_name(value)))

    assert next(iter(request.subject)).value == value
