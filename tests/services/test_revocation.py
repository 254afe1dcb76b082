"""Certificates taken back: one or a thousand, each on its own, and what becomes of their keys."""

from __future__ import annotations

import itertools
import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from enrollment.ca import der, hresult
from enrollment.ca.disposition import Disposition
from enrollment.ca.revocation import Act, Reason, Status
from enrollment.models import AuditEvent, Certificate, EnrollmentRequest
from enrollment.services import audit, enroll, holdings, publication, review, revocation
from enrollment.services.holdings import Holding, Of
from enrollment.services.revocation import NotARevoker, Order, Revoker
from tests import make, messages, renewals
from tests.services.acts import (
    ROBERT,
    approve,
    certificate_of,
    submit,
    submit_waiting,
    take_back,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from enrollment.ca.policy import Requester


@pytest.fixture
def three(requester: Requester) -> list[Certificate]:
    """Three certificates of Alice, each with a key of its own."""
    return [certificate_of(submit(requester, f"www{at}.example.com", number=at)) for at in range(3)]


def states() -> list[Disposition]:
    return [row.state for row in EnrollmentRequest.objects.order_by("pk")]


def test_many_are_revoked_by_one_order_and_one_list_says_so(three: list[Certificate]) -> None:
    before = publication.lists()[0].number

    done = take_back(*three, reason=Reason.SUPERSEDED)

    assert len(done.changed) == 3
    assert done.crl_number == before + 1
    assert publication.lists()[0].entries == 3
    assert states() == [Disposition.REVOKED] * 3


def test_each_has_an_event_of_its_own(three: list[Certificate]) -> None:
    take_back(*three, reason=Reason.SUPERSEDED)

    events = AuditEvent.objects.filter(verb="revoked")
    assert {event.subject for event in events} == {
        f"certificate {row.serial_number}" for row in three
    }
    assert {event.detail["reason"] for event in events} == {"superseded"}
    assert audit.verify().is_whole


def test_one_refusal_does_not_undo_the_others(three: list[Certificate]) -> None:
    take_back(three[1], reason=Reason.SUPERSEDED)

    done = take_back(*three, reason=Reason.KEY_COMPROMISE)

    assert [row.pk for row in done.changed] == [three[0].pk, three[2].pk]
    [(row, refused)] = done.refused
    assert row.pk == three[1].pk
    assert "is revoked since" in str(refused)


def test_more_than_one_batch_is_done_to_the_end(
    three: list[Certificate], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocation, "_BATCH", 2)

    assert len(take_back(*three).changed) == 3


def test_a_thousand_are_not_a_thousand_transactions(three: list[Certificate]) -> None:
    """Each commit waits for the disk; a hundred certificates share one."""
    with CaptureQueriesContext(connection) as one:
        take_back(three[0])
    with CaptureQueriesContext(connection) as two:
        take_back(*three[1:])

    def begun(queries: CaptureQueriesContext) -> int:
        return sum(query["sql"].startswith(("BEGIN", "SAVEPOINT")) for query in queries)

    assert begun(two) == begun(one)


def test_a_row_that_the_database_does_not_take_leaves_the_others_their_change(
    three: list[Certificate], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = revocation._store  # noqa: SLF001 - where the disk fails

    def fails(row: Certificate, status: Status, at: Any) -> None:
        if row.pk == three[1].pk:
            raise OperationalError("disk I/O error")
        store(row, status, at)

    monkeypatch.setattr(revocation, "_store", fails)

    done = take_back(*three)

    assert [row.pk for row in done.changed] == [three[0].pk, three[2].pk]
    assert "could not be stored (OperationalError)" in str(done.refused[0][1])
    assert AuditEvent.objects.filter(verb="revoked").count() == 2
    assert done.crl_number is not None
    assert publication.lists()[0].entries == 2


def test_who_may_not_revoke_changes_nothing(three: list[Certificate]) -> None:
    with pytest.raises(NotARevoker):
        take_back(*three, revoker=Revoker("maria", may_revoke=False))

    assert states() == [Disposition.ISSUED] * 3


def test_a_change_that_somebody_else_made_meanwhile_is_seen(three: list[Certificate]) -> None:
    """The rows in hand say "valid"; the database knows better."""
    seen = list(Certificate.objects.all())
    take_back(*three, reason=Reason.KEY_COMPROMISE)

    done = revocation.change_status(
        seen, Order(Act.REVOKE, Reason.SUPERSEDED), ROBERT, now=timezone.now()
    )

    assert done.changed == ()
    assert done.crl_number is None
    assert set(Certificate.objects.values_list("revocation_reason", flat=True)) == {
        Reason.KEY_COMPROMISE
    }


def test_an_objection_is_told_before_anything_is_done(three: list[Certificate]) -> None:
    take_back(three[0], act=Act.HOLD)
    now = timezone.now()
    held, valid = certificate_of(EnrollmentRequest.objects.earliest("pk")), three[1]

    assert revocation.objection(held, Order(Act.RELEASE), ROBERT, now) is None
    assert "valid" in str(revocation.objection(valid, Order(Act.RELEASE), ROBERT, now))
    assert "ended" in str(revocation.objection(valid, Order(Act.HOLD), ROBERT, valid.not_after))


def test_the_serial_number_of_the_ca_itself_is_known(three: list[Certificate]) -> None:
    from cryptography import x509

    own = x509.load_der_x509_certificate(bytes(three[0].authority.der))

    with pytest.raises(revocation.OwnCertificate, match="that of the CA certificate"):
        revocation.find(f"{own.serial_number:X}")


# --- sets ---


def test_a_set_holds_what_the_act_can_change(three: list[Certificate]) -> None:
    take_back(three[0], act=Act.HOLD)
    take_back(three[1])
    now = timezone.now()
    alices = Holding(Of.REQUESTER, "alice")

    assert [row.pk for row in alices.open_to(Act.REVOKE, now)] == [three[0].pk, three[2].pk]
    assert [row.pk for row in alices.open_to(Act.HOLD, now)] == [three[2].pk]
    assert [row.pk for row in alices.open_to(Act.RELEASE, now)] == [three[0].pk]
    assert not alices.open_to(Act.REVOKE, now + timedelta(days=4000)).exists()


def test_a_set_of_one_key_crosses_requesters(requester: Requester, stranger: Requester) -> None:
    rows = [
        certificate_of(submit(who, f"{who.name}.example.com", number=7))
        for who in (requester, stranger)
    ]
    submit(requester, number=8)

    found = Holding(Of.KEY, rows[0].spki_sha256).rows()

    assert [row.pk for row in found] == [row.pk for row in rows]


def named_by() -> Iterator[Any]:
    """Yield the ways to name a key in a file."""
    key = make.key("ec:p256", 7)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    yield pytest.param(public, id="public key")
    yield pytest.param(make.request_pem(kind="ec:p256", number=7), id="request")


@pytest.mark.parametrize("content", list(named_by()))
def test_a_key_is_named_by_a_file(requester: Requester, content: bytes) -> None:
    row = certificate_of(submit(requester, number=7))

    assert holdings.key_of(content) == row.spki_sha256


def test_a_key_is_named_by_its_certificate_its_number_or_its_digest(requester: Requester) -> None:
    from enrollment.ca.encode import pem

    row = certificate_of(submit(requester, number=7))

    assert holdings.key_of(pem(bytes(row.der)).encode()) == row.spki_sha256
    assert holdings.key_of(row.serial_number.upper()) == row.spki_sha256
    assert holdings.key_of(row.spki_sha256) == row.spki_sha256


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n", "private key"),
        (b"-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n", "cannot be read"),
        (b"-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n", "cannot be read"),
        (b"Dear all, please find the key attached.", "no key that can be looked for"),
        (b"", "no key that can be looked for"),
    ],
)
def test_a_file_that_names_no_key_is_told_so(
    requester: Requester, content: bytes, sentence: str
) -> None:
    with pytest.raises(holdings.NoKey, match=sentence):
        holdings.key_of(content)


