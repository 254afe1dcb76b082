"""What certificate managers do with requests that wait: look, issue, deny."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from enrollment.ca.disposition import Disposition
from enrollment.ca.policy import Deny, Hold
from enrollment.models import (
    Account,
    AuditEvent,
    Authority,
    Certificate,
    EnrollmentRequest,
    SigningRecord,
)
from enrollment.services import directory, review
from tests.services.acts import (
    MARIA,
    approve,
    change_template,
    issued,
    submit,
    submit_waiting,
)

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from enrollment.ca.policy import Requester
    from tests.services.acts import Configure


def state_of(row: EnrollmentRequest) -> Disposition:
    return EnrollmentRequest.objects.get(pk=row.pk).state


# --- looking ---


def test_a_reviewer_is_shown_the_very_certificate_that_would_be_issued(
    requester: Requester,
) -> None:
    row = submit_waiting(requester)

    seen = review.prepare_review(row.pk, now=timezone.now())

    assert isinstance(seen.decision, Hold)
    assert seen.prepared is not None
    assert seen.record is not None
    assert seen.digest == seen.prepared.digest == seen.record.digest
    assert seen.record.state == SigningRecord.State.PREPARED


def test_looking_issues_nothing_and_decides_nothing(requester: Requester) -> None:
    row = submit_waiting(requester)

    review.prepare_review(row.pk, now=timezone.now())

    assert state_of(row) is Disposition.UNDER_SUBMISSION
    assert not Certificate.objects.filter(request=row).exists()


def test_a_reviewer_sees_who_else_holds_the_names_and_what_was_asked_before(
    requester: Requester, stranger: Requester
) -> None:
    submit(stranger, "www.example.com")
    earlier = submit(requester, "old.example.com")
    row = submit_waiting(requester)

    seen = review.prepare_review(row.pk, now=timezone.now())

    assert {holder.requester for holder in seen.holders} == {"charlie"}
    assert [other.pk for other in seen.history] == [earlier.pk]


def test_a_reviewer_sees_a_refusal_when_the_policy_refuses_by_now(
    requester: Requester, alice: User
) -> None:
    row = submit_waiting(requester)
    alice.groups.clear()

    seen = review.prepare_review(row.pk, now=timezone.now())

    assert isinstance(seen.decision, Deny)
    assert seen.record is None
    assert seen.digest == ""


def test_a_reviewer_sees_a_refusal_when_the_certificate_cannot_be_composed(
    requester: Requester,
) -> None:
    row = submit_waiting(requester)
    change_template("WebServer", validity_days=0)

    seen = review.prepare_review(row.pk, now=timezone.now())

    assert isinstance(seen.decision, Deny)
    assert seen.prepared is None


def test_looks_that_are_too_old_leave_nothing_behind(requester: Requester) -> None:
    row = submit_waiting(requester)
    now = timezone.now()

    review.prepare_review(row.pk, now=now - timedelta(hours=2))
    review.prepare_review(row.pk, now=now)

    assert SigningRecord.objects.filter(request=row).count() == 1


def test_two_reviewers_may_look_at_the_same_time(requester: Requester) -> None:
    row = submit_waiting(requester)
    now = timezone.now()

    first = review.prepare_review(row.pk, now=now)
    second = review.prepare_review(row.pk, now=now)

    assert first.digest != second.digest
    assert SigningRecord.objects.filter(request=row).count() == 2


def test_an_unknown_request_is_told_as_such(requester: Requester) -> None:
    with pytest.raises(review.UnknownRequest, match="There is no request 99999"):
        review.prepare_review(99_999, now=timezone.now())


def test_a_decided_request_does_not_wait(requester: Requester) -> None:
    row = submit(requester)

    with pytest.raises(review.NotPending, match="it is issued"):
        review.prepare_review(row.pk, now=timezone.now())


def test_the_queue_lists_what_waits_the_oldest_first(requester: Requester) -> None:
    submit(requester)
    first, second = submit_waiting(requester), submit_waiting(requester)

    assert review.pending() == [first.pk, second.pk]


# --- issuing ---


def test_what_was_approved_is_what_is_signed(requester: Requester) -> None:
    row = submit_waiting(requester)
    now = timezone.now()
    seen = review.prepare_review(row.pk, now=now)
    assert seen.prepared is not None

    review.approve(row.pk, MARIA, digest=seen.digest, now=now + timedelta(minutes=5))

    assert issued(row).tbs_certificate_bytes == seen.prepared.tbs


def test_an_approval_is_recorded_with_its_reviewer(requester: Requester) -> None:
    row = submit_waiting(requester)

    approve(row)

    stored = EnrollmentRequest.objects.get(pk=row.pk)
    assert stored.state is Disposition.ISSUED
    assert stored.decided_by == "maria"
    signed = AuditEvent.objects.filter(subject=f"request {row.pk}", verb="signed").get()
    assert signed.actor == "maria"


def test_other_looks_are_forgotten_once_one_is_approved(requester: Requester) -> None:
    row = submit_waiting(requester)
    review.prepare_review(row.pk, now=timezone.now())

    approve(row)

    (record,) = SigningRecord.objects.filter(request=row)
    assert record.state == SigningRecord.State.SIGNED


@pytest.mark.parametrize("digest", ["", "0" * 64])
def test_an_approval_of_something_that_was_never_shown_is_refused(
    requester: Requester, digest: str
) -> None:
    row = submit_waiting(requester)
    review.prepare_review(row.pk, now=timezone.now())

    with pytest.raises(review.ContentChanged, match="Look at it again"):
        review.approve(row.pk, MARIA, digest=digest, now=timezone.now())

    assert state_of(row) is Disposition.UNDER_SUBMISSION


def test_the_digest_of_another_request_approves_nothing(requester: Requester) -> None:
    mine, other = submit_waiting(requester), submit_waiting(requester)
    shown = review.prepare_review(other.pk, now=timezone.now())

    with pytest.raises(review.ContentChanged):
        review.approve(mine.pk, MARIA, digest=shown.digest, now=timezone.now())


def test_an_approval_long_after_the_look_is_refused(requester: Requester) -> None:
    row = submit_waiting(requester)
    now = timezone.now()
    seen = review.prepare_review(row.pk, now=now)

    with pytest.raises(review.ContentChanged):
        review.approve(row.pk, MARIA, digest=seen.digest, now=now + timedelta(minutes=61))
    review.approve(row.pk, MARIA, digest=seen.digest, now=now + timedelta(minutes=60))
    assert state_of(row) is Disposition.ISSUED


def test_a_template_that_was_edited_meanwhile_voids_the_look(requester: Requester) -> None:
    row = submit_waiting(requester)
    seen = review.prepare_review(row.pk, now=timezone.now())
    change_template("WebServer", validity_days=30)

    with pytest.raises(review.ContentChanged, match="template"):
        review.approve(row.pk, MARIA, digest=seen.digest, now=timezone.now())


def test_a_directory_entry_that_changed_meanwhile_voids_the_look(alice: User) -> None:
    account = Account.objects.create(user=alice, dns_name="pc1.example.com")
    change_template("Machine", approval="always")
    row = submit(directory.requester_of(alice), template="Machine")
    seen = review.prepare_review(row.pk, now=timezone.now())
    account.dns_name = "pc2.example.com"
    account.save()

    with pytest.raises(review.ContentChanged, match="directory entry"):
        review.approve(row.pk, MARIA, digest=seen.digest, now=timezone.now())


def test_an_unchanged_directory_entry_is_approved(alice: User) -> None:
    Account.objects.create(user=alice, dns_name="pc1.example.com")
    change_template("Machine", approval="always")
    row = submit(directory.requester_of(alice), template="Machine")

    approve(row)

    assert issued(row).subject.rfc4514_string() == "CN=pc1.example.com"


def test_another_ca_certificate_voids_the_look(requester: Requester) -> None:
    row = submit_waiting(requester)
    seen = review.prepare_review(row.pk, now=timezone.now())
    newer = Authority.objects.get()
    newer.pk, newer.index = None, 1
    newer.save(force_insert=True)

    with pytest.raises(review.ContentChanged, match="The CA changed"):
        review.approve(row.pk, MARIA, digest=seen.digest, now=timezone.now())


def test_the_policy_is_asked_again_before_issuing(requester: Requester, alice: User) -> None:
    """Rights of today count, not those of the day the request came."""
    row = submit_waiting(requester)
    seen = review.prepare_review(row.pk, now=timezone.now())
    alice.groups.clear()

    with pytest.raises(review.PolicyRefuses, match="in no group"):
        review.approve(row.pk, MARIA, digest=seen.digest, now=timezone.now())


@pytest.mark.parametrize("gone", ["deactivated", "deleted"])
def test_nothing_is_issued_to_somebody_who_has_gone(
    requester: Requester, alice: User, gone: str
) -> None:
    row = submit_waiting(requester)
    seen = review.prepare_review(row.pk, now=timezone.now())
    if gone == "deleted":
        alice.delete()
    else:
        alice.is_active = False
        alice.save()

    with pytest.raises(review.PolicyRefuses):
        review.approve(row.pk, MARIA, digest=seen.digest, now=timezone.now())


def test_partitioned_lists_do_not_void_a_look(requester: Requester, configure: Configure) -> None:
    """The address of its list is written into a certificate, and composed again to compare."""
    configure(CERTSRV_CRL_PARTITIONS="3")
    row = submit_waiting(requester)

    approve(row)

    assert EnrollmentRequest.objects.get(pk=row.pk).state is Disposition.ISSUED
