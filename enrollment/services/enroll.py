"""The whole way, for doors that answer at once: submit, decide, issue."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from enrollment.ca import hresult
from enrollment.ca.attributes import readable_lines
from enrollment.ca.disposition import Disposition
from enrollment.ca.errors import EnrollmentError, PrivateKeyPasted
from enrollment.ca.names import display
from enrollment.ca.policy import Decision, Deny, Hold, Issue, Requester
from enrollment.models import EnrollmentRequest, SigningRecord
from enrollment.services import (
    audit,
    authority,
    decision,
    directory,
    ignored,
    issuance,
    judgement,
    meanwhile,
)
from enrollment.services.prepared import insert

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.ca.issuance import PreparedCertificate
    from enrollment.ca.policy import Holder
    from enrollment.ca.template import CertificateTemplate
    from enrollment.models import Authority
    from enrollment.services.judgement import Judgement

# What cannot be read is kept to show what came, not to be processed.
_KEPT_OF_UNREADABLE = 4096
_log = logging.getLogger("certsrv.enroll")


@dataclass(frozen=True, slots=True)
class Submission:
    """What came through a door, before anything was read of it."""

    raw: bytes
    attributes: str
    requester: Requester
    door: str
    friendly_type: str = ""


def enroll(submission: Submission, *, now: datetime) -> EnrollmentRequest:
    """Take in a request, decide, and issue when nothing stands against it.

    Whatever was sent, a request with an id comes back, issued, waiting or denied with its reason.

    Args:
        submission: bounded by the door.
        now: timezone-aware UTC.

    Raises:
        authority.NoAuthority: there is no CA yet.
    """
    try:
        request = judgement.read(submission.raw)
    except EnrollmentError as error:
        return _refuse_unread(submission, error, now=now)
    judged = judgement.judge(request, submission.attributes, submission.requester, now=now)
    return enroll_judged(submission, judged, now=now)


def enroll_judged(
    submission: Submission,
    judged: Judgement,
    *,
    now: datetime,
    issuing: Authority | None = None,
) -> EnrollmentRequest:
    """Carry out a judgement: remember the request, and issue when nothing stands against it.

    Args:
        submission: what came through the door.
        judged: what the CA makes of it.
        now: timezone-aware UTC.
        issuing: the CA certificate to issue under; the current one unless told otherwise.

    Raises:
        authority.NoAuthority: there is no CA yet.
    """
    issuing = issuing or authority.current()
    verdict, prepared = _prepare(judged, issuing, now)
    row = _remember(submission, judged, now)
    with transaction.atomic(durable=True):
        insert(row)
        if isinstance(verdict, Issue):
            verdict = meanwhile.decide_again(judged, now=now)
        record = _write(row, verdict, prepared, issuing, now=now)
    if record is not None:
        _issue(record, now)
    return row


def _prepare(
    judged: Judgement, issuing: Authority, now: datetime
) -> tuple[Decision, PreparedCertificate | None]:
    """Turn a grant that cannot be composed into a refusal with its reason."""
    if not isinstance(judged.decision, Issue):
        return judged.decision, None
    try:
        return judged.decision, issuance.prepare(judged, issuing, now=now)
    except EnrollmentError as error:
        return Deny(error), None


def _remember(submission: Submission, judged: Judgement, now: datetime) -> EnrollmentRequest:
    request = judged.request
    sender, is_for_another = submission.requester, bool(judged.agents)
    return EnrollmentRequest(
        requester=judged.requester.name,
        account_id=judged.requester.account_id,
        agent=sender.name if is_for_another else "",
        agent_account_id=sender.account_id if is_for_another else None,
        door=submission.door,
        submitted_at=now,
        raw=request.der,
        attributes=readable_lines(submission.attributes),
        friendly_type=submission.friendly_type[:120].replace("\0", ""),
        form=request.form.value,
        template_name=judged.template_name,
        subject=display(request.subject)[:1024],
        names=[name.value for name in judged.names][:500],
        key_name=request.key.name[:60],
        remarks=[*request.remarks, *_signed_by(judged), *judged.remarks],
        renews=judged.renews,
        disposition=Disposition.INCOMPLETE.value,
    )


def _signed_by(judged: Judgement) -> tuple[str, ...]:
    if not judged.agents:
        return ()
    return (f"on behalf of {judged.requester.name}, signed by {', '.join(judged.agents)}",)


def _write(
    row: EnrollmentRequest,
    verdict: Decision,
    prepared: PreparedCertificate | None,
    issuing: Authority,
    *,
    now: datetime,
) -> SigningRecord | None:
    """Record the verdict; of a grant, also what is going to be signed."""
    subject = f"request {row.pk}"
    match verdict:
        case Deny(error):
            decision.refuse(row, error, now=now)
            told = {"reason": error.detail, **decision.for_whom(row)}
            audit.record("denied", actor=row.sender, subject=subject, at=now, **told)
        case Hold(reason):
            decision.hold(row, reason, now=now)
            told = {"reason": reason, **decision.for_whom(row)}
            audit.record("held", actor=row.sender, subject=subject, at=now, **told)
        case Issue() if prepared is not None:
            record = issuance.write_down(
                row, prepared, issuing, state=SigningRecord.State.COMMITTED, now=now
            )
            issuance.commit(record, now=now)
            return record
    return None


def _issue(record: SigningRecord, now: datetime) -> None:
    """Sign; when the key fails the request stays open and the next start finishes it."""
    try:
        issuance.complete(record, now=now)
    except Exception:  # noqa: BLE001 - see below
        # The requester must get a page, and the committed record must stay for `recover`.
        _log.exception("request %d could not be signed", record.request_id)
        still_open = EnrollmentRequest.objects.filter(
            pk=record.request_id, disposition=Disposition.INCOMPLETE.value
        )
        still_open.update(
            status_code=hresult.NTE_FAIL,
            detail="The CA could not sign the certificate.",
            remedy="Come back with this request id later, or tell a CA administrator.",
        )
        record.request.refresh_from_db()


def _refuse_unread(
    submission: Submission, error: EnrollmentError, *, now: datetime
) -> EnrollmentRequest:
    burnt = isinstance(error, PrivateKeyPasted)
    with transaction.atomic(durable=True):
        row = EnrollmentRequest.objects.create(
            requester=submission.requester.name,
            account_id=submission.requester.account_id,
            door=submission.door,
            submitted_at=now,
            raw=b"" if burnt else submission.raw[:_KEPT_OF_UNREADABLE],
            attributes="" if burnt else readable_lines(submission.attributes),
            friendly_type=submission.friendly_type[:120].replace("\0", ""),
            disposition=Disposition.INCOMPLETE.value,
        )
        decision.refuse(row, error, now=now)
        audit.record(
            "denied",
            actor=row.requester,
            subject=f"request {row.pk}",
            at=now,
            reason=error.detail,
        )
    return row


@dataclass(frozen=True, slots=True)
class Preview:
    """What the CA reads in a request and would do with it; nothing is stored."""

    error: EnrollmentError | None = None
    judgement: Judgement | None = None
    decision: Decision | None = None
    certificate: PreparedCertificate | None = None
    ignored: tuple[str, ...] = ()
    holders: tuple[Holder, ...] = ()
    fitting_templates: tuple[CertificateTemplate, ...] = ()


def preview(raw: bytes, attributes: str, requester: Requester, *, now: datetime) -> Preview:
    """Say what `enroll` would do, without a trace."""
    try:
        request = judgement.read(raw)
    except EnrollmentError as error:
        return Preview(error=error)
    judged = judgement.judge(request, attributes, requester, now=now, with_holders=True)
    verdict, prepared = judged.decision, None
    if not isinstance(verdict, Deny):
        try:
            prepared = issuance.prepare(judged, authority.current(), now=now)
        except EnrollmentError as error:
            verdict = Deny(error)
    return Preview(
        judgement=judged,
        decision=verdict,
        certificate=prepared,
        ignored=ignored.from_request(judged, attributes),
        holders=judged.knowledge.held_by_others(judged.requester),
        fitting_templates=_fitting(judged, requester, now),
    )


def _fitting(
    judged: Judgement, requester: Requester, now: datetime
) -> tuple[CertificateTemplate, ...]:
    """Return the offered templates that would not refuse this request."""
    fitting = []
    for template in directory.templates_for(judged.requester):
        line = f"CertificateTemplate:{template.name}"
        verdict = judgement.judge(judged.request, line, requester, now=now).decision
        if not isinstance(verdict, Deny):
            fitting.append(template)
    return tuple(fitting)
