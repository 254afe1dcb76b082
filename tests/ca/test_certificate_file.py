"""Certificates are read out of every form in which a CA gives them back."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs7,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

from enrollment.ca import encode
from enrollment.ca.answer_errors import AnswerRefused, NoCertificate, PrivateKeyGiven
from enrollment.ca.certificate_file import MAX_OCTETS, read_certificates
from tests import make
from tests.ca import parents

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = parents.root()
POLICY = parents.policy_ca(ROOT)
BOTH = (POLICY.certificate, ROOT.certificate)
DER = tuple(each.public_bytes(Encoding.DER) for each in BOTH)
KEY = ROOT.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def pem() -> bytes:
    return encode.pem_bundle(DER).encode()


def labelled(label: str, octets: bytes) -> bytes:
    body = base64.encodebytes(octets).decode()
    return f"-----BEGIN {label}-----\n{body}-----END {label}-----\n".encode()


def indefinite(octets: bytes) -> bytes:
    """Return a PKCS #7 as old tools write it: the outermost length left open."""
    head = 4 if octets[1] == 0x82 else 2
    return b"\x30\x80" + octets[head:] + b"\x00\x00"


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(pem(), id="PEM"),
        pytest.param(pem().replace(b"\r\n", b"\n"), id="PEM, Unix lines"),
        pytest.param(b"subject=CN = x\nissuer=CN = y\n" + pem() + b"\n\n", id="text around"),
        pytest.param(pem().decode().encode("utf-16"), id="UTF-16"),
        pytest.param(encode.pkcs7(DER), id="PKCS #7, DER"),
        pytest.param(indefinite(encode.pkcs7(DER)), id="PKCS #7, BER"),
        pytest.param(encode.pem_pkcs7(encode.pkcs7(DER)).encode(), id="PKCS #7, CERTIFICATE"),
        pytest.param(labelled("PKCS7", encode.pkcs7(DER)), id="PKCS #7, PKCS7"),
        pytest.param(base64.encodebytes(encode.pkcs7(DER)), id="bare base64"),
        pytest.param(pem() + pem(), id="each twice"),
        pytest.param(
            b"".join(labelled("TRUSTED CERTIFICATE", each + b"\x30\x00") for each in DER),
            id="TRUSTED CERTIFICATE, with more behind",
        ),
    ],
)
def test_every_form_gives_the_certificates_in_their_order(raw: bytes) -> None:
    assert read_certificates(raw, "answer") == BOTH


def test_what_cryptography_writes_is_read() -> None:
    for encoding in (Encoding.DER, Encoding.PEM):
        raw = pkcs7.serialize_certificates(list(BOTH), encoding)
        assert set(read_certificates(raw, "answer")) == set(BOTH)


def test_one_certificate_in_der_is_read() -> None:
    assert read_certificates(DER[0], "answer") == (POLICY.certificate,)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        pytest.param(b"", "holds no certificate", id="nothing"),
        pytest.param(b"hello", "its text is not base64", id="words"),
        pytest.param(b"\x00\x01\x02\xff" * 9, "its text is not base64", id="noise"),
        pytest.param(b"aGVsbG8gaGVsbG8=", "holds no certificate, or a damaged one", id="base64"),
        pytest.param(make.request_pem(), "is the request itself", id="the request"),
        pytest.param(pem()[:-40], "without its END line", id="cut off"),
        pytest.param(pem().replace(b"MII", b"M!I"), "not base64", id="damaged"),
        pytest.param(DER[0][:-9], "damaged", id="DER cut off"),
        pytest.param(b"PK\x03\x04" + bytes(30), "a ZIP archive", id="ZIP"),
        pytest.param(b"x" * (MAX_OCTETS + 1), "at most 262,144 are read", id="too long"),
        pytest.param(encode.pkcs7(()), "holds no certificate", id="an empty PKCS #7"),
        pytest.param(encode.pkcs7(DER[:1] * 20), "more than 16 certificates", id="too many"),
        pytest.param(
            labelled("PUBLIC KEY", ROOT.key.public_key().public_bytes(
                Encoding.DER, PublicFormat.SubjectPublicKeyInfo)),
            "is a bare public key, not a certificate", id="a public key",
        ),
        pytest.param(
            labelled("CERTIFICATE", DER[0].replace(b"\x55\x1d\x13", b"\x55\x1d\x0f")),
            "cannot be read", id="an extension twice",
        ),
    ],
)  # fmt: skip
def test_what_is_no_certificate_is_named(raw: bytes, words: str) -> None:
    with pytest.raises(NoCertificate) as caught:
        read_certificates(raw, "answer.cer")

    assert words in caught.value.detail
    assert "answer.cer" in caught.value.detail


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(lambda: KEY, id="alone"),
        pytest.param(lambda: pem() + KEY, id="behind certificates"),
        pytest.param(lambda: KEY.replace(b"PRIVATE KEY", b"CERTIFICATE"), id="under another label"),
        pytest.param(
            lambda: ROOT.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
            id="DER",
        ),
        pytest.param(
            lambda: ROOT.key.private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")
            ),
            id="encrypted",
        ),
        pytest.param(
            lambda: ROOT.key.private_bytes(
                Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"x")
            ),
            id="encrypted as of old, with header lines",
        ),
        pytest.param(
            lambda: ROOT.key.private_bytes(
                Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
            ),
            id="OpenSSH",
        ),
        pytest.param(
            lambda: serialize_key_and_certificates(
                b"ca", ROOT.key, ROOT.certificate, None, BestAvailableEncryption(b"x")  # type: ignore[arg-type]  # an EC key
            ),
            id="PKCS #12",
        ),
    ],
)  # fmt: skip
def test_a_private_key_is_refused_and_not_quoted(raw: Callable[[], bytes]) -> None:
    with pytest.raises(PrivateKeyGiven) as caught:
        read_certificates(raw(), "ca.key")

    assert str(caught.value).startswith("ca.key holds a private key; nothing of it was kept.")


def test_a_file_cut_anywhere_is_a_sentence_and_never_a_fault() -> None:
    message = encode.pkcs7(DER)

    for end in range(1, len(message), 7):
        try:
            read_certificates(message[:end], "answer")
        except AnswerRefused:
            continue
        pytest.fail(f"{end} octets were taken for a whole message")


def test_every_certificate_is_loaded_with_what_is_looked_at_later() -> None:
    (loaded,) = read_certificates(DER[1], "root.cer")

    assert isinstance(loaded, x509.Certificate)
    assert loaded.extensions
