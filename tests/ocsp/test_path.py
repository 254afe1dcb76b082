"""A request in the path arrives, whatever clients and proxies did to it."""

from __future__ import annotations

import base64
import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrollment.protocols.ocsp.codec import requests_in_path
from tests.ocsp import questions

FIXED = questions.STRANGER


def encoded(request: bytes) -> str:
    return base64.b64encode(request).decode()


def request_with(pattern: str) -> bytes:
    """Return a request whose base64 has something in it."""
    for number in range(1, 100_000):
        issuer = questions.Issuer(b"a name", str(number).encode())
        request = questions.request(issuer.identity(number << 64 | number * 977))
        if re.search(pattern, encoded(request)):
            return request
    raise AssertionError(pattern)


SLASHES = request_with(r"w/.*\+|\+.*/")
SLASH_AT_THE_END = request_with("/$")
DOUBLE = request_with("^[^/]*//[^/]*$")
PADDED = request_with("==$")


@pytest.mark.parametrize(
    "request_der",
    [
        pytest.param(SLASHES, id="slash and plus"),
        pytest.param(SLASH_AT_THE_END, id="a slash as the last sign"),
        pytest.param(DOUBLE, id="two slashes in a row"),
        pytest.param(PADDED, id="with padding"),
    ],
)
@pytest.mark.parametrize(
    "written",
    [
        pytest.param(encoded, id="raw"),
        pytest.param(lambda der: quote(encoded(der), safe=""), id="still percent-encoded"),
        pytest.param(lambda der: encoded(der).rstrip("="), id="without padding"),
        pytest.param(lambda der: "/" + encoded(der), id="a slash more before it"),
        pytest.param(lambda der: encoded(der) + "/", id="a slash more behind it"),
        pytest.param(lambda der: encoded(der).replace("+", " "), id="plus as blank"),
        pytest.param(lambda der: base64.encodebytes(der).decode(), id="in lines"),
    ],
)
def test_a_request_is_read_however_it_was_written(request_der: bytes, written: object) -> None:
    assert callable(written)

    assert requests_in_path(written(request_der)) == (request_der,)


def test_slashes_that_a_proxy_folded_are_among_the_readings() -> None:
    folded = encoded(DOUBLE).replace("//", "/")

    assert DOUBLE in requests_in_path(folded)


def test_a_folded_slash_among_others_is_among_the_readings() -> None:
    request = request_with("//.*[^/]/[^/]")
    folded = re.sub("/+", "/", encoded(request))

    readings = requests_in_path(folded)

    assert request in readings
    assert len(readings) > 1


@pytest.mark.parametrize(
    "path",
    ["", "/", "===", "favicon.ico", "MF", "MF8=", "ü", "%", "MIH////////", "M" * 5000, "MIIB" * 9],
)
def test_what_is_no_request_is_read_as_something_else(path: str) -> None:
    (reading,) = requests_in_path(path)

    assert not reading.startswith(questions.request(FIXED.identity(1))[:3])


@given(st.text(alphabet="MFwA/+=% \n", max_size=300))
def test_no_path_is_too_strange_to_be_read_quickly(path: str) -> None:
    assert 0 < len(requests_in_path("MIIB" + path)) <= 64


@given(st.integers(1, 2**127 - 1))
def test_every_serial_number_arrives(serial: int) -> None:
    request = questions.request(FIXED.identity(serial, algorithm=questions.SHA1))

    assert requests_in_path(quote(encoded(request), safe="")) == (request,)
    assert requests_in_path(encoded(request)) == (request,)
