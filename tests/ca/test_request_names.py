"""Strings of the subject and of alternative names are kept, or refused by what is in them."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from enrollment.ca import der
from enrollment.ca.errors import (
    SubjectInvalid,
)
from enrollment.ca.request import parse_certification_request
from tests import make, messages
from tests.other_ca import upn

SUBJECT = messages.common_name("www.example.com")


@pytest.mark.parametrize(
    ("value", "told"),
    [(b"\x13\x0d*.example.com", "PrintableString"), (b"\x16\x04caf\xe9", "IA5String")],
)
def test_a_subject_with_characters_outside_its_string_type_is_kept_as_utf8(
    value: bytes, told: str
) -> None:
    subject = messages.name(("2.5.4.3", value))

    request = parse_certification_request(messages.pkcs10(make.key(), subject))

    assert request.subject_der[-len(value) :][:1] != value[:1]
    assert any(told in remark for remark in request.remarks)


@pytest.mark.parametrize("tag", [0x0C, 0x13, 0x14, 0x16, 0x1E])
def test_string_types_of_the_subject_are_kept(tag: int) -> None:
    text = "Example".encode("utf-16-be") if tag == 0x1E else b"Example"
    subject = messages.name(("2.5.4.10", der.tlv(tag, text)))

    request = parse_certification_request(messages.pkcs10(make.key(), subject))

    assert request.subject_der == subject


@pytest.mark.parametrize("character", ["\x00", "\n", "\r", "\x1b", "\x7f", "\x85"])
def test_a_control_character_in_the_subject_is_refused_by_its_number(character: str) -> None:
    subject = messages.common_name(f"www{character}.example.com")

    with pytest.raises(SubjectInvalid, match=f"U\\+{ord(character):04X}"):
        parse_certification_request(messages.pkcs10(make.key(), subject))


def test_a_control_character_in_an_alternative_name_is_refused() -> None:
    attribute = messages.extension_request(messages.dns_names("www.example.com\x00.evil.example"))

    with pytest.raises(SubjectInvalid, match="U\\+0000"):
        parse_certification_request(messages.pkcs10(make.key(), SUBJECT, [attribute]))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(upn("bob@corp.example.com\0.evil.example"), id="UPN"),
        pytest.param(upn("x" * 200 + "\0"), id="long UPN"),
        pytest.param(
            x509.OtherName(x509.ObjectIdentifier("1.3.6.1.5.5.7.8.7"), der.ia5_string("_a.b\0")),
            id="SRV",
        ),
        pytest.param(
            x509.DirectoryName(
                x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example\0Ltd")])
            ),
            id="directory name",
        ),
    ],
)
def test_a_control_character_within_an_alternative_name_is_refused(name: x509.GeneralName) -> None:
    names = (x509.SubjectAlternativeName([name]), False)

    with pytest.raises(SubjectInvalid, match=r"control character U\+0000"):
        parse_certification_request(make.request_der(extensions=[names]))


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "\u202egro.elpmaxe", "日本語"])
def test_a_strange_but_printable_subject_is_kept_for_pages_to_escape(text: str) -> None:
    request = parse_certification_request(messages.pkcs10(make.key(), messages.common_name(text)))

    assert request.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value == text


def test_an_empty_subject_is_read() -> None:
    request = make.request(None, dns=["a.example.com"])

    assert request.subject == x509.Name([])
