"""Who may decide, how a request is denied, and what two managers at once cannot do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from django.utils import timezone

from enrollment.ca import der, hresult
from enrollment.ca.disposition import Disposition, Step
from enrollment.keys import KeyFileMissing
from enrollment.models import (
    AuditEvent,
    Authority,
    Certificate,
    EnrollmentRequest,
    SigningRecord,
)
from enrollment.services import decision, directory, issuance, review
from enrollment.services.review import Reviewer
from tests import make, messages
from tests.conftest import person
from tests.services.acts import (
    MARIA,
    approve,
    change_template,
    submit,
    submit_waiting,
)

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from enrollment.ca.policy import Requester
    from enrollment.services.judgement import Judgement
    from tests.services.acts import Configure


def state_of(row: EnrollmentRequest) -> Disposition:
    return EnrollmentRequest.objects.get(pk=row.pk).state


# --- who may ---


def test_a_clerk_without_the_right_can_neither_issue_nor_deny(requester: Requester) -> None:
    row = submit_waiting(requester)
    seen = review.prepare_review(row.pk, now=timezone.now())
    clerk = Reviewer("carl", may_review=False)

    with pytest.raises(review.NotAReviewer, match="'carl'"):
        review.approve(row.pk, clerk, digest=seen.digest, now=timezone.now())
    with pytest.raises(review.NotAReviewer):
        review.deny(row.pk, clerk, reason="", now=timezone.now())
    assert state_of(row) is Disposition.UNDER_SUBMISSION


def test_the_right_to_review_belongs_to_managers_alone(
    manager: User, alice: User, auditor: User, administrator: User
) -> None:
    assert directory.may_review(manager)
    assert not any(directory.may_review(user) for user in (alice, auditor, administrator))


def test_a_manager_who_was_deactivated_may_not_review(manager: User) -> None:
    manager.is_active = False

    assert not directory.may_review(manager)


def test_nobody_approves_their_own_request(site: object) -> None:
    maria = person("maria", "Enrollees", "Certificate Managers")
    row = submit_waiting(directory.requester_of(maria))

    with pytest.raises(review.SelfApproval, match="yourself"):
        approve(row)
    assert state_of(row) is Disposition.UNDER_SUBMISSION


def test_a_new_name_makes_nobody_somebody_else(site: object) -> None:
    """The directory renames people, and their requests keep the name of then."""
    maria = person("maria", "Enrollees", "Certificate Managers")
    row = submit_waiting(directory.requester_of(maria))
    maria.username = "maria.neu"
    maria.save()
    seen = review.prepare_review(row.pk, now=timezone.now())

    with pytest.raises(review.SelfApproval, match="yourself"):
        review.approve(row.pk, review.reviewer_of(maria), digest=seen.digest, now=timezone.now())


def test_a_site_may_let_people_approve_their_own(site: object, configure: Configure) -> None:
    configure(CERTSRV_SELF_APPROVAL="yes")
    maria = person("maria", "Enrollees", "Certificate Managers")
    row = submit_waiting(directory.requester_of(maria))

    approve(row)

    assert state_of(row) is Disposition.ISSUED


def test_anybody_may_withdraw_by_denying_their_own(site: object) -> None:
    maria = person("maria", "Enrollees", "Certificate Managers")
    row = submit_waiting(directory.requester_of(maria))

    review.deny(row.pk, MARIA, reason="changed my mind", now=timezone.now())

    assert state_of(row) is Disposition.DENIED


# --- denying ---


def test_a_denial_carries_its_reason_to_the_requester(requester: Requester) -> None:
    row = submit_waiting(requester)

    denied = review.deny(row.pk, MARIA, reason="Wrong\n  department", now=timezone.now())

    assert denied.state is Disposition.DENIED
    assert denied.disposition_message == "Denied by maria: Wrong department"
    assert denied.detail == "Wrong department"
    assert denied.status_code == hresult.ADMIN_DENIED_REQUEST


def test_a_denial_without_a_reason_says_so(requester: Requester) -> None:
    row = submit_waiting(requester)

    denied = review.deny(row.pk, MARIA, reason="  ", now=timezone.now())

    assert denied.disposition_message == "Denied by maria"
    assert denied.detail == "No reason was given."


def test_a_reason_never_cuts_the_message_short(requester: Requester) -> None:
    """Clients cut a disposition message at its first double quote."""
    row = submit_waiting(requester)

    denied = review.deny(row.pk, MARIA, reason='not "ours"', now=timezone.now())

    assert denied.disposition_message == "Denied by maria: not 'ours'"


def test_a_denied_request_keeps_no_content_that_could_be_signed(requester: Requester) -> None:
    row = submit_waiting(requester)
    review.prepare_review(row.pk, now=timezone.now())

    review.deny(row.pk, MARIA, reason="", now=timezone.now())

    assert not SigningRecord.objects.filter(request=row).exists()


def test_a_denial_leaves_an_audit_event(requester: Requester) -> None:
    row = submit_waiting(requester)

    review.deny(row.pk, MARIA, reason="no", now=timezone.now())

    event = AuditEvent.objects.get(subject=f"request {row.pk}", verb="denied")
    assert (event.actor, event.detail) == ("maria", {"reason": "no"})


# --- two at once ---


def test_who_denies_second_is_told_that_it_was_decided(requester: Requester) -> None:
    row = submit_waiting(requester)
    approve(row)

    with pytest.raises(review.NotPending):
        review.deny(row.pk, MARIA, reason="", now=timezone.now())


def test_who_approves_second_is_told_and_issues_no_second_certificate(
    requester: Requester,
) -> None:
    row = submit_waiting(requester)
    now = timezone.now()
    first, second = (review.prepare_review(row.pk, now=now) for _ in range(2))
    review.approve(row.pk, MARIA, digest=first.digest, now=now)

    with pytest.raises(review.NotPending):
        review.approve(row.pk, Reviewer("mike", may_review=True), digest=second.digest, now=now)

    assert Certificate.objects.filter(request=row).count() == 1


def test_a_denial_between_look_and_commit_wins(
    requester: Requester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last check is inside the transaction that commits the content."""
    row = submit_waiting(requester)
    now = timezone.now()
    seen = review.prepare_review(row.pk, now=now)

    def deny_meanwhile(*_: object) -> Judgement:
        review.deny(row.pk, MARIA, reason="faster", now=now)
        return seen.judgement

    monkeypatch.setattr(review, "_check_unchanged", deny_meanwhile)
    with pytest.raises(review.NotPending, match="meanwhile"):
        review.approve(row.pk, MARIA, digest=seen.digest, now=now)

    assert state_of(row) is Disposition.DENIED
    assert not Certificate.objects.filter(request=row).exists()


