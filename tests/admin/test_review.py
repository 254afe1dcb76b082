"""One request: what the reviewer sees, and what Issue and Deny do."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from django.utils import timezone

from enrollment import conf
from enrollment.ca.disposition import Disposition
from enrollment.models import AuditEvent, EnrollmentRequest, SigningRecord, Template
from tests import make
from tests.admin.conftest import submit

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client

pytestmark = pytest.mark.django_db


def address(row: EnrollmentRequest, end: str = "change") -> str:
    return f"/admin/enrollment/enrollmentrequest/{row.pk}/{end}/"


def shown_digest(client: Client, row: EnrollmentRequest) -> str:
    digest: str = client.get(address(row)).context["exhibit"].digest
    return digest


def press(client: Client, row: EnrollmentRequest, **fields: str) -> str:
    """Press a button of the review page; return the page that follows."""
    return client.post(address(row, "decide"), fields, follow=True).content.decode()


def test_the_review_shows_what_was_asked_beside_what_would_be_issued(
    alice: User, desk: Client
) -> None:
    row = submit(alice, "Example CA", dns=("ca.example.com",))

    lines = {line.label: line for line in desk.get(address(row)).context["exhibit"].lines}

    assert lines["Alternative names"].asked == ("DNS ca.example.com",)
    assert lines["Alternative names"].issued == ("DNS ca.example.com",)
    assert lines["Basic constraints"].mark == "added"
    assert lines["Validity"].mark == "own"


def test_what_will_be_ignored_is_said_with_its_reason(alice: User, desk: Client) -> None:
    """A requester who asks to be a CA learns nothing of it; the reviewer does."""
    Template.objects.filter(name="WebServer").update(approval="always")
    request = make.request_pem(
        extensions=[(x509.BasicConstraints(ca=True, path_length=None), True)]
    )
    from enrollment.services import directory, enroll

    row = enroll.enroll(
        enroll.Submission(
            request, "CertificateTemplate:WebServer", directory.requester_of(alice), "web"
        ),
        now=timezone.now(),
    )

    page = desk.get(address(row))

    lines = {line.label: line for line in page.context["exhibit"].lines}
    assert lines["Basic constraints"].mark in ("ignored", "changed")
    assert "basic constraints in the request is ignored" in page.content.decode()


def test_the_linters_verdict_stands_on_the_review(waiting: EnrollmentRequest, desk: Client) -> None:
    page = desk.get(address(waiting))

    assert page.context["exhibit"].is_linted
    assert "<h2>Checks</h2>" in page.content.decode()


def test_who_holds_the_names_stands_on_the_review(alice: User, charlie: User, desk: Client) -> None:
    submit(charlie, "www.example.com", template="WebServer")
    row = submit(alice, "www.example.com")

    holders = desk.get(address(row)).context["exhibit"].holders

    assert {holder.requester for holder in holders} == {"charlie"}


def test_the_requesters_history_stands_on_the_review(alice: User, desk: Client) -> None:
    earlier = submit(alice, "old.example.com", template="WebServer")
    row = submit(alice)

    history = desk.get(address(row)).context["history"]

    assert [other["row"].pk for other in history] == [earlier.pk]


def test_issue_signs_exactly_the_content_that_was_shown(
    waiting: EnrollmentRequest, desk: Client
) -> None:
    digest = shown_digest(desk, waiting)

    page = press(desk, waiting, act="issue", digest=digest)

    waiting.refresh_from_db()
    issued = waiting.certificate
    assert issued is not None
    assert make_digest(bytes(issued.der)) == digest
    assert f"Request {waiting.pk} is issued to alice." in page


def make_digest(der: bytes) -> str:
    """SHA-256 of the to-be-signed part of a certificate."""
    import hashlib

    return hashlib.sha256(x509.load_der_x509_certificate(der).tbs_certificate_bytes).hexdigest()


def test_the_decision_names_the_reviewer(waiting: EnrollmentRequest, desk: Client) -> None:
    press(desk, waiting, act="issue", digest=shown_digest(desk, waiting))

    waiting.refresh_from_db()
    assert waiting.decided_by == "maria"
    assert AuditEvent.objects.filter(subject=f"request {waiting.pk}", actor="maria").exists()


def test_another_digest_than_the_one_shown_issues_nothing(
    waiting: EnrollmentRequest, desk: Client
) -> None:
    page = press(desk, waiting, act="issue", digest="0" * 64)

    waiting.refresh_from_db()
    assert waiting.disposition == Disposition.UNDER_SUBMISSION
    assert "no longer what would be signed" in page


def test_a_template_that_changed_meanwhile_shows_the_new_content_instead(
    waiting: EnrollmentRequest, desk: Client
) -> None:
    digest = shown_digest(desk, waiting)
    Template.objects.filter(name="SubCA").update(validity_days=30)

    page = press(desk, waiting, act="issue", digest=digest)

    waiting.refresh_from_db()
    assert waiting.disposition == Disposition.UNDER_SUBMISSION
    assert "changed since you looked" in page
    assert digest not in page
    assert "30 days" in page


def test_a_review_from_yesterday_does_not_count(waiting: EnrollmentRequest, desk: Client) -> None:
    digest = shown_digest(desk, waiting)
    old = timezone.now() - conf.current().review_lifetime - timedelta(minutes=1)
    SigningRecord.objects.update(created_at=old)

    page = press(desk, waiting, act="issue", digest=digest)

    waiting.refresh_from_db()
    assert waiting.disposition == Disposition.UNDER_SUBMISSION
    assert "Look at it again" in page


def test_a_request_is_denied_with_the_reason_its_owner_reads(
    waiting: EnrollmentRequest, desk: Client
) -> None:
    page = press(desk, waiting, act="deny", reason="Use the template WebServer.")

    waiting.refresh_from_db()
    assert waiting.disposition == Disposition.DENIED
    assert waiting.detail == "Use the template WebServer."
    assert f"Request {waiting.pk} of alice is denied." in page


def test_a_denial_needs_a_reason(waiting: EnrollmentRequest, desk: Client) -> None:
    page = press(desk, waiting, act="deny", reason="")

    waiting.refresh_from_db()
    assert waiting.disposition == Disposition.UNDER_SUBMISSION
    assert "Say why: the requester reads this" in page


def test_nobody_issues_their_own_request(manager: User, alice: User, desk: Client) -> None:
    manager.groups.add(*alice.groups.all())
    own = submit(manager, "own.example.com")

    page = press(desk, own, act="issue", digest=shown_digest(desk, own))

    own.refresh_from_db()
    assert own.disposition == Disposition.UNDER_SUBMISSION
    assert "You asked for" in page
    assert "another certificate manager must" in page


def test_a_request_is_decided_once(waiting: EnrollmentRequest, desk: Client) -> None:
    digest = shown_digest(desk, waiting)
    press(desk, waiting, act="deny", reason="no")

    page = press(desk, waiting, act="issue", digest=digest)

    waiting.refresh_from_db()
    assert waiting.disposition == Disposition.DENIED
    assert "does not wait" in page


def test_a_request_the_policy_refuses_now_can_only_be_denied(
    waiting: EnrollmentRequest, alice: User, desk: Client
) -> None:
    """Alice left the group after she asked; rights are those of today."""
    alice.groups.clear()

    page = desk.get(address(waiting)).content.decode()

    assert "The policy refuses this request now." in page
    assert 'value="issue"' not in page
    assert 'value="deny"' in page


def test_a_decided_request_shows_its_certificate_beside_it(alice: User, desk: Client) -> None:
    row = submit(alice, template="WebServer")

    page = desk.get(address(row))

    assert row.certificate is not None
    assert f"/admin/enrollment/certificate/{row.certificate.pk}/change/" in page.content.decode()
    assert 'value="deny"' not in page.content.decode()


def test_a_request_that_could_not_be_read_is_shown_without_fault(alice: User, desk: Client) -> None:
    from enrollment.services import directory, enroll

    row = enroll.enroll(
        enroll.Submission(b"\x30\x82junk", "", directory.requester_of(alice), "web"),
        now=timezone.now(),
    )

    page = desk.get(address(row))

    assert page.status_code == 200
    assert "The request cannot be shown" in page.content.decode()


def test_a_get_decides_nothing(waiting: EnrollmentRequest, desk: Client) -> None:
    answer = desk.get(address(waiting, "decide"), {"act": "deny", "reason": "no"})

    assert answer.status_code == 405


def test_a_post_from_another_site_decides_nothing(
    waiting: EnrollmentRequest, manager: User
) -> None:
    from django.test import Client as Browser

    browser = Browser(enforce_csrf_checks=True, SERVER_NAME="localhost")
    browser.force_login(manager)

    answer = browser.post(address(waiting, "decide"), {"act": "deny", "reason": "no"})

    assert answer.status_code == 403


def test_a_key_that_cannot_be_opened_is_a_sentence_and_no_fault(
    waiting: EnrollmentRequest, desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from enrollment.services import issuance

    def fail(*_: object, **__: object) -> None:
        raise OSError("token removed: /secret/path")

    digest = shown_digest(desk, waiting)
    monkeypatch.setattr(issuance, "complete", fail)

    page = press(desk, waiting, act="issue", digest=digest)

    assert "could not be signed" in page
    assert "/secret/path" not in page


def test_a_waiting_request_is_not_called_decided(waiting: EnrollmentRequest, desk: Client) -> None:
    assert ", decided" not in desk.get(address(waiting)).content.decode()


def test_a_holder_of_a_name_is_listed_once(alice: User, charlie: User, desk: Client) -> None:
    """The common name and the alternative name of one certificate are one holder."""
    submit(charlie, "www.example.com", template="WebServer", dns=("www.example.com",))
    row = submit(alice, "www.example.com")

    assert len(desk.get(address(row)).context["exhibit"].holders) == 1


def test_names_keep_the_capitals_of_the_subject(alice: User, desk: Client) -> None:
    submit(alice, "Example Sub CA")

    assert "Example Sub CA" in desk.get("/admin/").content.decode()


def test_a_name_from_the_directory_takes_nothing_from_the_subject(
    alice: User, desk: Client
) -> None:
    """Alice asks as "Alice Signing"; the template names her from the directory."""
    submit(alice, "Alice Signing", template="CodeSigning")

    [entry] = desk.get("/admin/").context["queue"].entries

    assert entry.names.startswith("alice")
