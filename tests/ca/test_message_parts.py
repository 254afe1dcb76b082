"""Messages that lack a part, hold too many, or bring what is not taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from enrollment.ca import der
from enrollment.ca.errors import (
    KeyArchivalUnsupported,
    MalformedRequest,
    RequestTooLarge,
)
from enrollment.ca.request import parse_certification_request
from tests import messages, renewals

if TYPE_CHECKING:
    from collections.abc import Callable


from tests.ca.signed_messages import ARCHIVED, NEW_KEY, OLD, OLD_KEY, SUBJECT, cmc, own_signer


def _archival_by_signer() -> bytes:
    content = messages.pki_data(messages.pkcs10(NEW_KEY, SUBJECT))
    return cmc(content, own_signer(content, unsigned=[ARCHIVED]))


def _archival_by_control() -> bytes:
    key_hash = messages.attribute(messages.MICROSOFT + "21.21", der.octet_string(bytes(20)))
    content = messages.pki_data(messages.pkcs10(NEW_KEY, SUBJECT), added=[key_hash])
    return cmc(content, own_signer(content))


ARCHIVALS: dict[str, Callable[[], bytes]] = {
    "in the request": lambda: messages.pkcs10(NEW_KEY, SUBJECT, [ARCHIVED]),
    "as an unsigned attribute of the signer": _archival_by_signer,
    "as a hash in a control": _archival_by_control,
}


@pytest.mark.parametrize("where", ARCHIVALS)
def test_a_private_key_sent_for_archival_is_refused(where: str) -> None:
    with pytest.raises(KeyArchivalUnsupported) as caught:
        parse_certification_request(ARCHIVALS[where]())
    assert caught.value.hresult == 0x8009400A


def test_more_signers_than_anybody_needs_are_refused() -> None:
    inner = messages.pkcs10(NEW_KEY, SUBJECT)
    signers = [
        messages.signer_info(OLD_KEY, inner + bytes([number]), certificate=OLD)
        for number in range(9)
    ]

    with pytest.raises(RequestTooLarge, match="signers"):
        parse_certification_request(messages.signed_data(inner, signers, [OLD]))


def test_more_certificates_than_anybody_needs_are_refused() -> None:
    inner = messages.pkcs10(NEW_KEY, SUBJECT)
    signer = messages.signer_info(OLD_KEY, inner, certificate=OLD)

    with pytest.raises(RequestTooLarge, match="certificates"):
        parse_certification_request(messages.signed_data(inner, [signer], [OLD] * 17))


@pytest.mark.parametrize("cut", [30, 200, 600])
def test_a_message_with_a_part_missing_is_malformed(cut: int) -> None:
    octets = renewals.windows_renewal(OLD, OLD_KEY, NEW_KEY)
    body = octets[:cut]

    with pytest.raises(MalformedRequest):
        parse_certification_request(body)


def broken_message(*fields: bytes) -> bytes:
    """A ContentInfo whose SignedData has these fields."""
    return der.sequence(der.oid(messages.SIGNED_DATA), der.explicit(0, der.sequence(*fields)))


INNER = der.sequence(der.oid(messages.DATA), der.explicit(0, der.octet_string(b"x")))
VERSION, DIGESTS = der.integer(1), der.set_of()
BROKEN = {
    "nothing in it": der.sequence(der.oid(messages.SIGNED_DATA), der.tlv(0xA0)),
    "too few fields": broken_message(VERSION, DIGESTS, INNER),
    "content without a type": broken_message(VERSION, DIGESTS, der.sequence(), der.set_of()),
    "a certificate without fields": broken_message(
        VERSION, DIGESTS, INNER, der.explicit(0, der.sequence(der.sequence())), der.set_of()
    ),
    "a signer without fields": broken_message(VERSION, DIGESTS, INNER, der.set_of(der.sequence())),
    "a signer without signature": broken_message(
        VERSION,
        DIGESTS,
        INNER,
        der.set_of(
            der.sequence(VERSION, der.implicit(0, b"x"), messages.digest_algorithm("sha256"))
        ),
    ),
    "a signer without a name": broken_message(
        VERSION,
        DIGESTS,
        INNER,
        der.set_of(
            der.sequence(
                VERSION,
                der.null(),
                messages.digest_algorithm("sha256"),
                messages.RSA_KEY,
                der.octet_string(b""),
            )
        ),
    ),
    "a signer with an empty algorithm": broken_message(
        VERSION,
        DIGESTS,
        INNER,
        der.set_of(
            der.sequence(
                VERSION,
                der.implicit(0, b"x"),
                messages.digest_algorithm("sha256"),
                der.sequence(),
                der.octet_string(b""),
            )
        ),
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_message_that_lacks_a_part_is_malformed(what: str) -> None:
    with pytest.raises(MalformedRequest):
        parse_certification_request(BROKEN[what])


def test_controls_and_requests_must_both_be_there() -> None:
    content = der.sequence(der.sequence())

    with pytest.raises(MalformedRequest, match="CMC request is incomplete"):
        parse_certification_request(cmc(content, own_signer(content)))
