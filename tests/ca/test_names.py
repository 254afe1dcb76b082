"""Names as people read them and as they are compared."""

from __future__ import annotations

import ipaddress

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID, ObjectIdentifier
from hypothesis import given
from hypothesis import strategies as st

from enrollment.ca import der, names
from enrollment.ca.names import HeldName


def subject(*attributes: tuple[ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])


def test_a_subject_is_shown_with_its_most_specific_part_first() -> None:
    name = subject(
        (NameOID.COUNTRY_NAME, "DE"),
        (NameOID.ORGANIZATION_NAME, "Example"),
        (NameOID.COMMON_NAME, "www.example.com"),
    )

    assert names.display(name) == "CN=www.example.com, O=Example, C=DE"


def test_an_email_address_is_abbreviated_as_windows_does() -> None:
    name = subject((NameOID.COMMON_NAME, "Alice"), (NameOID.EMAIL_ADDRESS, "a@example.com"))

    assert names.display(name) == "E=a@example.com, CN=Alice"


def test_the_parts_of_one_rdn_are_joined_with_plus() -> None:
    parts = [
        x509.NameAttribute(NameOID.COMMON_NAME, "a"),
        x509.NameAttribute(NameOID.SERIAL_NUMBER, "1"),
    ]

    shown = names.display(x509.Name([x509.RelativeDistinguishedName(parts)]))

    assert set(shown.split("+")) == {"CN=a", "SERIALNUMBER=1"}


def test_octets_that_are_no_text_are_shown_as_hexadecimal() -> None:
    attribute = x509.NameAttribute(
        NameOID.X500_UNIQUE_IDENTIFIER,
        b"\x00\xff",
        x509.name._ASN1Type.BitString,  # noqa: SLF001 - no public way
    )

    assert names.attribute_text(attribute) == "00ff"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("plain text", "plain text", id="plain"),
        pytest.param("M\u00fcller \u4e2d", "M\u00fcller \u4e2d", id="letters of any script"),
        pytest.param("a\u202eb", "a\\u202eb", id="turns the reading direction"),
        pytest.param("a\u200bb", "a\\u200bb", id="draws nothing"),
        pytest.param("a\nb\x00", "a\\u000ab\\u0000", id="controls"),
        pytest.param("a\u2028b", "a\\u2028b", id="separates lines"),
        pytest.param("a\ud800b", "a\\ud800b", id="half a character"),
    ],
)
def test_what_hides_or_reorders_is_made_visible(text: str, shown: str) -> None:
    assert names.visible(text) == shown


@given(st.text())
def test_visible_text_is_one_line_and_can_be_encoded(text: str) -> None:
    shown = names.visible(text)

    assert len(shown.splitlines()) <= 1
    assert shown.encode().decode() == shown


@pytest.mark.parametrize(
    "text",
    ["localhost", "www.example.com", "WWW.Example.COM", "*.example.com", "a-b.c", "1.example"],
)
def test_host_names_are_host_names(text: str) -> None:
    assert names.is_dns_name(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("John Doe", id="a person"),
        pytest.param("10.0.0.1", id="an address"),
        pytest.param("a_b.example.com", id="underscore"),
        pytest.param("-a.example.com", id="hyphen in front"),
        pytest.param("a..b", id="empty label"),
        pytest.param("a.example.com.", id="dot at the end"),
        pytest.param("w*.example.com", id="wildcard inside a label"),
        pytest.param("*", id="nothing but a wildcard"),
        pytest.param("x" * 64 + ".com", id="label of 64"),
        pytest.param(".".join(["x" * 63] * 4), id="254 characters and more"),
        pytest.param("www.example.com\n", id="line end behind"),
        pytest.param("ban\u212a.example.com", id="a Kelvin sign that folds into k"),
        pytest.param("stra\u00dfe.example", id="a sharp s that folds into ss"),
    ],
)
def test_what_looks_like_a_host_name_and_is_none(text: str) -> None:
    assert not names.is_dns_name(text)


def test_a_upn_is_read_from_its_other_name() -> None:
    name = x509.OtherName(names.UPN_OID, der.utf8_string("Alice@Example.com"))

    assert names.upn_of(name) == "Alice@Example.com"
    assert names.general_name(name) == HeldName("upn", "alice@example.com")


@pytest.mark.parametrize(
    ("type_id", "value"),
    [
        pytest.param("1.2.3", der.utf8_string("a@b"), id="another kind of name"),
        pytest.param(names.UPN_OID.dotted_string, b"\x0c", id="cut off"),
        pytest.param(names.UPN_OID.dotted_string, der.printable_string("a"), id="another string"),
        pytest.param(names.UPN_OID.dotted_string, der.utf8_string("a" * 200), id="too long"),
        pytest.param(names.UPN_OID.dotted_string, b"\x0c\x05ab", id="shorter than it says"),
        pytest.param(names.UPN_OID.dotted_string, b"\x0c\x01ab", id="longer than it says"),
    ],
)
def test_another_other_name_is_no_upn_and_still_comparable(type_id: str, value: bytes) -> None:
    name = x509.OtherName(ObjectIdentifier(type_id), value)

    assert names.upn_of(name) is None
    assert names.general_name(name) == HeldName("other", f"{type_id}:{value.hex()}")


