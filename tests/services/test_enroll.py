"""The whole way: whatever was sent, a request with an id comes back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.db import connection
from django.utils import timezone

from enrollment.ca import hresult
from enrollment.ca.disposition import Disposition
from enrollment.ca.policy import Requester
from enrollment.keys import KeyFileMissing
from enrollment.models import AuditEvent, Authority, Certificate, EnrollmentRequest, SigningRecord
from enrollment.services import authority, enroll
from tests import make
from tests.services.acts import change_template, issued, submit

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from enrollment.services.setup import SetupReport


def private_key_pem() -> bytes:
    return make.key("ec:p256").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


# --- issued ---


def test_a_request_that_nothing_stands_against_is_issued_at_once(requester: Requester) -> None:
    row = submit(requester)

    assert row.state is Disposition.ISSUED
    assert row.disposition_message == "Issued"
    assert issued(row).subject.rfc4514_string() == "CN=www.example.com"


def test_the_answer_in_memory_equals_the_row_in_the_database(requester: Requester) -> None:
    row = submit(requester)

    stored = EnrollmentRequest.objects.get(pk=row.pk)
    assert stored.disposition == row.disposition
    assert stored.certificate == row.certificate


def test_a_request_is_remembered_with_what_came_and_from_whom(
    requester: Requester, alice: User
) -> None:
    raw = make.request_pem(kind="ec:p256")

    row = EnrollmentRequest.objects.get(pk=submit(requester, raw=raw).pk)

    assert bytes(row.raw) == make.request(kind="ec:p256").der or row.raw
    assert (row.requester, row.account, row.door) == ("alice", alice, "web")
    assert row.attributes == "CertificateTemplate:WebServer"
    assert row.key_name == "EC P-256"
    assert "www.example.com" in row.names


def test_an_issued_certificate_is_stored_with_its_names_and_thumbprints(
    requester: Requester,
) -> None:
    row = submit(requester, dns=["www.example.com", "api.example.com"])

    stored = Certificate.objects.get(request=row)
    held = {(name.kind, name.value) for name in stored.names.all()}
    assert held == {
        ("cn", "www.example.com"),
        ("dns", "www.example.com"),
        ("dns", "api.example.com"),
    }
    assert stored.serial_number == f"{issued(row).serial_number:x}"
    assert stored.not_after == issued(row).not_valid_after_utc
    assert all(name.not_after == stored.not_after for name in stored.names.all())


def test_the_exact_content_was_written_down_before_it_was_signed(requester: Requester) -> None:
    row = submit(requester)

    (record,) = SigningRecord.objects.filter(request=row)
    assert record.state == SigningRecord.State.SIGNED
    assert bytes(record.tbs) == issued(row).tbs_certificate_bytes
    verbs = list(AuditEvent.objects.order_by("pk").values_list("verb", flat=True))
    assert verbs[-2:] == ["signing", "signed"]


def test_serial_numbers_are_long_unpredictable_and_positive(requester: Requester) -> None:
    """127 random bits (DESIGN section 4)."""
    serials = [issued(submit(requester)).serial_number for _ in range(5)]

    assert len(set(serials)) == 5
    assert all(0 < serial < 2**127 for serial in serials)
    assert max(serials) > 2**96


# --- request ids ---


def test_request_ids_count_from_one(transactional_db: None) -> None:
    table = "enrollment_enrollmentrequest"
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
        else:
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), 1, false)", [table])
    from enrollment.services import setup

    setup.run_setup(now=timezone.now())

    rows = [submit(Requester("nobody")) for _ in range(3)]

    assert [row.pk for row in rows] == [1, 2, 3]


def test_an_id_is_never_used_again_not_even_after_its_request_is_gone(
    requester: Requester,
) -> None:
    last = submit(requester, raw=b"rubbish").pk
    EnrollmentRequest.objects.filter(pk=last).delete()

    assert submit(requester, raw=b"rubbish").pk == last + 1


def test_refused_and_broken_requests_take_an_id_too(requester: Requester) -> None:
    first = submit(requester).pk

    assert submit(requester, raw=b"rubbish").pk == first + 1
    assert submit(requester, template="Nothing").pk == first + 2


# --- held and denied ---


def test_a_template_that_needs_approval_holds_the_request(requester: Requester) -> None:
    change_template("WebServer", approval="always")

    row = submit(requester)

    assert row.state is Disposition.UNDER_SUBMISSION
    assert row.disposition_message == "Taken Under Submission"
    assert "approval of a certificate manager" in row.detail
    assert row.certificate is None
    assert row.status_code == hresult.SUCCESS


def test_a_template_nobody_named_is_denied_with_what_is_offered(requester: Requester) -> None:
    row = submit(requester, template="")

    assert row.state is Disposition.DENIED
    assert row.status_code == hresult.NO_CERT_TYPE
    assert "WebServer" in row.remedy


def test_an_unknown_template_is_denied_in_the_words_clients_search_for(
    requester: Requester,
) -> None:
    row = submit(requester, template="NoSuch")

    assert row.status_code == hresult.UNSUPPORTED_CERT_TYPE
    assert "0x80094800, The request was for a certificate template" in row.disposition_message


def test_a_template_that_is_not_published_is_as_good_as_unknown(requester: Requester) -> None:
    assert submit(requester, template="DomainController").status_code == (
        hresult.UNSUPPORTED_CERT_TYPE
    )


@pytest.mark.parametrize("name", ["webserver", "WEBSERVER"])
def test_a_template_is_found_in_any_case(requester: Requester, name: str) -> None:
    assert submit(requester, template=name).template_name == "WebServer"


def test_a_denied_request_keeps_code_detail_and_remedy(site: SetupReport) -> None:
    row = submit(Requester("mallory"))

    assert row.state is Disposition.DENIED
    assert row.status_code == hresult.TEMPLATE_DENIED
    assert row.disposition_message.startswith("Denied by Policy Module  0x80094012, ")
    assert row.detail
    assert row.remedy
    assert not SigningRecord.objects.filter(request=row).exists()


def test_a_grant_that_lint_stops_becomes_a_refusal_with_its_reason(requester: Requester) -> None:
    row = submit(requester, "x" * 64, dns=["a..example.com"])

    assert row.state is Disposition.DENIED
    assert row.status_code in {hresult.INVALID_DATA, hresult.BAD_REQUEST_SUBJECT}
    assert not Certificate.objects.filter(request=row).exists()


def test_a_ca_that_has_ended_denies_and_says_whom_to_ask(requester: Requester) -> None:
    later = authority.issuer_of(authority.current()).not_after + timedelta(days=1)

    row = submit(requester, now=later)

    assert row.state is Disposition.DENIED
    assert "renew the CA certificate" in row.remedy


# --- unreadable ---


def test_what_cannot_be_read_is_denied_and_kept_to_show_what_came(requester: Requester) -> None:
    row = submit(requester, raw=b"hello, this is no request")

    stored = EnrollmentRequest.objects.get(pk=row.pk)
    assert stored.state is Disposition.DENIED
    assert stored.disposition_message.startswith("Error Parsing Request  0x")
    assert bytes(stored.raw) == b"hello, this is no request"


def test_only_a_little_of_what_cannot_be_read_is_kept(requester: Requester) -> None:
    row = submit(requester, raw=b"A" * 60_000 + b"!")

    assert len(bytes(EnrollmentRequest.objects.get(pk=row.pk).raw)) == 4096


def test_an_unreadable_request_leaves_an_audit_event(requester: Requester) -> None:
    row = submit(requester, raw=b"rubbish")

    event = AuditEvent.objects.first()
    assert event is not None
    assert (event.verb, event.actor, event.subject) == ("denied", "alice", f"request {row.pk}")


def stored_text() -> str:
    """Return every column of every row, as far as a private key could have got into it."""
    rows = [
        *EnrollmentRequest.objects.values_list(),
        *AuditEvent.objects.values_list(),
        *SigningRecord.objects.values_list(),
    ]
    return repr([bytes(v) if isinstance(v, memoryview) else v for row in rows for v in row])


@pytest.mark.parametrize(
    "around",
    [
        pytest.param(lambda key: key, id="alone"),
        pytest.param(lambda key: make.request_pem(kind="ec:p256") + key, id="behind a request"),
        pytest.param(lambda key: key + make.request_pem(kind="ec:p256"), id="before a request"),
    ],
)
def test_a_pasted_private_key_is_never_stored_nor_logged_and_its_owner_is_told(
    requester: Requester, caplog: pytest.LogCaptureFixture, around: object
) -> None:
    assert callable(around)
    secret = private_key_pem()
    line = secret.splitlines()[1].decode()

    row = submit(requester, raw=around(secret))

    assert row.state is Disposition.DENIED
    assert "key" in row.detail
    assert line not in stored_text()
    assert line not in caplog.text
    assert bytes(EnrollmentRequest.objects.get(pk=row.pk).raw) == b""


def test_a_private_key_pasted_among_the_attributes_is_not_stored_either(
    requester: Requester,
) -> None:
    secret = private_key_pem().decode()
    submission = enroll.Submission(
        make.request_pem(kind="ec:p256"),
        f"CertificateTemplate:WebServer\n{secret}",
        requester,
        "web",
    )

    row = enroll.enroll(submission, now=timezone.now())

    assert secret.splitlines()[1] not in stored_text()
    assert row.state is Disposition.ISSUED


# --- hostile text ---


def test_a_hostile_template_name_ends_as_visible_text_in_one_line(requester: Requester) -> None:
    row = submit(requester, template='<script>"\u202ealert(1)')

    assert "<script>'\\u202ealert(1)" in row.disposition_message


def test_attributes_with_a_nul_are_stored_without_it(requester: Requester) -> None:
    """PostgreSQL takes no NUL in a text."""
    submission = enroll.Submission(
        make.request_pem(kind="ec:p256"), "CertificateTemplate:WebServer\n\x00a:b", requester, "web",  # noqa: E501 - one row
        "Web\x00 Server",
    )  # fmt: skip

    row = EnrollmentRequest.objects.get(pk=enroll.enroll(submission, now=timezone.now()).pk)

    assert "\x00" not in row.attributes + row.friendly_type


# --- faults of ours ---


def test_without_a_ca_nothing_is_enrolled_and_nothing_recorded(db: None) -> None:
    with pytest.raises(authority.NoAuthority):
        submit(Requester("alice"), template="")

    assert not EnrollmentRequest.objects.exists()


def test_a_key_that_fails_leaves_an_open_request_that_the_next_start_finishes(
    requester: Requester,
) -> None:
    from enrollment.services import issuance

    good = Authority.objects.get()
    Authority.objects.update(key_reference="keys/lost.pem")

    row = submit(requester)

    assert row.state is Disposition.INCOMPLETE
    assert row.status_code == hresult.NTE_FAIL
    assert "later" in row.remedy
    assert row.certificate is None

    with pytest.raises(KeyFileMissing):
        issuance.recover(timezone.now())
    Authority.objects.update(key_reference=good.key_reference)
    (finished,) = issuance.recover(timezone.now())
    again = EnrollmentRequest.objects.get(pk=row.pk)
    assert again.state is Disposition.ISSUED
    assert again.certificate == finished
    assert again.status_code == hresult.SUCCESS
    assert again.detail == again.remedy == ""
