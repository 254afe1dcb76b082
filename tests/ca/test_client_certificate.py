"""Certificates that no library can read to the end sign nobody in: found by fuzzing."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from enrollment.ca import client_certificate
from enrollment.ca.answer_errors import NoCertificate
from enrollment.ca.certificate_file import read_certificates
from enrollment.ca.client_certificate import NoClientCertificate
from tests.build_vectors import old_certificate

SOUND = old_certificate().public_bytes(Encoding.DER)
SPOILT = {
    "an issuer that is no UTF-8": SOUND.replace(b"Vector CA", b"Vector \xff\xff"),
    "a subject that is no UTF-8": SOUND.replace(b"\x0c\x0fwww.e", b"\x0c\x0f\xff\xffw.e"),
    "version 4": SOUND.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x03"),
    "a name of X.400": SOUND.replace(b"\x82\x0fwww.e", b"\xa3\x0fwww.e"),
    "a subject of bits": SOUND.replace(b"\x0c\x0fwww.e", b"\x03\x0f\x00ww.e"),
}


def test_a_sound_one_is_read() -> None:
    assert client_certificate.read(SOUND).claims
    assert read_certificates(SOUND, "file")


@pytest.mark.parametrize("what", SPOILT)
def test_one_that_cannot_be_read_is_no_client_s(what: str) -> None:
    assert SPOILT[what] != SOUND
    with pytest.raises(NoClientCertificate):
        client_certificate.read(SPOILT[what])


@pytest.mark.parametrize("what", SPOILT)
def test_one_that_cannot_be_read_is_no_answer_of_a_ca(what: str) -> None:
    with pytest.raises(NoCertificate):
        read_certificates(SPOILT[what], "file")
