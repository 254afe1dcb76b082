"""What people do in these tests, in one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from cryptography import x509
from django.utils import timezone

from enrollment.ca.revocation import Act, Reason
from enrollment.models import Certificate, EnrollmentRequest, Template
from enrollment.services import enroll, review, revocation
from enrollment.services.review import Reviewer
from enrollment.services.revocation import Order, Outcome, Revoker
from tests import make

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.ca.policy import Requester
    from enrollment.services.delivery import PublishedFile

MARIA = Reviewer("maria", may_review=True)
ROBERT = Revoker("robert", may_revoke=True)


class Configure(Protocol):
    """How a test changes settings."""

    def __call__(self, **variables: str) -> None:
        """Set environment variables and read the settings again."""


def submit(
    requester: Requester,
    common_name: str | None = "www.example.com",
    *,
    template: str = "WebServer",
    raw: bytes | None = None,
    now: datetime | None = None,
    **options: Any,
) -> EnrollmentRequest:
    """Ask for a certificate, by default one that is issued at once."""
    if raw is None:
        raw = make.request_pem(common_name, **{"kind": "ec:p256", **options})
    attributes = f"CertificateTemplate:{template}" if template else ""
    submission = enroll.Submission(raw, attributes, requester, "web")
    return enroll.enroll(submission, now=now or timezone.now())


def submit_waiting(requester: Requester, **options: Any) -> EnrollmentRequest:
    """Ask for a certificate that waits for a manager."""
    change_template("WebServer", approval="always")
    row = submit(requester, **options)
    assert row.state.name == "UNDER_SUBMISSION", row.detail
    return row


def change_template(name: str, **columns: Any) -> None:
    """Change a template behind the desk's back."""
    assert Template.objects.filter(name=name).update(**columns) == 1


def issued(row: EnrollmentRequest) -> x509.Certificate:
    """Return the certificate of a request, read from the database."""
    stored = EnrollmentRequest.objects.get(pk=row.pk)
    assert stored.certificate is not None, stored.detail
    return x509.load_der_x509_certificate(bytes(stored.certificate.der))


def read(file: PublishedFile) -> bytes:
    """Return the whole content of a published file."""
    content = file.open()
    assert content is not None
    with content:
        return content.read()


def approve(row: EnrollmentRequest, *, reviewer: Reviewer = MARIA) -> Certificate:
    """Look at a waiting request and issue it."""
    now = timezone.now()
    seen = review.prepare_review(row.pk, now=now)
    done = review.approve(row.pk, reviewer, digest=seen.digest, now=now)
    assert done.certificate is not None, str(done.tally)
    return done.certificate


def certificate_of(row: EnrollmentRequest) -> Certificate:
    """Return the row of the certificate that was issued for a request."""
    assert row.certificate is not None, row.detail
    return Certificate.objects.get(pk=row.certificate.pk)


def take_back(
    *rows: Certificate,
    act: Act = Act.REVOKE,
    reason: Reason | None = None,
    revoker: Revoker = ROBERT,
) -> Outcome:
    """Revoke, hold or release certificates."""
    return revocation.change_status(rows, Order(act, reason), revoker, now=timezone.now())
