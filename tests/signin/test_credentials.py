"""What a program says about itself."""

import base64

import pytest

from enrollment.signin.credentials import Credentials, account_name, parse_basic


def header(octets: bytes) -> str:
    return "Basic " + base64.b64encode(octets).decode()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(header(b"carol:secret"), Credentials("carol", "secret"), id="plain"),
        pytest.param(header(b"carol:a:b"), Credentials("carol", "a:b"), id="colon in password"),
        pytest.param(header(b"carol:"), Credentials("carol", ""), id="empty password"),
        pytest.param(
            header("carol:grün".encode()), Credentials("carol", "grün"), id="UTF-8 password"
        ),
        pytest.param(
            header("carol:grün".encode("latin-1")), Credentials("carol", "grün"), id="Latin-1"
        ),
        pytest.param(
            header(b"carol:x").replace("Basic", "BASIC"), Credentials("carol", "x"), id="case"
        ),
    ],
)
def test_a_well_formed_header_is_read(value: str, expected: Credentials) -> None:
    assert parse_basic(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty"),
        pytest.param("Basic", id="no token"),
        pytest.param("Basic ????", id="not base64"),
        pytest.param(header(b"carol"), id="no colon"),
        pytest.param(header(b":secret"), id="no name"),
        pytest.param(header(b"ca\0rol:secret"), id="NUL in name"),
        pytest.param(header(b"carol:" + b"x" * 4000), id="too long"),
        pytest.param("Bearer abc", id="another scheme"),
        pytest.param("Negotiate TlRMTVNTUAAB", id="NTLM under Negotiate"),
    ],
)
def test_anything_else_is_nobody(value: str) -> None:
    assert parse_basic(value) is None


def test_a_password_is_not_shown_when_credentials_are_printed() -> None:
    assert "secret" not in repr(Credentials("carol", "secret"))


@pytest.mark.parametrize(
    "name",
    ["carol", "EXAMPLE\\carol", "example\\carol", "\\carol", "carol@ca.example.com"],
)
def test_the_ways_to_write_a_name_of_our_own_realm_are_one_account(name: str) -> None:
    assert account_name(name, realm="ca.example.com", domain="EXAMPLE") == "carol"


@pytest.mark.parametrize("name", ["OTHER\\carol", "carol@other.example", "carol@"])
def test_a_name_of_another_realm_is_not_our_account(name: str) -> None:
    assert account_name(name, realm="ca.example.com", domain="EXAMPLE") is None
