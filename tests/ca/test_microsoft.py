"""What Windows writes beside a request is read in every form it takes, and is never identity."""

from __future__ import annotations

import pytest

from enrollment.ca import ber, der
from enrollment.ca.errors import KeyArchivalUnsupported, MalformedRequest, RequestAmbiguous
from enrollment.ca.microsoft import (
    ClientInfo,
    CryptographicProvider,
    TemplateInformation,
    read_registration_info,
    text,
)
from enrollment.ca.request import CertificationRequest, parse_certification_request
from tests import make, messages

SUBJECT = messages.common_name("www.example.com")


def request_with(*attributes: bytes) -> CertificationRequest:
    return parse_certification_request(messages.pkcs10(make.key(), SUBJECT, attributes))


def request_with_extension(*extensions: bytes) -> CertificationRequest:
    return request_with(messages.extension_request(*extensions))


def test_a_request_of_windows_server_2022_is_read_whole() -> None:
    request = request_with(
        messages.os_version(), messages.provider(), messages.client_info(5, process="InetMgr.exe")
    )

    facts = request.microsoft
    assert facts.os_version == "10.0.20348.2"
    assert facts.csp == CryptographicProvider(1, messages.SCHANNEL)
    assert facts.client_info == ClientInfo(5, "web1.example.com", "EXAMPLE\\alice", "InetMgr.exe")


def test_the_attributes_printed_in_the_facts_are_read() -> None:
    """Each attribute is one that real software wrote, octet for octet."""
    os_version = "301c060a2b0601040182370d0203310e160c31302e302e32303334382e32"
    client_info = (
        "304006092b0601040182371514313330310201090c10776562312e6578616d706c652e636f6d0c0d4558414d50"
        "4c455c616c6963650c0b636572747265712e657865"
    )
    pair = (
        "304c060a2b0601040182370d0201313e303c1e260043006500720074006900660069006300610074006500540065"
        "006d0070006c0061007400651e12005700650062005300650072007600650072"
    )

    facts = request_with(*map(bytes.fromhex, (os_version, client_info, pair))).microsoft

    assert facts.os_version == "10.0.20348.2"
    assert facts.client_info == ClientInfo(9, "web1.example.com", "EXAMPLE\\alice", "certreq.exe")
    assert facts.name_value_pairs == (("CertificateTemplate", "WebServer"),)


@pytest.mark.parametrize("encoded", [der.utf8_string, der.printable_string, der.bmp_string])
def test_the_os_version_may_have_any_string_type(encoded: object) -> None:
    attribute = messages.attribute(messages.MICROSOFT + "13.2.3", encoded("6.3.9600.2."))  # type: ignore[operator]  # a writer

    assert request_with(attribute).microsoft.os_version == "6.3.9600.2."


@pytest.mark.parametrize("count", [0, 2])
@pytest.mark.parametrize("oid", ["13.2.3", "13.2.2"])
def test_os_version_and_provider_must_have_one_value(oid: str, count: int) -> None:
    value = der.sequence(der.integer(1), der.bmp_string("x"), der.bit_string(b""))
    attribute = messages.attribute(messages.MICROSOFT + oid, *[value] * count)

    with pytest.raises(RequestAmbiguous) as caught:
        request_with(attribute)
    assert caught.value.hresult == 0x8007000D


@pytest.mark.parametrize("junk", [der.null(), der.sequence(), der.octet_string(b"x")])
@pytest.mark.parametrize("oid", ["13.2.2", "21.20"])
def test_odd_content_of_what_is_ignored_anyway_is_no_reason_to_refuse(
    oid: str, junk: bytes
) -> None:
    facts = request_with(messages.attribute(messages.MICROSOFT + oid, junk)).microsoft

    assert (facts.csp, facts.client_info) == (None, None)


def test_name_value_pairs_come_as_several_values_or_several_attributes() -> None:
    oid = messages.MICROSOFT + "13.2.1"
    first = messages.name_value_pair("CertificateTemplate", "WebServer")
    second = messages.name_value_pair("UserAgent", "Windows")

    in_one = request_with(messages.attribute(oid, first, second)).microsoft
    in_two = request_with(messages.attribute(oid, first), messages.attribute(oid, second)).microsoft

    assert in_one.name_value_pairs == (
        ("CertificateTemplate", "WebServer"),
        ("UserAgent", "Windows"),
    )
    assert set(in_two.name_value_pairs) == set(in_one.name_value_pairs)