# --- keys that were lost ---


def lose(row: Certificate, reason: Reason = Reason.KEY_COMPROMISE) -> None:
    """Revoke a certificate because its key is in other hands."""
    assert take_back(row, reason=reason).changed


@pytest.mark.parametrize("reason", [Reason.KEY_COMPROMISE, Reason.CA_COMPROMISE])
def test_a_lost_key_gets_no_certificate_again(requester: Requester, reason: Reason) -> None:
    lose(certificate_of(submit(requester)), reason)

    row = submit(requester, "new.example.com")

    assert row.state is Disposition.DENIED
    assert row.status_code == hresult.CERT_REVOKED
    assert reason.label in row.detail


def test_nobody_else_gets_a_certificate_with_it_either(
    requester: Requester, stranger: Requester
) -> None:
    lose(certificate_of(submit(requester)))

    assert submit(stranger, "other.example.org").status_code == hresult.CERT_REVOKED


@pytest.mark.parametrize("reason", [Reason.SUPERSEDED, Reason.CESSATION_OF_OPERATION])
def test_a_key_whose_certificate_was_revoked_for_another_reason_is_no_lost_key(
    requester: Requester, reason: Reason
) -> None:
    lose(certificate_of(submit(requester)), reason)

    assert submit(requester).state is Disposition.ISSUED


def test_a_held_certificate_is_no_lost_key(requester: Requester) -> None:
    take_back(certificate_of(submit(requester)), act=Act.HOLD)

    assert submit(requester).state is Disposition.ISSUED