def test_a_decision_that_left_the_look_behind_still_wins(
    requester: Requester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request itself is asked whether it waits, not only what was shown of it."""
    row = submit_waiting(requester)
    now = timezone.now()
    seen = review.prepare_review(row.pk, now=now)
    stale = EnrollmentRequest.objects.get(pk=row.pk)

    def decide_meanwhile(*_: object) -> Judgement:
        decision.record(stale, Step.DENY, "Denied by hand", now=now)
        return seen.judgement

    monkeypatch.setattr(review, "_check_unchanged", decide_meanwhile)
    with pytest.raises(review.NotPending, match="meanwhile"):
        review.approve(row.pk, MARIA, digest=seen.digest, now=now)

    assert not SigningRecord.objects.filter(state=SigningRecord.State.COMMITTED).exists()


def test_a_content_that_is_committed_already_is_not_committed_beside_another(
    requester: Requester,
) -> None:
    """The key failed after the first approval; who looks again must not approve a second one."""
    row = submit_waiting(requester)
    Authority.objects.update(key_reference="keys/lost.pem")
    with pytest.raises(KeyFileMissing):
        approve(row)

    with pytest.raises(review.NotPending, match="meanwhile"):
        approve(row, reviewer=Reviewer("mike", may_review=True))

    (committed,) = SigningRecord.objects.filter(state=SigningRecord.State.COMMITTED)
    assert committed.decided_by == "maria"


def test_an_approval_between_look_and_commit_wins(
    requester: Requester, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = submit_waiting(requester)
    now = timezone.now()
    first, second = (review.prepare_review(row.pk, now=now) for _ in range(2))
    checked = review._check_unchanged  # noqa: SLF001 - replaced below

    def approve_meanwhile(*_: object) -> Judgement:
        monkeypatch.setattr(review, "_check_unchanged", checked)
        review.approve(row.pk, MARIA, digest=first.digest, now=now)
        return second.judgement

    monkeypatch.setattr(review, "_check_unchanged", approve_meanwhile)
    with pytest.raises(review.NotPending, match="meanwhile"):
        review.approve(row.pk, MARIA, digest=second.digest, now=now)

    assert Certificate.objects.filter(request=row).count() == 1


def test_a_committed_approval_cannot_be_denied_any_more(requester: Requester) -> None:
    """The key failed after the commit: the next start will issue, so nobody may deny."""
    row = submit_waiting(requester)
    good = Authority.objects.get().key_reference
    Authority.objects.update(key_reference="keys/lost.pem")
    with pytest.raises(KeyFileMissing):
        approve(row)

    with pytest.raises(review.NotPending, match="being issued"):
        review.deny(row.pk, MARIA, reason="", now=timezone.now())

    Authority.objects.update(key_reference=good)
    (finished,) = issuance.recover(timezone.now())
    stored = EnrollmentRequest.objects.get(pk=row.pk)
    assert stored.certificate == finished
    assert stored.decided_by == "maria"


# --- first-time approval, from end to end ---


def test_names_that_were_approved_once_are_issued_at_once_the_next_time(
    requester: Requester, stranger: Requester
) -> None:
    change_template("WebServer", approval="first-time")
    approve(submit(requester, "a.example.com"))

    assert submit(requester, "a.example.com", number=2).state is Disposition.ISSUED
    assert submit(requester, "b.example.com").state is Disposition.UNDER_SUBMISSION
    assert submit(stranger, "a.example.com").state is Disposition.UNDER_SUBMISSION


def test_names_granted_in_two_certificates_are_not_granted_together(
    requester: Requester,
) -> None:
    change_template("WebServer", approval="first-time")
    for name in ("a.example.com", "b.example.com"):
        approve(submit(requester, name))

    both = submit(requester, "a.example.com", dns=["a.example.com", "b.example.com"])

    assert both.state is Disposition.UNDER_SUBMISSION


def test_a_revoked_certificate_grants_nothing_for_the_next_time(requester: Requester) -> None:
    change_template("WebServer", approval="first-time")
    approve(submit(requester, "a.example.com"))
    Certificate.objects.update(revoked_at=timezone.now())

    assert submit(requester, "a.example.com").state is Disposition.UNDER_SUBMISSION


@pytest.mark.parametrize(("length", "again"), [(255, "ISSUED"), (256, "UNDER_SUBMISSION")])
def test_a_name_longer_than_what_is_kept_of_it_is_never_granted_before(
    requester: Requester, length: int, again: str
) -> None:
    """Another one may begin alike, and it was issued without anybody who looked."""
    change_template("WebServer", approval="first-time")
    long = x509.UniformResourceIdentifier("https://a.example.com/".ljust(length, "x"))
    names = (x509.SubjectAlternativeName([long]), False)
    approve(submit(requester, None, extensions=[names]))

    assert submit(requester, None, extensions=[names]).state.name == again


def test_a_request_without_comparable_names_is_never_granted_before(
    requester: Requester,
) -> None:
    change_template("WebServer", approval="first-time")
    country = messages.name(("2.5.4.6", der.printable_string("DE")))
    raw = messages.pkcs10(make.key("ec:p256"), country)
    approve(submit(requester, raw=raw))

    assert submit(requester, raw=raw).state is Disposition.UNDER_SUBMISSION
