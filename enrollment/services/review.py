"""What certificate managers do with requests that wait: look, issue, deny."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction

from enrollment import conf
from enrollment.ca import issuance as core
from enrollment.ca.disposition import Disposition, Step
from enrollment.ca.errors import DeniedByManager, EnrollmentError
from enrollment.ca.policy import Decision, Deny, Requester
from enrollment.models import Certificate, EnrollmentRequest, SigningRecord
from enrollment.services import (
    audit,
    authority,
    decision,
    directory,
    ignored,
    issuance,
    judgement,
    manager_scopes,
)
from enrollment.services.manager_scopes import EVERYTHING, Remit

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.ca.issuance import PreparedCertificate
    from enrollment.ca.policy import Holder
    from enrollment.services.judgement import Judgement

_HISTORY = 20


class DecisionRefused(Exception):
    """A reviewer's act that is not done, and why, in one sentence."""


class UnknownRequest(DecisionRefused):
    """There is no request with this id."""


class NotPending(DecisionRefused):
    """The request does not wait (any more)."""


class NotAReviewer(DecisionRefused):
    """The caller may not decide requests."""


class BeyondRemit(DecisionRefused):
    """The reviewer's right is limited, and the request lies beyond (0x80094009)."""


class SelfApproval(DecisionRefused):
    """The reviewer asked for the certificate."""


class ContentChanged(DecisionRefused):
    """What was shown is not what would be signed now."""


class PolicyRefuses(DecisionRefused):
    """The policy denies what the reviewer would grant."""


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Who decides; `may_review` and `remit` were read for this very act."""

    name: str
    may_review: bool
    remit: Remit = EVERYTHING


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

    @property
    def digest(self) -> str:
        """What an approval must name."""
        return self.record.digest if self.record else ""


def reviewer_of(user: User | AnonymousUser) -> Reviewer:
    """Return an account as a reviewer, with its rights as they are now."""
    return Reviewer(user.get_username(), directory.may_review(user), manager_scopes.of(user))


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
    verdict, prepared, record = judged.decision, None, None
    if not isinstance(verdict, Deny):
        issuing = authority.current()
        try:
            prepared = issuance.prepare(judged, issuing, now=now)
        except EnrollmentError as error:
            verdict = Deny(error)
        else:
            record = _replace_prepared(row, prepared, now)
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
    )


def _judge(row: EnrollmentRequest, now: datetime, *, with_holders: bool = False) -> Judgement:
    request = judgement.read(bytes(row.raw))
    return judgement.judge(
        request, row.attributes, _requester(row), now=now, with_holders=with_holders
    )


def _requester(row: EnrollmentRequest) -> Requester:
    """Return the requester with the rights of today, not of the day the request came."""
    if row.account is None:
        return Requester(name=row.requester, is_anonymous=True)
    return directory.requester_of(row.account if row.account.is_active else AnonymousUser())


def _replace_prepared(
    row: EnrollmentRequest, prepared: PreparedCertificate, now: datetime
) -> SigningRecord:
    """Keep what this reviewer is shown; what earlier looks left behind and outlived goes."""
    outdated = now - conf.current().review_lifetime
    with transaction.atomic():
        SigningRecord.objects.filter(
            request=row, state=SigningRecord.State.PREPARED, created_at__lt=outdated
        ).delete()
        return issuance.write_down(
            row, prepared, authority.current(), state=SigningRecord.State.PREPARED, now=now
        )


def approve(request_id: int, reviewer: Reviewer, *, digest: str, now: datetime) -> Certificate:
    """Issue a waiting request: exactly the content whose digest the reviewer was shown.

    Raises:
        NotAReviewer, UnknownRequest, NotPending, BeyondRemit, SelfApproval, PolicyRefuses,
        ContentChanged
        IssuanceFault, keys.KeyProblem: the key failed; the next start finishes the certificate.
    """
    _check_reviewer(reviewer)
    row = find_pending(request_id)
    _check_remit(reviewer, row)
    if reviewer.name == row.requester and not conf.current().self_approval:
        raise SelfApproval(
            f"You asked for request {row.pk} yourself; another certificate manager must decide it."
        )
    record = _shown(row, digest, now)
    _check_unchanged(row, record, now)
    with transaction.atomic(durable=True):
        _hold(row)
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
    return issuance.complete(record, now=now)


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
    record = (
        SigningRecord.objects.filter(
            request=row,
            digest=digest,
            state=SigningRecord.State.PREPARED,
            created_at__gte=now - conf.current().review_lifetime,
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


def _check_unchanged(row: EnrollmentRequest, record: SigningRecord, now: datetime) -> None:
    """Compose the content anew, with the policy and template of now, and compare the octets."""
    judged = _judge(row, now)
    if isinstance(judged.decision, Deny):
        raise PolicyRefuses(f"Request {row.pk} cannot be issued: {judged.decision.error}")
    if judged.template is None or record.authority != authority.current():
        raise ContentChanged(f"The CA changed since you looked at request {row.pk}. Look again.")
    again = core.prepare(
        judged.request,
        judged.template,
        authority.issuer_of(record.authority, partition=record.crl_partition),
        judged.requester,
        serial_number=int(record.serial_number, 16),
        now=record.created_at,
        backdate=conf.current().backdate,
        check=lambda _tbs, _algorithm: (),  # these very octets were linted when they were shown
    )
    if again.tbs != bytes(record.tbs):
        raise ContentChanged(
            f"The template or the requester's directory entry changed since you looked at request "
            f"{row.pk}. Look at it again."
        )


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
    "BeyondRemit",
    "ContentChanged",
    "DecisionRefused",
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