def test_a_lost_key_is_known_in_any_writing(requester: Requester) -> None:
    """A point on a curve may be sent compressed; it is the same key."""
    lose(certificate_of(submit(requester, number=7)))
    key = make.key("ec:p256", 7)
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    algorithm = der.sequence(der.oid("1.2.840.10045.2.1"), der.oid("1.2.840.10045.3.1.7"))
    compressed = der.sequence(algorithm, der.bit_string(point))
    raw = messages.pkcs10(key, messages.common_name("www.example.com"), public_key=compressed)

    assert submit(requester, raw=raw).status_code == hresult.CERT_REVOKED


def rsa_again(exponent: int) -> tuple[int, rsa.RSAPrivateKey]:
    """Return what whoever has an RSA key makes of it: the same primes, another exponent.

    With the number of the key, which is the first that this exponent fits.
    """
    for number in itertools.count(7):
        of_it = make.key("rsa:2048", number)
        assert isinstance(of_it, rsa.RSAPrivateKey)
        p, q = of_it.private_numbers().p, of_it.private_numbers().q
        if math.gcd(exponent, (p - 1) * (q - 1)) == 1:
            break
    d = pow(exponent, -1, math.lcm(p - 1, q - 1))
    parts = (rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q))
    public = rsa.RSAPublicNumbers(exponent, p * q)
    return number, rsa.RSAPrivateNumbers(p, q, d, *parts, public).private_key()


@pytest.mark.parametrize("exponent", [257, 65_539, 2**61 - 1])
def test_a_lost_key_is_known_by_its_modulus(requester: Requester, exponent: int) -> None:
    """Who has one of its private exponents can work out all the others."""
    number, again = rsa_again(exponent)
    raw = messages.pkcs10(again, messages.common_name("www.example.com"))
    assert submit(requester, raw=raw).state is Disposition.ISSUED
    lose(certificate_of(submit(requester, kind="rsa:2048", number=number)))

    assert submit(requester, raw=raw).status_code == hresult.CERT_REVOKED


def test_a_lost_key_with_a_rarer_exponent_is_known_by_its_modulus(requester: Requester) -> None:
    number, again = rsa_again(257)
    raw = messages.pkcs10(again, messages.common_name("www.example.com"))
    lose(certificate_of(submit(requester, raw=raw)))

    assert submit(requester, kind="rsa:2048", number=number).status_code == hresult.CERT_REVOKED


def test_the_preview_says_so_too(requester: Requester) -> None:
    lose(certificate_of(submit(requester)))

    seen = enroll.preview(
        make.request_pem(kind="ec:p256"),
        "CertificateTemplate:WebServer",
        requester,
        now=timezone.now(),
    )

    assert "others may have it" in str(getattr(seen.decision, "error", ""))


def test_no_manager_can_approve_past_it(requester: Requester) -> None:
    """Shown while all was well; the key was lost before the click."""
    row = submit_waiting(requester, number=7)
    seen = review.prepare_review(row.pk, now=timezone.now())
    other = certificate_of(submit_issued(requester, number=7))
    lose(other)

    with pytest.raises(review.PolicyRefuses, match="others may have it"):
        review.approve(row.pk, review.Reviewer("maria", may_review=True), digest=seen.digest,
                       now=timezone.now())  # fmt: skip
    assert review.prepare_review(row.pk, now=timezone.now()).digest == ""
    row.refresh_from_db()
    assert row.state is Disposition.UNDER_SUBMISSION


def submit_issued(requester: Requester, **options: Any) -> EnrollmentRequest:
    """Ask for what waits, and have it approved."""
    row = submit_waiting(requester, **options)
    approve(row)
    row.refresh_from_db()
    return row


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(renewals.windows_renewal, id="Windows"),
        pytest.param(renewals.openssl_cms_renewal, id="openssl cms"),
    ],
)
def test_a_renewal_signed_by_a_lost_key_is_refused_though_its_certificate_is_valid(
    requester: Requester, stranger: Requester, form: Any
) -> None:
    """Bob's certificate has Alice's key, and is revoked; hers is valid, and proves nothing now."""
    from cryptography import x509

    old = certificate_of(submit(requester, kind="rsa:2048", dns=["www.example.com"]))
    lose(certificate_of(submit(stranger, "other.example.org", kind="rsa:2048")))
    parsed = x509.load_der_x509_certificate(bytes(old.der))

    row = submit(requester, raw=form(parsed, make.key(), make.key("rsa:2048", 2)))

    assert old.revoked_at is None
    assert row.status_code == hresult.CERT_REVOKED
    assert "has the key of the certificate" in row.detail


def test_a_lost_key_is_looked_up_by_the_index(requester: Requester) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("reads the query plan of SQLite")
    from enrollment.services import knowledge

    with CaptureQueriesContext(connection) as queries:
        knowledge.lost_key("0" * 64)
    [query] = queries
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
        plan = " ".join(str(row[3]) for row in cursor.fetchall())

    assert "USING INDEX enrollment_certificate_spki" in plan
