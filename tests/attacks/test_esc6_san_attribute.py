"""ESC6: names in the attributes beside a request, which Microsoft's CA can be told to follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from tests import make, messages
from tests.attacks.playing import AT_ONCE, names_in

if TYPE_CHECKING:
    from tests.attacks.playing import Attacker

EVIL = "dns=evil.example.com&upn=bob@corp.example.com&email=bob@example.com"
LINES = {
    "as documented": f"SAN:{EVIL}",
    "in small letters": f"san:{EVIL}",
    "with a blank": f"S AN : {EVIL}",
    "with a minus sign": f"S-A-N:{EVIL}",
    "keys in capitals": f"SAN:{EVIL.upper()}",
    "twice": f"SAN:dns=mine.example.com\r\nSAN:{EVIL}",
    "after a line feed alone": f"UserAgent:x\nSAN:{EVIL}",
    "by number": f"2.5.29.17:{EVIL}",
    "by the long name": f"SubjectAltName:{EVIL}",
    "braces, as certreq takes them": f"SAN:{{utf8}}{EVIL}",
}


def pairs_in_request() -> bytes:
    pair = messages.name_value_pair("SAN", EVIL)
    attribute = messages.attribute(messages.MICROSOFT + "13.2.1", pair)
    return messages.pkcs10(make.key(), messages.common_name("mine.example.com"), [attribute])


def _cmc(**options: object) -> bytes:
    key = make.key()
    request = messages.pkcs10(key, messages.common_name("mine.example.com"))
    content = messages.pki_data(request, **options)  # type: ignore[arg-type]  # of one case each
    signed = [
        messages.attribute(messages.MICROSOFT + "13.2.1", messages.name_value_pair("SAN", EVIL))
    ]
    signer = messages.signer_info(
        key,
        content,
        key_identifier=messages.key_identifier(key),
        content_type=messages.PKI_DATA,
        extra_signed=[] if options else signed,
    )
    return messages.signed_data(content, [signer], content_type=messages.PKI_DATA, version=3)


def registration_information() -> bytes:
    return _cmc(registration_info=f"SAN={EVIL.replace('&', '%26').replace('=', '%3D')}")


def added_attributes() -> bytes:
    pair = messages.name_value_pair("SAN", EVIL)
    return _cmc(added=[messages.attribute(messages.MICROSOFT + "13.2.1", pair)])


MESSAGES = {
    "a pair in the PKCS #10": pairs_in_request,
    "the registration information of CMC": registration_information,
    "the added attributes of CMC": added_attributes,
    "the signed attributes of CMC": _cmc,
}


def own(certificate: x509.Certificate) -> bool:
    written = " ".join(str(name) for name in names_in(certificate)).casefold()
    return bool(written) and "evil" not in written and "bob" not in written


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("template", AT_ONCE)
def test_no_line_beside_a_request_adds_a_name(alice: Attacker, template: str, line: str) -> None:
    answer = alice.ask(template, attributes=LINES[line])

    assert own(answer.certificate)


@pytest.mark.parametrize("form", MESSAGES)
@pytest.mark.parametrize("template", AT_ONCE)
def test_no_pair_within_a_message_adds_a_name(alice: Attacker, template: str, form: str) -> None:
    answer = alice.ask(template, raw=MESSAGES[form]())

    assert own(answer.certificate)


def test_the_same_name_within_the_request_is_a_name(alice: Attacker) -> None:
    """So that the tests above know the difference."""
    answer = alice.ask("WebServer", names=[x509.DNSName("evil.example.com")])

    assert not own(answer.certificate)
