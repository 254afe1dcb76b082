"""What relying parties are told, and how soon."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp as pyca
from django.utils import timezone

from enrollment import keys
from enrollment.ca.revocation import Act, Reason
from enrollment.models import AuditEvent, Certificate, EnrollmentRequest, Responder
from enrollment.services import (
    authority,
    ca_life,
    directory,
    enroll,
    ocsp,
    responders,
    revocation,
)
from tests import make

if TYPE_CHECKING:
    import pytest
    from django.contrib.auth.models import User
    from pytest_django import DjangoAssertNumQueries

    from enrollment.models import Authority

MANAGER = revocation.Revoker("maria", may_revoke=True)


def issue(user: User) -> Certificate:
    submission = enroll.Submission(
        make.request_pem(kind="ec:p256"),
        "CertificateTemplate:WebServer",
        directory.requester_of(user),
        "web",
    )
    row = enroll.enroll(submission, now=timezone.now())
    assert row.certificate is not None
    return row.certificate


def question(
    row: Certificate, digest: hashes.HashAlgorithm | None = None, *, nonce: bytes | None = None
) -> bytes:
    leaf = x509.load_der_x509_certificate(bytes(row.der))
    issuer = authority.issuer_of(authority.current()).certificate
    builder = pyca.OCSPRequestBuilder().add_certificate(leaf, issuer, digest or hashes.SHA256())
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(Encoding.DER)


def told(row: Certificate, digest: hashes.HashAlgorithm | None = None) -> pyca.OCSPResponse:
    answer = ocsp.respond(question(row, digest), now=timezone.now())
    return pyca.load_der_ocsp_response(answer.der)


def test_a_certificate_we_issued_is_good_by_either_hash(alice: User) -> None:
    row = issue(alice)

    for digest in (hashes.SHA1(), hashes.SHA256()):  # noqa: S303 - clients still send it
        assert told(row, digest).certificate_status is pyca.OCSPCertStatus.GOOD


def test_a_revocation_is_told_at_once_although_an_answer_was_kept(alice: User) -> None:
    row = issue(alice)
    told(row)

    order = revocation.Order(Act.REVOKE, Reason.KEY_COMPROMISE)
    revocation.change_status([row], order, MANAGER, now=timezone.now())

    answer = told(row)
    assert answer.certificate_status is pyca.OCSPCertStatus.REVOKED
    assert answer.revocation_reason is x509.ReasonFlags.key_compromise


def test_what_another_node_wrote_into_the_database_is_told_at_once(alice: User) -> None:
    """Nothing is sent from node to node: the status is looked up for every answer."""
    row = issue(alice)
    told(row)

    revoked_at = timezone.now().replace(microsecond=0)
    Certificate.objects.filter(pk=row.pk).update(revoked_at=revoked_at, revocation_reason=4)

    answer = told(row)
    assert answer.certificate_status is pyca.OCSPCertStatus.REVOKED
    assert answer.revocation_reason is x509.ReasonFlags.superseded
    assert answer.revocation_time_utc == revoked_at


def test_an_answer_that_is_used_again_costs_one_look_at_the_database(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    row = issue(alice)
    told(row)
    asked = question(row)

    with django_assert_num_queries(1):
        ocsp.respond(asked, now=timezone.now())


def test_an_answer_that_is_signed_costs_two(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """The status, and whether the responder is still the newest."""
    row = issue(alice)
    told(row)
    asked = question(row, nonce=b"n" * 32)

    with django_assert_num_queries(2):
        ocsp.respond(asked, now=timezone.now())


def test_an_answer_is_signed_anew_when_half_its_time_is_over(alice: User) -> None:
    row = issue(alice)
    now = timezone.now()
    first = ocsp.respond(question(row), now=now)

    assert ocsp.respond(question(row), now=now + timedelta(hours=5)) is first
    assert ocsp.respond(question(row), now=now + timedelta(hours=7)) is not first


def test_only_short_questions_without_a_nonce_have_their_answers_kept(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stranger chooses how long a question is, and may ask each only once."""
    row = issue(alice)
    now = timezone.now()
    ocsp._kept.clear()  # noqa: SLF001 - as after a restart

    ocsp.respond(question(row, nonce=b"n" * 32), now=now)
    assert not ocsp._kept  # noqa: SLF001 - what is kept

    monkeypatch.setattr(ocsp, "_LONGEST_KEPT", 20)
    ocsp.respond(question(row), now=now)
    assert not ocsp._kept  # noqa: SLF001 - as above


