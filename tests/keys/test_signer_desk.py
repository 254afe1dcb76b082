"""What the signer signs, and what it refuses with a sentence."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from enrollment.ca import der
from enrollment.ca.crl import compose, crl_times
from enrollment.models import CrossCertificate, SigningRecord
from enrollment.services import authority, ca_life, keyring, own_certificates, responders
from enrollment.signer.desk import Desk
from enrollment.signer.log import UseLog
from enrollment.signer.rate import Rate

if TYPE_CHECKING:
    from pathlib import Path

    from enrollment.services.setup import SetupReport

NOW = datetime.now(UTC)
RESPONDER = "ocsp-0"


@pytest.fixture
def desk(site: SetupReport, tmp_path: Path) -> Desk:
    return Desk(keyring.ring(), UseLog(tmp_path), 1000)


def lines(home: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (home / "signer.log").read_text().splitlines()]


def sign(desk: Desk, reference: str, message: bytes) -> tuple[dict[str, Any], bytes]:
    return desk.answer({"verb": "sign", "reference": reference}, message, 1)


def committed(site: SetupReport) -> SigningRecord:
    """A record as issuing leaves it between the decision and the signature."""
    responders.ensure(site.authority, NOW)
    record = SigningRecord.objects.latest("pk")
    record.state = SigningRecord.State.COMMITTED
    record.save()
    return record


def a_list(site: SetupReport) -> bytes:
    issuer = authority.issuer_of(site.authority)
    times = crl_times(NOW, timedelta(days=7), timedelta(minutes=10))
    return compose(issuer, (), number=99, times=times)


def test_a_committed_certificate_is_signed(site: SetupReport, desk: Desk, tmp_path: Path) -> None:
    record = committed(site)

    head, signature = sign(desk, site.authority.key_reference, bytes(record.tbs))

    assert not head
    issuer = authority.issuer_of(site.authority)
    issuer.signature_algorithm.verify(issuer.public_key, signature, bytes(record.tbs))
    assert lines(tmp_path)[-1]["digest"] == record.digest


@pytest.mark.parametrize("state", ["prepared", "signed", "abandoned"])
def test_a_certificate_that_is_not_committed_is_refused(
    state: str, site: SetupReport, desk: Desk, tmp_path: Path
) -> None:
    record = committed(site)
    SigningRecord.objects.filter(pk=record.pk).update(state=state)

    head, signature = sign(desk, site.authority.key_reference, bytes(record.tbs))

    assert "was not decided" in head["refused"]
    assert not signature
    assert lines(tmp_path)[-1]["outcome"] == "refused"


def test_a_certificate_with_one_octet_changed_is_refused(site: SetupReport, desk: Desk) -> None:
    tbs = bytearray(committed(site).tbs)
    tbs[-1] ^= 1

    head, _ = sign(desk, site.authority.key_reference, bytes(tbs))

    assert "was not decided" in head["refused"]


def test_a_certificate_of_the_ca_itself_is_refused(site: SetupReport, desk: Desk) -> None:
    root = x509.load_der_x509_certificate(bytes(site.authority.der))

    head, _ = sign(desk, site.authority.key_reference, root.tbs_certificate_bytes)

    assert "was not decided" in head["refused"]


def test_a_cross_certificate_is_refused(site: SetupReport, desk: Desk) -> None:
    """Commands make them, under the operator's hand: another key must not be vouched for here."""
    ca_life.renew(new_key=True, actor="test", now=NOW)

    for row in CrossCertificate.objects.select_related("issuing"):
        head, _ = sign(desk, row.issuing.key_reference, bytes(row.tbs))
        assert "was not decided" in head["refused"]


def test_a_list_of_the_ca_is_signed(site: SetupReport, desk: Desk, tmp_path: Path) -> None:
    head, signature = sign(desk, site.authority.key_reference, a_list(site))

    assert not head
    assert signature
    assert lines(tmp_path)[-1]["content"] == "revocation list"


def test_a_list_of_another_ca_is_refused(site: SetupReport, desk: Desk) -> None:
    name = authority.issuer_of(site.authority).name_der
    other = a_list(site).replace(name, name[:-1] + b"!")

    head, _ = sign(desk, site.authority.key_reference, other)

    assert "another issuer" in head["refused"]


