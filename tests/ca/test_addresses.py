"""Microsoft's file names as addresses (ms-facts d.8)."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrollment.ca import addresses
from enrollment.ca.addresses import Place


@pytest.mark.parametrize(
    ("name", "sanitized"),
    [
        pytest.param("Example Issuing CA", "Example Issuing CA", id="blanks stay"),
        pytest.param("A-b.c$d@e_f~", "A-b.c$d@e_f~", id="what stays"),
        pytest.param("R&D/Test", "R!0026D!002fTest", id="what directories do not like"),
        pytest.param("Prüf", "Pr!00fcf", id="above 0x7e"),
        pytest.param("\u4e2d", "!4e2d", id="beyond Latin"),
        pytest.param("\U0001f512", "!d83d!dd12", id="two UTF-16 units"),
        pytest.param("a!b", "a!0021b", id="the mark itself"),
        pytest.param("a\tb\x7f", "a!0009b!007f", id="controls"),
    ],
)
def test_a_name_is_sanitized_as_the_original_does(name: str, sanitized: str) -> None:
    """MS-WCCE 3.1.1.4.1.1."""
    assert addresses.sanitized_name(name) == sanitized


def test_every_character_of_the_list_is_replaced_and_no_other_printable_one() -> None:
    kept = {
        chr(code) for code in range(0x20, 0x7F) if addresses.sanitized_name(chr(code)) == chr(code)
    }

    replaced = {chr(code) for code in range(0x20, 0x7F)} - kept
    assert replaced == set("!\"#%&'()*+,/:;<=>?[\\]^`{|}")


@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.text(st.characters(exclude_categories=["Cs"])),
)
def test_different_names_never_share_a_file(one: str, other: str) -> None:
    assert (addresses.sanitized_name(one) == addresses.sanitized_name(other)) == (one == other)


@pytest.mark.parametrize(("index", "suffix"), [(0, ""), (1, "(1)"), (12, "(12)")])
def test_the_first_certificate_has_no_suffix(index: int, suffix: str) -> None:
    assert addresses.suffix(index) == suffix


V2_1 = Place("ca.example.com", "CA", index=2, key_index=1)


def test_files_are_named_as_relying_parties_know_them() -> None:
    """%1_%3%4.crt and %3%8%9.crl; after V2.1, host_CA(2).crt and CA(1).crl."""
    first = Place("ca.example.com", "CA")

    assert addresses.certificate_file(first) == "ca.example.com_CA.crt"
    assert addresses.certificate_file(V2_1) == "ca.example.com_CA(2).crt"
    assert addresses.crl_file(first) == "CA.crl"
    assert addresses.crl_file(V2_1) == "CA(1).crl"
    assert addresses.crl_file(replace(V2_1, delta=True)) == "CA(1)+.crl"


def test_an_address_has_its_blanks_escaped_and_its_brackets_not() -> None:
    place = replace(V2_1, name="Example Issuing CA")

    written = addresses.expand("http://%1/CertEnroll/%3%8%9.crl", place)

    assert written == "http://ca.example.com/CertEnroll/Example%20Issuing%20CA(1).crl"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64))
def test_an_address_is_ascii_without_blanks_and_reads_back(name: str) -> None:
    place = replace(V2_1, name=name, delta=True)

    written = addresses.expand("http://%1/CertEnroll/%3%8%9.crl", place)

    assert written.isascii()
    assert " " not in written
    assert unquote(written.rpartition("/")[2]) == addresses.crl_file(place)