def test_no_more_answers_are_kept_than_there_is_room_for(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [issue(alice), issue(alice), issue(alice)]
    monkeypatch.setattr(ocsp, "_MOST_ANSWERS", 2)
    for row in rows:
        told(row)

    assert question(rows[0]) not in ocsp._kept  # noqa: SLF001 - the oldest went
    assert question(rows[2]) in ocsp._kept  # noqa: SLF001 - the newest stays


def test_a_new_ca_key_is_answered_for_as_soon_as_somebody_asks(alice: User) -> None:
    told(issue(alice))
    ca_life.renew(new_key=True, actor="test", now=timezone.now())

    assert told(issue(alice)).certificate_status is pyca.OCSPCertStatus.GOOD


def test_questions_about_strange_keys_leave_nothing_in_memory(alice: User) -> None:
    told(issue(alice))
    known = len(ocsp._keys)  # noqa: SLF001 - what is remembered
    strange = pyca.OCSPRequestBuilder().add_certificate_by_hash(
        b"\x05" * 32, b"\x06" * 32, 4711, hashes.SHA256()
    )

    ocsp.respond(strange.build().public_bytes(Encoding.DER), now=timezone.now())

    assert len(ocsp._keys) == known  # noqa: SLF001 - as above


def test_a_responder_that_another_node_made_is_used_at_once(alice: User) -> None:
    row = issue(alice)
    now = timezone.now()
    first = responders.ready(0, now).row
    assert responders.ready(0, now).row is first
    other = Responder.objects.get(pk=first.pk)
    other.pk = None
    other.save(force_insert=True)

    assert responders.ready(0, now).row == other
    assert told(row).certificate_status is pyca.OCSPCertStatus.GOOD


def test_a_hold_is_told_and_so_is_its_release(alice: User) -> None:
    row = issue(alice)
    now = timezone.now()
    revocation.change_status([row], revocation.Order(Act.HOLD), MANAGER, now=now)
    held = told(row)
    revocation.change_status([row], revocation.Order(Act.RELEASE), MANAGER, now=now)

    assert held.revocation_reason is x509.ReasonFlags.certificate_hold
    assert told(row).certificate_status is pyca.OCSPCertStatus.GOOD


def test_a_number_we_never_issued_is_unknown_and_not_good(alice: User) -> None:
    row = issue(alice)
    request = pyca.load_der_ocsp_request(question(row))
    strange = pyca.OCSPRequestBuilder().add_certificate_by_hash(
        request.issuer_name_hash, request.issuer_key_hash, 4711, hashes.SHA256()
    )

    answer = ocsp.respond(strange.build().public_bytes(Encoding.DER), now=timezone.now())

    loaded = pyca.load_der_ocsp_response(answer.der)
    assert loaded.certificate_status is pyca.OCSPCertStatus.UNKNOWN


def test_certificates_of_another_ca_are_not_ours_to_answer_for(alice: User) -> None:
    issue(alice)
    strange = pyca.OCSPRequestBuilder().add_certificate_by_hash(
        b"\x01" * 32, b"\x02" * 32, 4711, hashes.SHA256()
    )

    answer = ocsp.respond(strange.build().public_bytes(Encoding.DER), now=timezone.now())

    status = pyca.load_der_ocsp_response(answer.der).response_status
    assert status is pyca.OCSPResponseStatus.UNAUTHORIZED


def test_the_responder_is_renewed_before_it_ends(alice: User) -> None:
    issue(alice)
    now = timezone.now()
    first = responders.ensure(authority.current(), now)

    assert responders.ensure(authority.current(), now + timedelta(days=1)) == first
    assert responders.ensure(authority.current(), now + timedelta(days=13)) != first
    assert Responder.objects.count() == 2


def test_questions_to_a_ca_that_cannot_sign_leave_nothing_behind(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody may ask, as often as they like: no key, no request, no event for each question."""
    row = issue(alice)
    asked = []

    def lost(ca: Authority) -> keys.Signer:
        asked.append(ca)
        raise keys.KeyFileMissing("There is no private key.")

    monkeypatch.setattr(authority, "signer_of", lost)
    requests, events = EnrollmentRequest.objects.count(), AuditEvent.objects.count()

    for _ in range(3):
        assert told(row).response_status is pyca.OCSPResponseStatus.INTERNAL_ERROR

    assert len(asked) == 1
    assert EnrollmentRequest.objects.count() == requests
    assert AuditEvent.objects.count() == events


def test_questions_to_a_ca_that_has_ended_leave_nothing_behind(alice: User) -> None:
    row = issue(alice)
    requests = EnrollmentRequest.objects.count()
    after = authority.issuer_of(authority.current()).not_after + timedelta(days=1)

    answer = ocsp.respond(question(row), now=after)

    status = pyca.load_der_ocsp_response(answer.der).response_status
    assert status is pyca.OCSPResponseStatus.INTERNAL_ERROR
    assert EnrollmentRequest.objects.count() == requests


def test_a_responder_without_its_key_answers_with_an_error_and_no_status(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = issue(alice)

    def lost(_row: object) -> keys.Signer:
        raise keys.KeyFileMissing("There is no private key.")

    monkeypatch.setattr(responders, "signer_of", lost)
    ocsp._kept.clear()  # noqa: SLF001 - as after a restart

    assert told(row).response_status is pyca.OCSPResponseStatus.INTERNAL_ERROR
