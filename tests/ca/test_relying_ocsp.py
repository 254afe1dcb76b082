"""A relying party's side of OCSP. The answers here are written by `cryptography`, not by us."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from enrollment.ca import der, relying_ocsp
from enrollment.ca.check import Severity
from enrollment.ca.ocsp import ResponseStatus, error_response, parse_request
from enrollment.ca.relying_ocsp import Question, Status
from tests import make

NOW = make.NOW.replace(tzinfo=None)
ISSUER, SIGNER = make.authority()
CA_KEY = make.key("ec:p256", 99)
SERIAL = 4711
QUESTION = Question(ISSUER, SERIAL, Status.GOOD)


def responder(
    *,
    usage: x509.ObjectIdentifier | None = ExtendedKeyUsageOID.OCSP_SIGNING,
    no_check: bool = True,
    end: datetime = NOW + timedelta(days=14),
    by: Any = CA_KEY,
) -> x509.Certificate:
    """Return a responder's certificate, of the key number 7."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "OCSP")]))
        .issuer_name(ISSUER.certificate.subject)
        .public_key(make.key("ec:p256", 7).public_key())
        .serial_number(8)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(end)
    )
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    if no_check:
        builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
    return builder.sign(by, hashes.SHA256())


def answer(  # noqa: PLR0913 - one keyword for each thing to spoil
    status: Status = Status.GOOD,
    *,
    by: x509.Certificate | None = None,
    key: Any = None,
    serial: int = SERIAL,
    begin: datetime = NOW,
    end: datetime | None = NOW + timedelta(hours=12),
    nonce: bytes | None = None,
    sends_certificate: bool = True,
) -> bytes:
    """Return an answer signed by a delegated responder."""
    signer = by or responder()
    builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
        b"n" * 20,
        b"k" * 20,
        serial,
        hashes.SHA1(),  # noqa: S303 - what clients send
        status,
        begin,
        end,
        NOW if status is Status.REVOKED else None,
        None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer)
    if sends_certificate:
        builder = builder.certificates([signer])
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    made = builder.sign(key or make.key("ec:p256", 7), hashes.SHA256())
    return made.public_bytes(Encoding.DER)


def altered(data: bytes) -> bytes:
    """Return an answer with another last octet of its signature."""
    signature = ocsp.load_der_ocsp_response(data).signature
    return data.replace(signature, signature[:-1] + bytes((signature[-1] ^ 1,)))


def judged(data: bytes, question: Question = QUESTION) -> tuple[Severity, str]:
    """Return what is thought of an answer."""
    verdict = relying_ocsp.judge(data, question, make.NOW)
    return verdict.severity, verdict.finding


@pytest.mark.parametrize("nonce", [None, b"n" * 32], ids=["by SHA-1", "by SHA-256 with a nonce"])
def test_the_question_is_one_that_our_own_reader_reads(nonce: bytes | None) -> None:
    asked = parse_request(Question(ISSUER, SERIAL, Status.GOOD, nonce).der())

    # Ours hands on the value of the extension as it was written, to send it back (RFC 9654).
    assert asked.nonce == (None if nonce is None else der.octet_string(nonce))
    assert [one.serial_number for one in asked.certificates] == [SERIAL]


def test_an_answer_as_it_should_be_is_in_order() -> None:
    assert judged(answer()) == (
        Severity.OK,
        "Answers 'good' as it should; its responder's certificate ends 2026-12-07.",
    )


def test_an_answer_signed_by_the_ca_itself_is_in_order() -> None:
    data = answer(by=ISSUER.certificate, key=CA_KEY)

    assert judged(data) == (Severity.OK, "Answers 'good' as it should, signed by the CA itself.")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        pytest.param(b"<html>", "no OCSP response", id="a page"),
        pytest.param(
            error_response(ResponseStatus.INTERNAL_ERROR), "'internal_error'", id="an error"
        ),
        pytest.param(answer(sends_certificate=False), "does not send", id="no certificate"),
        pytest.param(
            answer(by=responder(by=make.key("ec:p256", 5))), "not issued by this key", id="a forger"
        ),
        pytest.param(
            answer(by=responder(usage=ExtendedKeyUsageOID.SERVER_AUTH)), "not for OCSP", id="usage"
        ),
        pytest.param(answer(by=responder(usage=None)), "not for OCSP", id="no usage"),
        pytest.param(
            answer(by=responder(end=NOW)), "certificate ended", id="a responder that ended"
        ),
        pytest.param(altered(answer()), "not the responder's", id="signature"),
        pytest.param(answer(serial=1), "another certificate, 1", id="another certificate"),
        pytest.param(answer(Status.REVOKED), "by our records it is good", id="another status"),
        pytest.param(answer(begin=NOW + timedelta(hours=1)), "later than now", id="the future"),
        pytest.param(
            answer(begin=NOW - timedelta(hours=2), end=NOW), "an old one is served", id="the past"
        ),
        pytest.param(answer(nonce=b"x" * 16), "answer to somebody else", id="a foreign nonce"),
    ],
)
def test_what_is_wrong_with_an_answer_is_told(data: bytes, told: str) -> None:
    severity, sentence = judged(data)

    assert severity is Severity.CRITICAL
    assert told in sentence


def test_a_nonce_may_come_back_or_not_come_at_all() -> None:
    question = Question(ISSUER, SERIAL, Status.GOOD, b"n" * 32)

    assert judged(answer(nonce=b"n" * 32), question)[0] is Severity.OK
    assert judged(answer(), question)[0] is Severity.OK


def test_a_certificate_nobody_issued_must_not_be_good() -> None:
    severity, sentence = judged(answer(), Question(ISSUER, SERIAL, Status.UNKNOWN))

    assert severity is Severity.CRITICAL
    assert "stolen key" in sentence


@pytest.mark.parametrize(
    ("certificate", "told"),
    [
        pytest.param(responder(no_check=False), "ocsp-nocheck", id="no check"),
        pytest.param(responder(end=NOW + timedelta(hours=20)), "was not renewed", id="its end"),
    ],
)
def test_a_responder_that_will_be_refused_is_told_before(
    certificate: x509.Certificate, told: str
) -> None:
    severity, sentence = judged(answer(by=certificate))

    assert severity is Severity.WARNING
    assert told in sentence
