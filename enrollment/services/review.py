"""What certificate managers do with requests that wait: look, issue, deny."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q

from enrollment import conf
from enrollment.ca import issuance as core
from enrollment.ca.disposition import Disposition, Step
from enrollment.ca.errors import AgentNotGranted, DeniedByManager, EnrollmentError
from enrollment.ca.lint import lint
from enrollment.ca.policy import Decision, Deny
from enrollment.models import Certificate, EnrollmentRequest, SigningRecord
from enrollment.services import (
    agents,
    approvals,
    audit,
    authority,
    decision,
    directory,
    ignored,
    issuance,
    judgement,
    manager_scopes,
    meanwhile,
)
from enrollment.services.manager_scopes import EVERYTHING, Remit
from enrollment.services.outside.told import SourceUnavailable
from enrollment.services.refusals import (
    AlreadyApproved,
    BeyondRemit,
    ContentChanged,
    DecisionRefused,
    NoAccount,
    NotAReviewer,
    NotPending,
    PolicyRefuses,
    SelfApproval,
    UnknownRequest,
)

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import AnonymousUser, User

    from enrollment.ca.issuance import PreparedCertificate
    from enrollment.ca.policy import Holder
    from enrollment.ca.template import CertificateTemplate
    from enrollment.models import GivenApproval
    from enrollment.services.approvals import Tally
    from enrollment.services.judgement import Judgement

_HISTORY = 20


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Who decides; `may_review` and `remit` were read for this very act."""

    name: str
    may_review: bool
    remit: Remit = EVERYTHING
    account_id: int | None = None


@dataclass(frozen=True, slots=True)
class Approved:
    """What an approval led to: the certificate, or none while more managers must approve."""

    certificate: Certificate | None
    tally: Tally


@dataclass(frozen=True, slots=True)
class Review:
    """Everything a reviewer sees before deciding. `record` holds the digest to approve."""

    row: EnrollmentRequest
    judgement: Judgement
    decision: Decision
    prepared: PreparedCertificate | None
    record: SigningRecord | None
    ignored: tuple[str, ...]
    holders: tuple[Holder, ...]
    history: tuple[EnrollmentRequest, ...]
    needed: int = 1
    approvals: tuple[GivenApproval, ...] = ()
    remark: str = ""

    @property
    def digest(self) -> str:
        """What an approval must name."""
        return self.record.digest if self.record else ""


def reviewer_of(user: User | AnonymousUser) -> Reviewer:
    """Return an account as a reviewer, with its rights as they are now."""
    return Reviewer(
        user.get_username(), directory.may_review(user), manager_scopes.of(user), user.pk
    )


def find_pending(request_id: int) -> EnrollmentRequest:
    """Return a request that waits.

    Raises:
        UnknownRequest, NotPending
    """
    row = EnrollmentRequest.objects.filter(pk=request_id).first()
    if row is None:
        raise UnknownRequest(f"There is no request {request_id}.")
    if row.state is not Disposition.UNDER_SUBMISSION:
        raise NotPending(
            f"Request {row.pk} does not wait: it is {row.state.name.replace('_', ' ').lower()}."
        )
    return row


def prepare_review(request_id: int, *, now: datetime) -> Review:
    """Judge a waiting request again and write down the certificate that would be issued.

    Raises:
        UnknownRequest, NotPending
    """
    row = find_pending(request_id)
    judged = _judge(row, now, with_holders=True)
    verdict, prepared, record, remark = judged.decision, None, None, ""
    if not isinstance(verdict, Deny):
        try:
            prepared, record, remark = _prepare(row, judged, now)
        except EnrollmentError as error:
            verdict = Deny(error)
    return Review(
        row=row,
        judgement=judged,
        decision=verdict,
        prepared=prepared,
        record=record,
        ignored=ignored.from_request(judged, row.attributes),
        holders=judged.knowledge.held_by_others(judged.requester),
        history=tuple(
            EnrollmentRequest.objects.filter(requester=row.requester)
            .exclude(pk=row.pk)
            .select_related("certificate")
            .defer("raw")[:_HISTORY]
        ),
        needed=approvals.needed_for(row.template_name),
        approvals=tuple(approvals.counting(record)) if record is not None else (),
        remark=remark,
    )