def test_the_ca_key_signs_no_request_and_no_answer(site: SetupReport, desk: Desk) -> None:
    key = keyring.open_key(site.authority.key_reference)
    for message in (_request_of(key), _answer()):
        head, _ = sign(desk, site.authority.key_reference, message)
        assert "never signs" in head["refused"]


def test_a_responders_key_is_made_and_signs_its_request_and_answers(desk: Desk) -> None:
    head, made = desk.answer({"verb": "make", "kind": "ec:p256", "purpose": RESPONDER}, b"", 1)
    key = keyring.open_key(made.decode())

    assert not head
    assert sign(desk, made.decode(), _request_of(key))[1]
    assert sign(desk, made.decode(), _answer())[1]


def test_a_responders_key_signs_no_request_for_another_key(site: SetupReport, desk: Desk) -> None:
    _, made = desk.answer({"verb": "make", "kind": "ec:p256", "purpose": RESPONDER}, b"", 1)
    other = _request_of(keyring.open_key(site.authority.key_reference))

    head, _ = sign(desk, made.decode(), other)

    assert "another key" in head["refused"]


def test_a_responders_key_signs_no_certificate_and_no_list(site: SetupReport, desk: Desk) -> None:
    _, made = desk.answer({"verb": "make", "kind": "ec:p256", "purpose": RESPONDER}, b"", 1)

    for message in (bytes(committed(site).tbs), a_list(site)):
        head, _ = sign(desk, made.decode(), message)
        assert "never signs" in head["refused"]


def test_a_key_for_anything_else_is_not_made(desk: Desk) -> None:
    head, _ = desk.answer({"verb": "make", "kind": "ec:p256", "purpose": "ca"}, b"", 1)

    assert "OCSP responders only" in head["refused"]


@pytest.mark.parametrize(
    "reference",
    ["/etc/shadow", "keys/../secret-key", "keys/ocsp-0-1234abcd.pem/../x", "tls/site.key", "x"],
)
def test_a_key_that_is_not_the_cas_is_not_opened(reference: str, desk: Desk) -> None:
    head, _ = desk.answer({"verb": "public key", "reference": reference}, b"", 1)

    assert "no key of this CA" in head["refused"]


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"x",
        b"\x30\x80\x00\x00",
        b"\x30\x00",
        der.sequence(der.integer(1)),
        b"\x30\x03\x02\x01",
    ],
    ids=["nothing", "text", "indefinite", "empty", "integer", "truncated"],
)
def test_what_is_no_known_content_is_refused(message: bytes, site: SetupReport, desk: Desk) -> None:
    head, signature = sign(desk, site.authority.key_reference, message)

    assert "refused" in head
    assert not signature


@pytest.mark.parametrize("head", [{}, {"verb": "export"}, {"verb": "sign"}, {"verb": ["sign"]}])
def test_an_unknown_question_is_refused(head: dict[str, Any], desk: Desk) -> None:
    assert "refused" in desk.answer(head, b"", 1)[0]


def test_certificates_beyond_the_rate_are_refused(site: SetupReport, tmp_path: Path) -> None:
    record = committed(site)
    desk = Desk(keyring.ring(), UseLog(tmp_path), 1)

    first, _ = sign(desk, site.authority.key_reference, bytes(record.tbs))
    second, _ = sign(desk, site.authority.key_reference, bytes(record.tbs))

    assert not first
    assert "no more" in second["refused"]


def test_nothing_is_signed_that_cannot_be_written_down(site: SetupReport, tmp_path: Path) -> None:
    (tmp_path / "signer.log").mkdir()
    desk = Desk(keyring.ring(), UseLog(tmp_path), 1000)

    head, signature = sign(desk, site.authority.key_reference, a_list(site))

    assert "log" in head["refused"]
    assert not signature


def test_a_rate_fills_again() -> None:
    moments = iter([0.0, 0.0, 0.0, 0.0, 30.0])
    rate = Rate(2, lambda: next(moments))

    assert [rate.spend() for _ in range(4)] == [True, True, False, True]


def _request_of(key: Any) -> bytes:
    request = own_certificates._request(key, "responder", ())  # noqa: SLF001 - as it is signed
    return x509.load_der_x509_csr(request.der).tbs_certrequest_bytes


def _answer() -> bytes:
    responder = der.explicit(2, der.octet_string(bytes(20)))
    return der.sequence(responder, der.tlv(0x18, b"20261123100000Z"), der.sequence())
