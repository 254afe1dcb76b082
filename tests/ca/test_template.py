"""What a template is, and which names it may hold."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from enrollment.ca.names import HeldName
from enrollment.ca.template import (
    ANY_PURPOSE,
    CLIENT_AUTHENTICATION,
    SERVER_AUTHENTICATION,
    SMART_CARD_LOGON,
    Approval,
    KeyUsage,
    NameRules,
    SubjectSource,
    key_usage_extension,
)
from tests import make


def dns(value: str) -> HeldName:
    return HeldName("dns", value)


EXAMPLE = NameRules(dns_suffixes=("example.com",))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("example.com", id="the suffix itself"),
        pytest.param("www.example.com", id="a host below it"),
        pytest.param("a.b.example.com", id="deeper"),
        pytest.param("*.example.com", id="a wildcard below it"),
    ],
)
def test_a_name_within_a_suffix_is_allowed(name: str) -> None:
    assert EXAMPLE.allow(dns(name))
    assert EXAMPLE.allow(HeldName("cn", name))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("evilexample.com", id="ends alike without a dot"),
        pytest.param("example.com.evil.org", id="begins alike"),
        pytest.param("example.org", id="another domain"),
        pytest.param("com", id="above it"),
        pytest.param("*.com", id="a wildcard above it"),
        pytest.param("www.example.com\x00.evil.org", id="a NUL inside"),
    ],
)
def test_a_name_outside_a_suffix_is_not(name: str) -> None:
    assert not EXAMPLE.allow(dns(name))
    assert not EXAMPLE.allow(HeldName("cn", name))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("www.evil.org .example.com", id="a blank inside"),
        pytest.param("https://evil.org/www.example.com", id="an address of the web"),
        pytest.param("evil.org:443/www.example.com", id="a path"),
        pytest.param("evil.org,www.example.com", id="two of them"),
        pytest.param("evil.org\u200b.example.com", id="something invisible inside"),
    ],
)
def test_a_common_name_that_only_ends_like_a_host_is_not_below_a_suffix(name: str) -> None:
    assert not EXAMPLE.allow(HeldName("cn", name))


@pytest.mark.parametrize("suffix", ["Example.COM", ".example.com", "*.example.com"])
def test_a_suffix_means_the_same_however_it_was_typed(suffix: str) -> None:
    rules = NameRules(dns_suffixes=(suffix,))

    assert rules.allow(dns("www.example.com"))
    assert not rules.allow(dns("evilexample.com"))


def test_suffixes_say_nothing_about_other_kinds_of_names() -> None:
    assert not EXAMPLE.allow(HeldName("email", "alice@www.example.com"))
    assert not EXAMPLE.allow(HeldName("ip", "10.0.0.1"))
    assert not EXAMPLE.allow(HeldName("upn", "alice.example.com"))


def test_an_address_must_lie_in_a_network() -> None:
    rules = NameRules(
        ip_networks=(ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("2001:db8::/32"))
    )

    assert rules.allow(HeldName("ip", "10.1.2.3"))
    assert rules.allow(HeldName("ip", "2001:db8::1"))
    assert not rules.allow(HeldName("ip", "10.2.0.1"))
    assert not rules.allow(HeldName("ip", "::1"))


def test_a_network_in_place_of_an_address_is_never_allowed_by_rules() -> None:
    """A subject alternative name of eight octets reads as an address with a mask."""
    rules = NameRules(ip_networks=(ipaddress.ip_network("10.0.0.0/8"),), patterns=("*",))

    assert not rules.allow(HeldName("ip", "10.1.0.0/16"))


def test_patterns_are_for_every_kind_but_addresses() -> None:
    rules = NameRules(patterns=("printer-??.example.com", "*@example.com"))

    assert rules.allow(dns("printer-07.example.com"))
    assert not rules.allow(dns("printer-007.example.com"))
    assert rules.allow(HeldName("email", "alice@example.com"))
    assert not rules.allow(HeldName("email", "alice@example.com.evil.org"))
    assert not rules.allow(HeldName("ip", "10.0.0.1"))


def test_no_rules_allow_any_name() -> None:
    assert NameRules().allow(dns("anything.example.org"))
    assert not NameRules()
    assert str(NameRules()) == "any name"


def test_rules_are_told_in_one_line() -> None:
    rules = NameRules(("example.com",), (ipaddress.ip_network("10.0.0.0/8"),), ("a*",))

    assert str(rules) == "example.com, 10.0.0.0/8, a*"


def test_the_list_entry_of_a_template_has_14_fields_with_name_second_and_label_last() -> None:
    """Clients read the fields by position: contract section 1.3."""
    template = make.template("WebServer", display_name="Web; Server")

    fields = template.option_value.split(";")

    assert len(fields) == 14
    assert fields[0] == "O"
    assert fields[1] == "WebServer"
    assert fields[13] == "Web, Server"


def test_the_list_entry_tells_who_supplies_the_subject() -> None:
    template = make.template(subject_source=SubjectSource.DIRECTORY)

    assert template.option_value.startswith("E;")


@pytest.mark.parametrize(
    "purposes", [(CLIENT_AUTHENTICATION,), (SMART_CARD_LOGON,), (ANY_PURPOSE,), ()]
)
def test_a_free_subject_with_a_purpose_that_signs_in_lets_anybody_sign_in(
    purposes: tuple[str, ...],
) -> None:
    """ESC1."""
    assert make.template(extended_key_usages=purposes).lets_anybody_sign_in


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"approval": Approval.ALWAYS}, id="a manager looks"),
        pytest.param({"allowed_names": EXAMPLE}, id="names are limited"),
        pytest.param({"subject_source": SubjectSource.DIRECTORY}, id="names from the directory"),
        pytest.param({"extended_key_usages": (SERVER_AUTHENTICATION,)}, id="servers only"),
        pytest.param({"extended_key_usages": (), "is_ca": True}, id="a CA, which signs in nobody"),
    ],
)
def test_whatever_limits_it_lets_nobody_sign_in_as_another(options: dict[str, Any]) -> None:
    risky: dict[str, Any] = {"extended_key_usages": (CLIENT_AUTHENTICATION,)}

    assert not make.template(**{**risky, **options}).lets_anybody_sign_in


def test_a_key_usage_extension_states_exactly_the_bits_given() -> None:
    value = key_usage_extension(
        frozenset({KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT, KeyUsage.ENCIPHER_ONLY})
    )

    assert value.public_bytes().hex() == "03020089"


def test_every_choice_has_words_for_people() -> None:
    assert SubjectSource.REQUEST.label == "supplied in the request"
    assert all(choice.label for choice in (*SubjectSource, *Approval))