def _prepare(
    row: EnrollmentRequest, judged: Judgement, now: datetime
) -> tuple[PreparedCertificate, SigningRecord, str]:
    """Return what other managers approved while it stands, or else a content of this moment."""
    remark, standing = "", approvals.standing(row)
    if standing is not None:
        again = _approved_content(standing, judged)
        if again is not None and standing.created_at >= now - approvals.LIFETIME:
            return again, standing, ""
        remark = approvals.drop(standing, is_late=again is not None, now=now)
    prepared = issuance.prepare(judged, authority.current(), now=now)
    return prepared, _replace_prepared(row, prepared, now), remark


def _approved_content(record: SigningRecord, judged: Judgement) -> PreparedCertificate | None:
    """Return the content that a manager approved, if it would still be composed like this."""
    if judged.template is None or record.authority != authority.current():
        return None
    try:
        again = _compose_again(record, judged, judged.template, lints=True)
    except EnrollmentError:
        return None
    return again if again.tbs == bytes(record.tbs) else None


def _compose_again(
    record: SigningRecord, judged: Judgement, template: CertificateTemplate, *, lints: bool
) -> PreparedCertificate:
    """Compose what a record holds with the template and the people of now."""
    return core.prepare(
        judged.request,
        template,
        authority.issuer_of(record.authority, partition=record.crl_partition),
        judged.requester,
        serial_number=int(record.serial_number, 16),
        now=record.created_at,
        backdate=conf.current().backdate,
        check=lint if lints else (lambda _tbs, _algorithm: ()),
    )


def _judge(row: EnrollmentRequest, now: datetime, *, with_holders: bool = False) -> Judgement:
    approvals.look_up_people(row)
    request = judgement.read(bytes(row.raw))
    sender = agents.sender_of(row)
    try:
        judged = judgement.judge(
            request, row.attributes, sender, now=now, with_holders=with_holders
        )
    except SourceUnavailable as error:
        raise approvals.away(row) from error
    if row.agent and judged.agents and judged.requester.account_id != row.account_id:
        # The name in the message means another account now than when the request came.
        return replace(judged, decision=Deny(_no_longer(row)))
    return judged


def _no_longer(row: EnrollmentRequest) -> AgentNotGranted:
    return AgentNotGranted(
        f"The request came on behalf of '{row.requester}', and its message names another account "
        "now.",
        remedy="Let the enrollment agent sign a new one.",
    )


def _replace_prepared(
    row: EnrollmentRequest, prepared: PreparedCertificate, now: datetime
) -> SigningRecord:
    """Keep what this reviewer is shown; what earlier looks left behind and outlived goes."""
    outdated = now - conf.current().review_lifetime
    with transaction.atomic():
        SigningRecord.objects.filter(
            request=row,
            state=SigningRecord.State.PREPARED,
            created_at__lt=outdated,
            approvals__isnull=True,
        ).delete()
        return issuance.write_down(
            row, prepared, authority.current(), state=SigningRecord.State.PREPARED, now=now
        )


def approve(request_id: int, reviewer: Reviewer, *, digest: str, now: datetime) -> Approved:
    """Issue a waiting request: exactly the content whose digest the reviewer was shown.

    Where the template wants several managers, all but the last only leave their approval.

    Raises:
        NotAReviewer, UnknownRequest, NotPending, BeyondRemit, SelfApproval, PolicyRefuses,
        ContentChanged, NoAccount, AlreadyApproved
        IssuanceFault, keys.KeyProblem: the key failed; the next start finishes the certificate.
    """
    _check_reviewer(reviewer)
    row = find_pending(request_id)
    _check_remit(reviewer, row)
    approvals.check_not_own(row, reviewer)
    record = _shown(row, digest, now)
    judged = _check_unchanged(row, record, now)
    approvals.check_not_own(row, reviewer, judged.agents)
    with transaction.atomic(durable=True):
        _hold(row)
        # Before the audit trail is told anything, as whoever enrolls does.
        _check_allowed(row, meanwhile.decide_again(judged, now=now))
        tally = approvals.give(record, reviewer, agents=judged.agents, now=now)
        if not tally.is_enough:
            return Approved(None, tally)
        won = SigningRecord.objects.filter(
            pk=record.pk,
            state=SigningRecord.State.PREPARED,
            request__disposition=Disposition.UNDER_SUBMISSION.value,
        ).update(state=SigningRecord.State.COMMITTED, decided_by=reviewer.name)
        others = SigningRecord.objects.filter(request=row).exclude(pk=record.pk)
        if not won or others.filter(state=SigningRecord.State.COMMITTED).exists():
            raise NotPending(f"Request {row.pk} was decided by somebody else meanwhile.")
        others.delete()
        record.refresh_from_db()
        issuance.commit(record, now=now)
    return Approved(issuance.complete(record, now=now), tally)


