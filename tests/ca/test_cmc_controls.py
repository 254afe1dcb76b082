"""Controls of CMC: all are read, with all of their values, or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from enrollment.ca import der
from enrollment.ca.errors import (
    KeyArchivalUnsupported,
    RequestAmbiguous,
    RequestTooLarge,
)
from enrollment.ca.request import parse_certification_request
from tests import messages

if TYPE_CHECKING:
    from collections.abc import Sequence


from tests.ca.signed_messages import (
    ARCHIVED,
    NEW_KEY,
    SUBJECT,
    cmc,
    own_signer,
)


def test_registration_information_becomes_name_value_pairs() -> None:
    content = messages.pki_data(
        messages.pkcs10(NEW_KEY, SUBJECT),
        registration_info="CertificateTemplate=WebServer&rmd=web1%2eexample.com&",
    )

    request = parse_certification_request(cmc(content, own_signer(content)))

    assert request.microsoft.name_value_pairs == (
        ("CertificateTemplate", "WebServer"),
        ("rmd", "web1.example.com"),
    )


def test_registration_information_in_several_controls_is_all_read() -> None:
    content = messages.pki_data(
        messages.pkcs10(NEW_KEY, SUBJECT), registration_info=("a=1", "b=2", "")
    )

    request = parse_certification_request(cmc(content, own_signer(content)))

    assert request.microsoft.name_value_pairs == (("a", "1"), ("b", "2"))


def test_no_control_hides_whom_another_one_names() -> None:
    content = messages.pki_data(
        messages.pkcs10(NEW_KEY, SUBJECT),
        registration_info=("RequesterName=alice", "RequesterName=bob"),
    )

    with pytest.raises(RequestAmbiguous, match="'alice' and 'bob'"):
        parse_certification_request(cmc(content, own_signer(content)))


def with_controls(*controls: tuple[str, Sequence[bytes]]) -> bytes:
    listed = [
        der.sequence(der.integer(number), der.oid(oid), der.tlv(der.SET, *values))
        for number, (oid, values) in enumerate(controls, start=2)
    ]
    request = der.explicit(0, der.integer(1) + messages.pkcs10(NEW_KEY, SUBJECT))
    content = der.sequence(
        der.sequence(*listed), der.sequence(request), der.sequence(), der.sequence()
    )
    return cmc(content, own_signer(content))


ADD_ATTRIBUTES = messages.MICROSOFT + "10.10.1"
NONCE = ("1.3.6.1.5.5.7.7.6", [der.octet_string(b"once")])


def added(attribute: bytes) -> bytes:
    return der.sequence(der.integer(0), der.sequence(der.integer(1)), der.set_of(attribute))


def test_no_value_of_a_control_hides_whom_another_one_names() -> None:
    pair = messages.name_value_pair("RequesterName", "EXAMPLE\\alice")
    named = added(messages.attribute(messages.MICROSOFT + "13.2.1", pair))
    nothing = added(messages.attribute("1.2.3.4"))

    request = parse_certification_request(with_controls((ADD_ATTRIBUTES, [nothing, named])))

    assert request.on_behalf_of == "EXAMPLE\\alice"


def test_more_controls_than_are_read_are_refused() -> None:
    archived = (ADD_ATTRIBUTES, [added(ARCHIVED)])

    with pytest.raises(KeyArchivalUnsupported):
        parse_certification_request(with_controls(*[NONCE] * 63, archived))
    with pytest.raises(RequestTooLarge, match="controls"):
        parse_certification_request(with_controls(*[NONCE] * 64, archived))
