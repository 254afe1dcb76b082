"""Times, caches and the signer of answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp as library
from cryptography.x509.oid import ExtendedKeyUsageOID
from django.test import Client

from enrollment import keys
from enrollment.ca.revocation import Act, Reason
from enrollment.models import Authority, Certificate
from enrollment.services import authority, responders, revocation
from tests.ocsp import questions
from tests.ocsp.asking import (
    MANAGER,
    Outcome,
    Status,
    get,
    outcome,
    path_of,
    post,
    statuses,
)
from tests.ocsp.questions import Issuer, nonce, request


def test_the_times_of_an_answer_make_sense(serial: int, issuer: Issuer) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    answer = library.load_der_ocsp_response(post(request(issuer.identity(serial))).content)
    after = datetime.now(UTC)

    assert answer.next_update_utc is not None
    assert before <= answer.this_update_utc <= after
    assert before <= answer.produced_at_utc <= after
    assert timedelta(hours=1) < answer.next_update_utc - answer.this_update_utc
    assert answer.next_update_utc <= answer.certificates[0].not_valid_after_utc
    assert answer.this_update_utc >= answer.certificates[0].not_valid_before_utc


def test_a_cache_may_keep_an_answer_for_a_while(serial: int, issuer: Issuer) -> None:
    """RFC 9919 section 6.2."""
    answer = get(request(issuer.identity(serial)))

    loaded = library.load_der_ocsp_response(answer.content)
    assert loaded.next_update_utc is not None
    words = answer["Cache-Control"].split(", ")
    assert words[1:] == ["public", "no-transform", "must-revalidate"]
    seconds = int(words[0].removeprefix("max-age="))
    assert 0 < seconds < (loaded.next_update_utc - datetime.now(UTC)).total_seconds()
    assert parsedate_to_datetime(answer["Expires"]) == loaded.next_update_utc
    assert parsedate_to_datetime(answer["Last-Modified"]) == loaded.this_update_utc


@pytest.mark.parametrize("ask", [get, post])
def test_no_cache_keeps_an_answer_with_a_nonce(ask: Any, serial: int, issuer: Issuer) -> None:
    answer = ask(request(issuer.identity(serial), extensions=(nonce(b"n" * 32),)))

    assert statuses(answer) == [Status.GOOD]
    assert answer["Cache-Control"] == "no-store"
    assert not {"ETag", "Expires", "Last-Modified"} & set(answer.headers)


def test_no_cache_keeps_an_error(row: Certificate) -> None:
    answer = get(request(questions.STRANGER.identity(1)))

    assert outcome(answer) is Outcome.UNAUTHORIZED
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("held", ["{}", "W/{}", '"other", {}', "*"])
def test_a_cache_that_holds_the_answer_is_told_so(held: str, serial: int, issuer: Issuer) -> None:
    asked = request(issuer.identity(serial))
    tag = get(asked)["ETag"]

    answer = get(asked, if_none_match=held.format(tag))

    assert (answer.status_code, answer.content) == (304, b"")
    assert answer["ETag"] == tag
    assert "max-age" in answer["Cache-Control"]


@pytest.mark.parametrize("held", ["other", '"other"', "", '"', "W/"])
def test_a_cache_that_holds_something_else_gets_the_answer(
    held: str, serial: int, issuer: Issuer
) -> None:
    answer = get(request(issuer.identity(serial)), if_none_match=held)

    assert statuses(answer) == [Status.GOOD]


def test_a_revocation_within_the_same_second_is_told_to_a_cache(
    row: Certificate, serial: int, issuer: Issuer
) -> None:
    """Its tag is another one; If-Modified-Since would not tell the two answers apart."""
    asked = request(issuer.identity(serial))
    first = get(asked)
    order = revocation.Order(Act.REVOKE, Reason.KEY_COMPROMISE)
    revocation.change_status([row], order, MANAGER, now=datetime.now(UTC))

    again = get(asked, if_none_match=first["ETag"], if_modified_since=first["Last-Modified"])
    by_date = get(asked, if_modified_since="Fri, 31 Dec 2100 00:00:00 GMT")

    assert statuses(again) == statuses(by_date) == [Status.REVOKED]


def test_a_head_has_the_headers_of_a_get(serial: int, issuer: Issuer) -> None:
    path = "/ocsp/" + quote(path_of(issuer, serial), safe="")

    head = Client().head(path)

    assert head.status_code == 200
    assert head["ETag"] == Client().get(path)["ETag"]
    assert head["Content-Type"] == "application/ocsp-response"


# --- the signer of answers ---


def test_the_signer_of_answers_may_do_that_and_nothing_else(serial: int, issuer: Issuer) -> None:
    """RFC 6960 section 4.2.2.2, and 4.2.2.2.1: whoever checks it needs no further list."""
    answer = library.load_der_ocsp_response(post(request(issuer.identity(serial))).content)

    (signer,) = answer.certificates
    found = {extension.oid: extension for extension in signer.extensions}
    purposes = found[x509.ExtendedKeyUsage.oid].value
    assert list(purposes) == [ExtendedKeyUsageOID.OCSP_SIGNING]
    assert x509.OCSPNoCheck.oid in found
    assert not found[x509.OCSPNoCheck.oid].critical
    assert not {x509.CRLDistributionPoints.oid, x509.AuthorityInformationAccess.oid} & set(found)
    usage = found[x509.KeyUsage.oid].value
    assert (usage.digital_signature, usage.key_cert_sign, usage.crl_sign) == (True, False, False)
    digest = hashes.Hash(hashes.SHA1())  # noqa: S303 - an identifier, RFC 6960 section 4.2.1
    from enrollment.ca.content import key_bits
    from enrollment.keys.signer import spki

    digest.update(key_bits(spki(signer.public_key())))
    assert answer.responder_key_hash == digest.finalize()


def test_a_key_that_computes_wrongly_gives_an_error_and_no_page(
    serial: int, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the responder's key nor the CA's: whoever asks learns no more than that."""
    right = keys.FileSigner.sign
    monkeypatch.setattr(keys.FileSigner, "sign", lambda _self, _message: bytes(64))
    assert outcome(post(request(issuer.identity(serial)))) is Outcome.INTERNAL_ERROR

    responders.paused.end_all()
    ca = authority.issuer_of(authority.current()).public_key
    monkeypatch.setattr(
        keys.FileSigner,
        "sign",
        lambda self, message: bytes(64) if self.public_key == ca else right(self, message),
    )
    assert outcome(post(request(issuer.identity(serial)))) is Outcome.INTERNAL_ERROR


def test_a_ca_without_certificates_answers_for_itself(site: object) -> None:
    own = Issuer.of(Authority.objects.get())

    assert statuses(post(request(own.identity(1)))) == [Status.UNKNOWN]