def _hold(row: EnrollmentRequest) -> None:
    """Let nobody else decide a request until the transaction ends, on any node.

    Raises:
        NotPending: somebody did meanwhile.
    """
    held = EnrollmentRequest.objects.select_for_update().only("disposition").get(pk=row.pk)
    if held.state is not Disposition.UNDER_SUBMISSION:
        raise NotPending(f"Request {row.pk} was decided by somebody else meanwhile.")


def _check_reviewer(reviewer: Reviewer) -> None:
    if not reviewer.may_review:
        raise NotAReviewer(f"'{reviewer.name}' may not decide requests.")


def _check_remit(reviewer: Reviewer, row: EnrollmentRequest) -> None:
    if not reviewer.remit.has_request(row):
        raise BeyondRemit(reviewer.remit.refusal(f"request {row.pk}"))


def _shown(row: EnrollmentRequest, digest: str, now: datetime) -> SigningRecord:
    is_fresh = Q(created_at__gte=now - conf.current().review_lifetime)
    stands = Q(created_at__gte=now - approvals.LIFETIME, approvals__isnull=False)
    record = (
        SigningRecord.objects.filter(
            is_fresh | stands, request=row, digest=digest, state=SigningRecord.State.PREPARED
        )
        .select_related("request", "authority")
        .first()
    )
    if record is None:
        raise ContentChanged(
            f"What you were shown of request {row.pk} is no longer what would be signed. Look at "
            "it again."
        )
    return record


def _check_allowed(row: EnrollmentRequest, verdict: Decision) -> None:
    if isinstance(verdict, Deny):
        raise PolicyRefuses(f"Request {row.pk} cannot be issued: {verdict.error}")


def _check_unchanged(row: EnrollmentRequest, record: SigningRecord, now: datetime) -> Judgement:
    """Compose the content anew, with the policy and template of now, and compare the octets."""
    judged = _judge(row, now)
    _check_allowed(row, judged.decision)
    if judged.template is None or record.authority != authority.current():
        raise ContentChanged(f"The CA changed since you looked at request {row.pk}. Look again.")
    # These very octets were linted when they were shown.
    again = _compose_again(record, judged, judged.template, lints=False)
    if again.tbs != bytes(record.tbs):
        raise ContentChanged(
            f"The template or the requester's directory entry changed since you looked at request "
            f"{row.pk}. Look at it again."
        )
    return judged


def deny(request_id: int, reviewer: Reviewer, *, reason: str, now: datetime) -> EnrollmentRequest:
    """Refuse a waiting request; the requester reads the reason.

    Raises:
        NotAReviewer, UnknownRequest, NotPending, BeyondRemit
    """
    _check_reviewer(reviewer)
    reason = " ".join(reason.split())[:500]
    error = DeniedByManager(
        reason or "No reason was given.", remedy="Ask the certificate manager, or request again."
    )
    with transaction.atomic(durable=True):
        row = find_pending(request_id)
        _check_remit(reviewer, row)
        _hold(row)
        records = SigningRecord.objects.filter(request=row)
        if records.filter(state=SigningRecord.State.COMMITTED).exists():
            raise NotPending(f"Request {row.pk} is being issued.")
        records.delete()
        decision.record(
            row,
            Step.DENY,
            f"Denied by {reviewer.name}"
            + (f": {reason.replace(chr(34), chr(39))}" if reason else ""),
            now=now,
            decided_by=reviewer.name,
            status_code=error.hresult,
            detail=error.detail,
            remedy=error.remedy,
        )
        audit.record(
            "denied", actor=reviewer.name, subject=f"request {row.pk}", at=now, reason=reason
        )
    return row


def pending() -> list[int]:
    """Return the ids of all requests that wait, the oldest first, at most 10,000."""
    rows = EnrollmentRequest.objects.filter(disposition=Disposition.UNDER_SUBMISSION.value)
    return list(rows.order_by("pk").values_list("pk", flat=True)[:10_000])


__all__ = [
    "AlreadyApproved",
    "Approved",
    "BeyondRemit",
    "ContentChanged",
    "DecisionRefused",
    "NoAccount",
    "NotAReviewer",
    "NotPending",
    "PolicyRefuses",
    "Review",
    "Reviewer",
    "SelfApproval",
    "UnknownRequest",
    "approve",
    "deny",
    "find_pending",
    "pending",
    "prepare_review",
    "reviewer_of",
]
