"""What the page of one request shows, for a reviewer and for others who may read it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from django.utils import timezone

from enrollment import conf
from enrollment.admin import access, comparison, links, state, trail, warnings
from enrollment.admin.queue import names_of
from enrollment.ca import lookalikes
from enrollment.ca.disposition import Disposition
from enrollment.ca.errors import EnrollmentError
from enrollment.ca.policy import Deny
from enrollment.models import EnrollmentRequest, Template
from enrollment.services import agents, enroll, judgement, manager_scopes, review

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from enrollment.admin.access import Person
    from enrollment.ca.issuance import PreparedCertificate
    from enrollment.ca.lint import Finding
    from enrollment.ca.policy import Decision, Holder
    from enrollment.ca.request import CertificationRequest
    from enrollment.models import GivenApproval

_MOST: Final = 20


@dataclass(frozen=True, slots=True)
class Exhibit:
    """What a request asks for, beside what is or would be issued.

    `refusal` says why nothing can be issued; `unreadable` why not even the request can be shown.
    `digest` is set only for a reviewer, who may approve it.
    """

    request: CertificationRequest | None = None
    lines: tuple[comparison.Line, ...] = ()
    digest: str = ""
    findings: tuple[Finding, ...] = ()
    ignored: tuple[str, ...] = ()
    holders: tuple[Holder, ...] = ()
    refusal: EnrollmentError | None = None
    unreadable: str = ""
    needed: int = 1
    approvals: tuple[GivenApproval, ...] = ()
    remark: str = ""
    is_linted: bool = field(default=False)


def context(row: EnrollmentRequest, person: Person) -> dict[str, Any]:
    """Return what the page shows."""
    now = timezone.now()
    waits = row.disposition == Disposition.UNDER_SUBMISSION
    reviews = waits and access.may_review(person)
    remit = manager_scopes.of(person)
    beyond = reviews and not remit.has_request(row)
    reviews = reviews and not beyond
    subject = f"request {row.pk}"
    exhibit = _exhibit(row, reviews=reviews, now=now)
    return {
        "title": names_of(row),
        "is_waiting": waits,
        "may_review": reviews,
        "beyond": remit.refusal("this request") if beyond else "",
        "is_own": reviews and _is_own(row, person),
        "exhibit": exhibit,
        "doubts": lookalikes.doubts([row.subject, *warnings.values_of(row), row.requester]),
        "has_approved": any(one.user_id == person.pk for one in exhibit.approvals),
        "state": state.of_request(row),
        "mood": state.words_of_request(row)[0],
        "arrived": links.moment(row.submitted_at, now),
        "decided": links.moment(row.decided_at, now) if row.decided_at else "",
        "template": Template.objects.filter(name=row.template_name).first(),
        "certificate": row.certificate,
        "renews": row.renews,
        "history": _history(row, now),
        "requester_address": links.requests_of(row.requester),
        "agent_address": links.requests_by(row.agent) if row.agent else "",
        "certificates_address": links.certificates_of(row.requester),
        **trail.of(subject),
    }


def _is_own(row: EnrollmentRequest, person: Person) -> bool:
    asked = (row.requester, row.agent)
    return person.get_username() in asked and not conf.current().self_approval


def _exhibit(row: EnrollmentRequest, *, reviews: bool, now: datetime) -> Exhibit:
    if not row.raw:
        return Exhibit(unreadable="Nothing of what was sent is kept.")
    try:
        if reviews:
            return _under_review(review.prepare_review(row.pk, now=now))
        if row.disposition == Disposition.UNDER_SUBMISSION:
            return _previewed(row, now)
        return _decided(row)
    except (EnrollmentError, review.DecisionRefused) as error:
        return Exhibit(unreadable=str(error))


def _under_review(seen: review.Review) -> Exhibit:
    return _exhibited(
        seen.judgement.request,
        seen.decision,
        seen.prepared,
        digest=seen.digest,
        ignored=seen.ignored,
        holders=_each_once(seen.holders),
        needed=seen.needed,
        approvals=seen.approvals,
        remark=seen.remark,
    )


def _previewed(row: EnrollmentRequest, now: datetime) -> Exhibit:
    """Show the same to somebody who may only look; nothing is written down for approval."""
    seen = enroll.preview(bytes(row.raw), row.attributes, agents.sender_of(row), now=now)
    if seen.error is not None:
        raise seen.error
    if seen.judgement is None or seen.decision is None:
        return Exhibit(unreadable="The request cannot be shown.")
    return _exhibited(
        seen.judgement.request,
        seen.decision,
        seen.certificate,
        ignored=seen.ignored,
        holders=_each_once(seen.holders),
    )


def _each_once(holders: Iterable[Holder]) -> tuple[Holder, ...]:
    """Drop the common name of a certificate that holds it as an alternative name as well."""
    found = {(str(holder.name), holder.serial_number): holder for holder in holders}
    return tuple(found.values())


def _exhibited(
    request: CertificationRequest,
    decision: Decision,
    prepared: PreparedCertificate | None,
    **found: Any,  # noqa: ANN401 - the remaining fields of Exhibit
) -> Exhibit:
    if prepared is None:
        refusal = decision.error if isinstance(decision, Deny) else None
        return Exhibit(request, comparison.asked_only(request), refusal=refusal, **found)
    lines = comparison.compare(request, comparison.unsigned(prepared))
    # What the template adds anyway is no loss to anybody.
    kept = {line.label.casefold() for line in lines if line.verdict is comparison.Verdict.SAME}
    found["ignored"] = tuple(
        sentence
        for sentence in found["ignored"]
        if sentence.partition(" in the request is ignored")[0].casefold() not in kept
    )
    return Exhibit(request, tuple(lines), findings=prepared.findings, is_linted=True, **found)


def _decided(row: EnrollmentRequest) -> Exhibit:
    request = judgement.read(bytes(row.raw))
    if row.certificate is None:
        return Exhibit(request, comparison.asked_only(request))
    issued = x509.load_der_x509_certificate(bytes(row.certificate.der))
    return Exhibit(request, tuple(comparison.compare(request, issued)))


def _history(row: EnrollmentRequest, now: datetime) -> list[dict[str, Any]]:
    """Return the newest other requests of the same requester."""
    others = EnrollmentRequest.objects.filter(requester=row.requester).exclude(pk=row.pk)
    return [
        {
            "row": other,
            "names": names_of(other),
            "address": links.request_page(other.pk),
            "state": state.of_request(other),
            "arrived": links.moment(other.submitted_at, now),
        }
        for other in others.select_related("certificate")
        .defer("raw", "attributes", "certificate__der")
        .order_by("-pk")[:_MOST]
    ]