@pytest.mark.parametrize(
    ("name", "held"),
    [
        (x509.DNSName("WWW.Example.com"), HeldName("dns", "www.example.com")),
        (x509.IPAddress(ipaddress.ip_address("2001:DB8::0")), HeldName("ip", "2001:db8::")),
        (x509.RFC822Name("Alice@Example.com"), HeldName("email", "alice@example.com")),
        (x509.UniformResourceIdentifier("http://A/b"), HeldName("uri", "http://A/b")),
        (
            x509.DirectoryName(subject((NameOID.COMMON_NAME, "a"))),
            HeldName("other", "CN=a"),
        ),
        (
            x509.RegisteredID(ObjectIdentifier("1.2.3")),
            HeldName("other", "<ObjectIdentifier(oid=1.2.3, name=Unknown OID)>"),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_alternative_names_take_comparable_form(name: x509.GeneralName, held: HeldName) -> None:
    assert names.general_name(name) == held
    assert str(held) == held.value


def test_a_certificate_holds_each_name_once() -> None:
    name = subject(
        (NameOID.COMMON_NAME, "WWW.Example.com"), (NameOID.EMAIL_ADDRESS, "A@Example.com")
    )
    alternative = [
        x509.DNSName("www.example.com"),
        x509.DNSName("WWW.example.com"),
        x509.RFC822Name("a@example.com"),
    ]

    assert names.names_of(name, alternative) == (
        HeldName("cn", "www.example.com"),
        HeldName("email", "a@example.com"),
        HeldName("dns", "www.example.com"),
    )


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ([HeldName("ip", "10.0.0.1"), HeldName("dns", "a.example")], "a.example"),
        ([HeldName("dns", "a.example"), HeldName("cn", "printer")], "printer"),
        ([HeldName("uri", "urn:x")], "O=Example"),
        ([], "O=Example"),
    ],
)
def test_a_certificate_is_called_by_the_name_a_person_would_use(
    held: list[HeldName], said: str
) -> None:
    assert names.principal_name(held, "O=Example") == said


@pytest.mark.parametrize(
    ("typed", "held"),
    [
        pytest.param("WWW.Example.COM.", "www.example.com", id="dot at the end"),
        pytest.param(" www.example.com ", "www.example.com", id="blanks around it"),
        pytest.param("2001:DB8:0::0001", "2001:db8::1", id="address in another writing"),
        pytest.param("[2001:db8::1]", "2001:db8::1", id="address in brackets"),
        pytest.param(" A_B.example.com.", "a_b.example.com", id="underscore"),
        pytest.param("w*.Example.com.", "w*.example.com", id="star within a label"),
        pytest.param("::ffff:10.9.9.9", "10.9.9.9", id="address of version 4 in one of 6"),
        pytest.param("Jane Doe Ltd.", "jane doe ltd.", id="no host at all"),
    ],
)
def test_a_common_name_is_held_as_the_host_that_programs_take_it_for(typed: str, held: str) -> None:
    name = subject((NameOID.COMMON_NAME, typed))

    assert names.names_of(name, ()) == (HeldName("cn", held),)


def test_an_address_of_version_4_is_itself_also_inside_one_of_6() -> None:
    inside = x509.IPAddress(ipaddress.ip_address("::ffff:10.9.9.9"))

    assert names.general_name(inside) == HeldName("ip", "10.9.9.9")


def test_a_user_principal_name_in_the_subject_is_one_too() -> None:
    name = subject((NameOID.COMMON_NAME, "a.example.com"), (names.UPN_OID, "Bob@Example.com"))

    assert HeldName("upn", "bob@example.com") in names.names_of(name, ())


@pytest.mark.parametrize(
    "value", ["mine, O=Example Bank", "mine,O=Example Bank", "mine\\, O=Example Bank"]
)
def test_a_value_that_reads_like_another_part_is_told_apart(value: str) -> None:
    """A manager approves what can be read."""
    honest = subject((NameOID.ORGANIZATION_NAME, "Example Bank"), (NameOID.COMMON_NAME, "mine"))
    cut_off = subject((NameOID.ORGANIZATION_NAME, "Example Bank"), (NameOID.COMMON_NAME, "mine\\"))
    claimed = subject((NameOID.COMMON_NAME, value))

    assert names.display(honest) == "CN=mine, O=Example Bank"
    assert "\\," in names.display(claimed)
    assert names.display(claimed) not in {names.display(honest), names.display(cut_off)}


def test_a_plus_sign_that_reads_like_another_part_is_told_apart() -> None:
    claimed = subject((NameOID.COMMON_NAME, "mine+O=Example Bank"))

    assert names.display(claimed) == "CN=mine\\+O=Example Bank"


def test_the_comma_of_a_company_stays_as_it_is() -> None:
    assert names.display(subject((NameOID.ORGANIZATION_NAME, "Example, Inc."))) == "O=Example, Inc."


def test_a_directory_name_is_held_as_what_it_is() -> None:
    parts = subject((NameOID.ORGANIZATION_NAME, "Bank"), (NameOID.COMMON_NAME, "mine"))
    claimed = subject((NameOID.COMMON_NAME, "mine, O=Bank"))

    held = {names.general_name(x509.DirectoryName(name)) for name in (parts, claimed)}

    assert len(held) == 2