def test_name_value_pairs_in_the_form_of_the_specification_are_read_too() -> None:
    pair = messages.name_value_pair("CertificateTemplate", "WebServer")
    attribute = messages.attribute(messages.MICROSOFT + "13.2.1", der.sequence(pair, pair))

    assert len(request_with(attribute).microsoft.name_value_pairs) == 2


@pytest.mark.parametrize(
    "value", [der.null(), der.sequence(der.bmp_string("x")), der.sequence(der.sequence())]
)
def test_a_name_value_pair_that_is_none_is_refused(value: bytes) -> None:
    with pytest.raises(MalformedRequest, match="name-value pair"):
        request_with(messages.attribute(messages.MICROSOFT + "13.2.1", value))


def test_more_pairs_than_anybody_needs_are_refused() -> None:
    pair = messages.name_value_pair("a", "b")
    attribute = messages.attribute(messages.MICROSOFT + "13.2.1", der.sequence(*[pair] * 257))

    with pytest.raises(MalformedRequest, match="more than 256"):
        request_with(attribute)


@pytest.mark.parametrize(
    "value",
    [
        der.bmp_string("WebServer"),
        der.utf8_string("WebServer"),
        der.printable_string("WebServer"),
        der.sequence(der.utf8_string("WebServer")),
    ],
    ids=["BMPString", "UTF8String", "PrintableString", "SEQUENCE of MS-WCCE"],
)
def test_a_template_name_is_read_in_each_of_its_forms(value: bytes) -> None:
    extension = messages.extension(messages.MICROSOFT + "20.2", value)

    assert request_with_extension(extension).microsoft.template_name == "WebServer"


@pytest.mark.parametrize("value", [b"", der.null(), der.sequence(), der.integer(1)])
def test_a_template_name_that_holds_no_text_is_refused(value: bytes) -> None:
    with pytest.raises(MalformedRequest):
        request_with_extension(messages.extension(messages.MICROSOFT + "20.2", value))


OID = "1.3.6.1.4.1.311.21.8.1.2.3.4.5.6.1.16"


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ((der.oid(OID), der.integer(100), der.integer(3)), TemplateInformation(OID, 100, 3)),
        ((der.oid(OID), der.integer(100)), TemplateInformation(OID, 100, None)),
        ((der.oid(OID),), TemplateInformation(OID, None, None)),
    ],
)
def test_template_information_may_leave_its_versions_out(
    parts: tuple[bytes, ...], expected: TemplateInformation
) -> None:
    extension = messages.extension(messages.MICROSOFT + "21.7", der.sequence(*parts))

    assert request_with_extension(extension).microsoft.template_information == expected


@pytest.mark.parametrize("value", [b"", der.null(), der.sequence(), der.sequence(der.null())])
def test_template_information_that_is_none_is_refused(value: bytes) -> None:
    with pytest.raises(MalformedRequest):
        request_with_extension(messages.extension(messages.MICROSOFT + "21.7", value))


@pytest.mark.parametrize("oid", ["21.13", "21.21"])
def test_key_archival_is_refused_and_says_that_nothing_was_kept(oid: str) -> None:
    attribute = messages.attribute(messages.MICROSOFT + oid, der.octet_string(b"secret"))

    with pytest.raises(KeyArchivalUnsupported, match="was not stored"):
        request_with(attribute)


@pytest.mark.parametrize("oid", ["21.16", "21.24", "21.33", "21.25", "99.1"])
def test_other_attributes_of_microsoft_are_ignored(oid: str) -> None:
    request = request_with(messages.attribute(messages.MICROSOFT + oid, der.octet_string(b"x")))

    assert request.remarks == ()


def test_a_text_without_end_is_cut() -> None:
    request = request_with(messages.os_version("1" * 9_000))

    assert request.microsoft.os_version == "1" * 1_024


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"a=b&c=d", (("a", "b"), ("c", "d"))),
        (b"a=b=c", (("a", "b=c"),)),
        (b"a=b%26c", (("a", "b&c"),)),
        (b"&&=x&novalue&", ()),
        (b"\xff=\xfe", (("\ufffd", "\ufffd"),)),
    ],
)
def test_registration_information_is_split_at_ampersands_and_first_equals_signs(
    octets: bytes, expected: tuple[tuple[str, str], ...]
) -> None:
    assert read_registration_info(octets) == expected


def test_text_of_no_known_alphabet_never_fails() -> None:
    assert text(ber.read(b"\x1e\x03\x00a\x00")) == "a\ufffd"
