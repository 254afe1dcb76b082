"""The preview says what enroll would do, and leaves no trace."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from django.utils import timezone

from enrollment.ca import errors
from enrollment.ca.disposition import Disposition
from enrollment.ca.policy import Deny, Hold, Issue
from enrollment.models import AuditEvent, EnrollmentRequest, SigningRecord
from enrollment.services import enroll, review
from tests import make
from tests.services.acts import change_template, submit

if TYPE_CHECKING:
    from enrollment.ca.policy import Requester

LINE = "CertificateTemplate:WebServer"


def look(requester: Requester, raw: bytes | None = None, attributes: str = LINE) -> enroll.Preview:
    octets = make.request_pem(kind="ec:p256") if raw is None else raw
    return enroll.preview(octets, attributes, requester, now=timezone.now())


def test_a_preview_shows_the_certificate_that_would_be_issued(requester: Requester) -> None:
    seen = look(requester)

    assert seen.decision == Issue()
    assert seen.certificate is not None
    assert seen.certificate.subject_text == "CN=www.example.com"


def test_a_preview_leaves_no_trace(requester: Requester) -> None:
    events = AuditEvent.objects.count()

    look(requester)
    look(requester, b"rubbish")

    assert not EnrollmentRequest.objects.exists()
    assert not SigningRecord.objects.exists()
    assert AuditEvent.objects.count() == events


def test_a_preview_of_something_unreadable_is_its_error(requester: Requester) -> None:
    seen = look(requester, b"rubbish")

    assert isinstance(seen.error, errors.EnrollmentError)
    assert seen.judgement is None


def test_a_preview_of_a_grant_that_cannot_be_composed_is_a_refusal(requester: Requester) -> None:
    change_template("WebServer", validity_days=0)

    seen = look(requester)

    assert isinstance(seen.decision, Deny)
    assert seen.certificate is None


@pytest.mark.parametrize(
    ("approval", "dns", "verdict", "state"),
    [
        pytest.param("none", [], Issue, Disposition.ISSUED, id="issued"),
        pytest.param("always", [], Hold, Disposition.UNDER_SUBMISSION, id="held"),
        pytest.param("none", ["a..b"], Deny, Disposition.DENIED, id="denied"),
    ],
)
def test_preview_enroll_and_review_agree(
    requester: Requester,
    approval: str,
    dns: list[str],
    verdict: type[object],
    state: Disposition,
) -> None:
    """All three call the same judgement, so they cannot disagree."""
    change_template("WebServer", approval=approval)
    raw = make.request_pem(kind="ec:p256", dns=dns)

    seen = look(requester, raw)
    row = submit(requester, raw=raw)

    assert isinstance(seen.decision, verdict)
    assert row.state is state
    if state is Disposition.UNDER_SUBMISSION:
        again = review.prepare_review(row.pk, now=timezone.now())
        assert again.decision == seen.decision


def test_a_preview_shows_who_else_holds_the_names(
    requester: Requester, stranger: Requester
) -> None:
    submit(stranger)
    submit(requester)

    assert {holder.requester for holder in look(requester).holders} == {"charlie"}


def test_names_that_ended_are_held_by_nobody(requester: Requester, stranger: Requester) -> None:
    row = submit(stranger)
    assert row.certificate is not None
    later = row.certificate.not_after + timedelta(seconds=1)

    seen = enroll.preview(make.request_pem(kind="ec:p256"), LINE, requester, now=later)

    assert seen.holders == ()


def test_a_preview_names_the_templates_that_would_fit(requester: Requester) -> None:
    fitting = {template.name for template in look(requester, attributes="").fitting_templates}

    assert "WebServer" in fitting
    assert "Machine" not in fitting  # Alice has no DNS name in the directory


def test_a_template_that_would_refuse_the_key_does_not_fit(requester: Requester) -> None:
    change_template("WebServer", allowed_keys=["rsa"])

    assert "WebServer" not in {t.name for t in look(requester).fitting_templates}


# --- what will be ignored ---


def ignored(requester: Requester, attributes: str = LINE, **options: Any) -> str:
    raw = make.request_pem(**{"kind": "ec:p256", **options})
    return "\n".join(look(requester, raw, attributes).ignored)


def test_nothing_is_said_to_be_ignored_when_everything_is_followed(requester: Requester) -> None:
    ski = x509.SubjectKeyIdentifier(b"1" * 20)

    assert ignored(requester, dns=["www.example.com"], extensions=[(ski, False)]) == ""


@pytest.mark.parametrize(
    "line",
    [
        "san:dns=evil.example.com",
        "ValidityPeriod:Years",
        "ExpirationDate:Mon, 1 Jan 2035 00:00:00 GMT",
        "ApplicationPolicies:1.3.6.1.5.5.7.3.2",
        "CertificateUsage:1.3.6.1.5.5.7.3.2",
        "RequesterName:EXAMPLE\\administrator",
    ],
)
def test_an_attribute_that_asks_for_more_is_named_as_ignored(
    requester: Requester, line: str
) -> None:
    said = ignored(requester, f"{LINE}\n{line}", dns=["www.example.com"])

    assert "ignored" in said


def test_no_attribute_reaches_the_certificate(requester: Requester) -> None:
    """ESC6 and its like."""
    lines = f"{LINE}\nsan:dns=evil.example.com&upn=administrator@example.com"

    seen = look(requester, make.request_pem(kind="ec:p256", dns=["www.example.com"]), lines)

    assert seen.certificate is not None
    assert {name.value for name in seen.certificate.names} == {"www.example.com"}


def test_extensions_that_the_template_decides_are_named_as_ignored(requester: Requester) -> None:
    said = ignored(
        requester,
        dns=["www.example.com"],
        extensions=[(x509.BasicConstraints(ca=True, path_length=None), True)],
    )

    assert said == "basic constraints in the request is ignored: the template decides."


def test_a_key_usage_is_ignored_unless_the_template_lets_requests_narrow_it(
    requester: Requester,
) -> None:
    usage = x509.KeyUsage(True, *[False] * 8)  # noqa: FBT003 - bits
    wished: dict[str, Any] = {"dns": ["www.example.com"], "extensions": [(usage, True)]}

    assert "key usage" in ignored(requester, **wished)
    change_template("WebServer", key_usage_narrowing=True)
    assert ignored(requester, **wished) == ""


def test_names_in_the_request_are_ignored_by_a_template_of_the_directory(
    requester: Requester,
) -> None:
    said = ignored(requester, "CertificateTemplate:User", dns=["www.example.com"])

    assert "subject alternative name in the request is ignored" in said
    assert "names you from the directory" in said


def test_a_host_name_added_to_the_alternative_names_is_told(requester: Requester) -> None:
    assert "www.example.com from the common name is added" in ignored(requester)


def test_without_a_template_all_wishes_are_ignored(requester: Requester) -> None:
    said = ignored(requester, "", dns=["www.example.com"])

    assert "subject alternative name" in said
