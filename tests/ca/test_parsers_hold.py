"""Whatever octets come, the readers answer with a value or with our own refusal, and soon."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from enrollment.ca import ber, der
from enrollment.ca.armor import read_text
from enrollment.ca.attributes import parse_request_attributes
from enrollment.ca.errors import EnrollmentError
from enrollment.ca.microsoft import read_registration_info
from enrollment.ca.recognize import recognize
from enrollment.ca.request import parse_certification_request
from tests import make, messages, renewals
from tests.ca.signed_messages import NEW_KEY, OLD, OLD_KEY

if TYPE_CHECKING:
    from collections.abc import Callable

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))

SEEDS = {
    "PKCS #10": make.request_der(dns=["a.example.com"], kind="ec:p256"),
    "PKCS #10 of Windows": messages.pkcs10(
        make.key("ec:p256"),
        messages.common_name("a.example.com"),
        [
            messages.os_version(),
            messages.provider(),
            messages.client_info(),
            messages.attribute(messages.MICROSOFT + "13.2.1", messages.name_value_pair("a", "b")),
            messages.extension_request(
                messages.template_name("WebServer"), messages.dns_names("a.example.com")
            ),
        ],
    ),
    "renewal": renewals.windows_renewal(OLD, OLD_KEY, NEW_KEY, san=["a.example.com"]),
    "signed by OpenSSL": renewals.openssl_cms_renewal(OLD, OLD_KEY, NEW_KEY),
    "CMC": renewals.certreq_cmc(NEW_KEY, subject=messages.common_name("a.example.com")),
}


def refusal_of(reader: Callable[[bytes], object], octets: bytes) -> EnrollmentError | None:
    """Read and return our own refusal; any other exception fails the test."""
    try:
        reader(octets)
    except EnrollmentError as error:
        return error
    return None


def holds(reader: Callable[[bytes], object], octets: bytes) -> None:
    """Read; a refusal says what is wrong and what to do, and fits into one line without quotes."""
    refusal = refusal_of(reader, octets)
    if refusal is None:
        return
    assert refusal.detail
    assert refusal.remedy
    assert not set('"\r\n') & set(refusal.disposition_message)


READERS: list[Callable[[bytes], object]] = [
    read_text,
    parse_certification_request,
    lambda octets: parse_certification_request(read_text(octets)),
    ber.canonical,
]


@QUICK
@given(st.binary(max_size=400), st.sampled_from(READERS))
@example(b"\x30\x80" * 200, parse_certification_request)
@example(b"-----BEGIN CERTIFICATE REQUEST-----" * 50, read_text)
def test_any_octets(octets: bytes, reader: Callable[[bytes], object]) -> None:
    holds(reader, octets)


@QUICK
@given(st.text(max_size=400))
def test_any_text(text: str) -> None:
    holds(read_text, text.encode("utf-8", "surrogatepass"))
    holds(read_text, text.encode("utf-16", "surrogatepass"))


@QUICK
@given(st.text(max_size=400))
def test_any_attribute_lines(text: str) -> None:
    attributes = parse_request_attributes(text)

    assert all(name and value for name, value in attributes.items())


@QUICK
@given(st.binary(max_size=200))
def test_any_registration_information(octets: bytes) -> None:
    assert all(name for name, _ in read_registration_info(octets))


@pytest.mark.parametrize("seed", SEEDS)
@QUICK
@given(data=st.data())
def test_a_request_with_octets_changed(seed: str, data: st.DataObject) -> None:
    octets = bytearray(SEEDS[seed])
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))

    holds(parse_certification_request, bytes(octets))
    recognize(bytes(octets))


@pytest.mark.parametrize("seed", SEEDS)
@QUICK
@given(data=st.data())
def test_a_request_with_a_part_cut_out_or_doubled(seed: str, data: st.DataObject) -> None:
    octets = SEEDS[seed]
    start = data.draw(st.integers(0, len(octets)))
    stop = data.draw(st.integers(start, min(len(octets), start + 200)))
    times = data.draw(st.sampled_from([0, 2]))

    holds(parse_certification_request, octets[:start] + octets[start:stop] * times + octets[stop:])


@pytest.mark.parametrize("seed", SEEDS)
@QUICK
@given(data=st.data())
def test_a_request_with_one_value_replaced_by_another(seed: str, data: st.DataObject) -> None:
    """Lengths stay true, so that the fault lies deep inside a well-formed message."""
    replacement = data.draw(
        st.sampled_from([b"", der.null(), der.sequence(), der.integer(1), der.set_of()])
        | st.binary(max_size=20).map(der.octet_string)
    )
    path = data.draw(st.lists(st.integers(0, 8), min_size=1, max_size=8))

    holds(parse_certification_request, _replaced(ber.read(SEEDS[seed]), path, replacement))


def _replaced(node: ber.Node, path: list[int], replacement: bytes) -> bytes:
    children = node.children() if node.constructed else []
    if not path or not children:
        return replacement
    index = path[0] % len(children)
    parts = [child.octets for child in children]
    parts[index] = _replaced(children[index], path[1:], replacement)
    return der.tlv(node.tag, *parts)


@QUICK
@given(st.sampled_from(sorted(SEEDS)), st.data())
def test_a_paste_with_characters_changed(seed: str, data: st.DataObject) -> None:
    text = list(renewals.pem(SEEDS[seed]).decode())
    for _ in range(data.draw(st.integers(1, 4))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.characters())

    holds(read_text, "".join(text).encode("utf-8", "surrogatepass"))


@QUICK
@given(st.sampled_from(sorted(SEEDS)), st.integers(20, 100), st.sampled_from(["\n", "\r\n", " "]))
def test_a_paste_in_any_layout_gives_the_same_octets(seed: str, columns: int, end: str) -> None:
    body = base64.b64encode(SEEDS[seed]).decode()
    lines = [body[start : start + columns] for start in range(0, len(body), columns)]
    text = end.join(["-----BEGIN PKCS7-----", *lines, "-----END PKCS7-----"])

    assert read_text(text.encode()) == SEEDS[seed]


HOSTILE = {
    "one character": b"A",
    "dashes": b"-",
    "begin lines": b"-----BEGIN CERTIFICATE REQUEST-----\n",
    "begin and end lines": b"-----BEGIN A-----\nMIIB\n-----END A-----\n",
    "half begin lines": b"-----BEGIN A",
    "angle brackets": b"<",
    "ampersands": b"&",
    "entities": b"&#65;",
    "quotes": b'"',
    "blanks": b" ",
    "escapes": b"\\n",
    "short lines": b"MIIC\n",
    "nesting": b"\x30\x80",
    "nesting in base64": b"MIAwgDCA",
    "every octet": bytes(range(256)),
    "nulls": b"M\x00",
    "private key words": b"PRIVATE KEY ",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_64_kibibytes_of_one_thing_are_refused(what: str) -> None:
    piece = HOSTILE[what]

    with pytest.raises(EnrollmentError):
        parse_certification_request(read_text(piece * (65_536 // len(piece))))
