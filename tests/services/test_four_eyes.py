"""Templates that want several managers: each approves the same content, the last one issues."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from enrollment.ca.disposition import Disposition
from enrollment.models import (
    AuditEvent,
    Certificate,
    EnrollmentRequest,
    GivenApproval,
    ManagerScope,
    SigningRecord,
    Template,
)
from enrollment.services import approvals, issuance, review, templates
from enrollment.services.approvals import LIFETIME
from tests.conftest import person
from tests.services.acts import MARIA, change_template, issued, submit_waiting

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.ca.policy import Requester


@pytest.fixture
def row(requester: Requester) -> EnrollmentRequest:
    """Alice's request, which two managers must approve."""
    waiting = submit_waiting(requester)
    change_template("WebServer", approvals_needed=2)
    return waiting


@pytest.fixture
def second(manager: User) -> User:
    """Another manager beside Maria."""
    return person("mike", "Certificate Managers")


def look(row: EnrollmentRequest, now: datetime | None = None) -> review.Review:
    return review.prepare_review(row.pk, now=now or timezone.now())


def approve(row: EnrollmentRequest, user: User, now: datetime | None = None) -> review.Approved:
    """Look, and approve what is shown."""
    now = now or timezone.now()
    who = review.reviewer_of(User.objects.get(pk=user.pk))
    return review.approve(row.pk, who, digest=look(row, now).digest, now=now)


def state_of(row: EnrollmentRequest) -> Disposition:
    return EnrollmentRequest.objects.get(pk=row.pk).state


def test_one_approval_issues_nothing_and_the_second_does(
    row: EnrollmentRequest, manager: User, second: User
) -> None:
    first = approve(row, manager)
    waits = state_of(row)
    last = approve(row, second)

    assert (first.certificate, str(first.tally)) == (None, "1 of 2 approvals")
    assert waits is Disposition.UNDER_SUBMISSION
    assert last.certificate is not None
    assert state_of(row) is Disposition.ISSUED


def test_the_second_is_shown_and_signs_the_very_octets_that_the_first_approved(
    row: EnrollmentRequest, manager: User, second: User
) -> None:
    seen = look(row)
    assert seen.prepared is not None
    approve_as = review.reviewer_of(manager)
    review.approve(row.pk, approve_as, digest=seen.digest, now=timezone.now())

    again = look(row, timezone.now() + timedelta(hours=47))
    approve(row, second)

    assert again.digest == seen.digest
    assert [one.user.username for one in again.approvals] == ["maria"]
    assert issued(row).tbs_certificate_bytes == seen.prepared.tbs


def test_the_same_manager_twice_is_one_manager(row: EnrollmentRequest, manager: User) -> None:
    approve(row, manager)

    with pytest.raises(review.AlreadyApproved, match="1 of 2"):
        approve(row, manager)

    assert not Certificate.objects.filter(request=row).exists()


def test_the_requester_is_none_of_them_whatever_the_name_or_setting_says(
    row: EnrollmentRequest, alice: User, manager: User
) -> None:
    """By account as well: a name can be changed."""
    approve(row, manager)
    alice.groups.set(manager.groups.all() | alice.groups.all())
    User.objects.filter(pk=alice.pk).update(username="alicia")

    with pytest.raises(review.SelfApproval):
        approve(row, alice)

    assert state_of(row) is Disposition.UNDER_SUBMISSION


def test_a_shell_without_an_account_is_nobody_in_particular(row: EnrollmentRequest) -> None:
    with pytest.raises(review.NoAccount, match="--as NAME"):
        review.approve(row.pk, MARIA, digest=look(row).digest, now=timezone.now())


@pytest.mark.parametrize("loss", ["role", "account", "limit", "deleted"])
def test_an_approval_of_who_may_no_longer_decide_does_not_count(
    row: EnrollmentRequest, manager: User, second: User, loss: str
) -> None:
    approve(row, manager)
    if loss == "role":
        manager.groups.clear()
    elif loss == "account":
        User.objects.filter(pk=manager.pk).update(is_active=False)
    elif loss == "limit":
        ManagerScope.objects.create(user=manager, template=Template.objects.get(name="SubCA"))
    else:
        manager.delete()

    done = approve(row, second)

    assert (done.certificate, done.tally.given) == (None, 1)
    assert state_of(row) is Disposition.UNDER_SUBMISSION


@pytest.mark.parametrize("cause", ["template", "age"])
def test_a_content_that_is_changed_or_too_old_starts_anew_and_says_so(
    row: EnrollmentRequest, manager: User, second: User, cause: str
) -> None:
    now = timezone.now()
    approve(row, manager, now)
    if cause == "template":
        change_template("WebServer", validity_days=30)
    later = now + (LIFETIME + timedelta(minutes=1) if cause == "age" else timedelta(minutes=1))

    seen = look(row, later)
    done = approve(row, second, later)

    assert "The approval of maria counts no more" in seen.remark
    assert seen.approvals == ()
    assert (done.certificate, done.tally.given) == (None, 1)
    event = AuditEvent.objects.get(verb="approvals dropped")
    assert event.detail["approved_by"] == ["maria"]


def test_what_was_shown_to_another_before_the_first_approval_cannot_be_approved(
    row: EnrollmentRequest, manager: User, second: User
) -> None:
    earlier = look(row)
    approve(row, manager)

    with pytest.raises(review.ContentChanged):
        review.approve(
            row.pk, review.reviewer_of(second), digest=earlier.digest, now=timezone.now()
        )

    assert GivenApproval.objects.count() == 1


def test_a_look_that_was_stored_beside_an_approved_content_is_not_approved_either(
    row: EnrollmentRequest, manager: User, second: User
) -> None:
    """Two at once: the look of the second was written down after the first had approved."""
    approve(row, manager)
    copy = SigningRecord.objects.get(request=row)
    copy.pk, copy.digest, copy.serial_number = None, "1" * 64, "abc"
    copy.save()

    with pytest.raises(review.ContentChanged, match="meanwhile"):
        approvals.give(copy, review.reviewer_of(second), now=timezone.now())

    assert [one.record_id for one in GivenApproval.objects.all()] != [copy.pk]


def test_two_last_approvals_issue_one_certificate(
    row: EnrollmentRequest, manager: User, second: User
) -> None:
    approve(row, manager)
    digest = look(row).digest
    third = review.reviewer_of(person("mona", "Certificate Managers"))
    review.approve(row.pk, review.reviewer_of(second), digest=digest, now=timezone.now())

    with pytest.raises(review.NotPending):
        review.approve(row.pk, third, digest=digest, now=timezone.now())

    assert Certificate.objects.filter(request=row).count() == 1


def test_any_one_manager_denies(row: EnrollmentRequest, manager: User, second: User) -> None:
    approve(row, manager)

    review.deny(row.pk, review.reviewer_of(second), reason="no", now=timezone.now())

    assert state_of(row) is Disposition.DENIED
    assert not GivenApproval.objects.exists()


def test_each_approval_is_in_the_audit_trail_with_the_digest(
    row: EnrollmentRequest, manager: User, second: User
) -> None:
    approve(row, manager)
    approve(row, second)

    events = AuditEvent.objects.filter(verb="approved").order_by("pk")
    assert [(one.actor, one.detail["given"], one.detail["needed"]) for one in events] == [
        ("maria", 1, 2),
        ("mike", 2, 2),
    ]
    assert len({one.detail["digest"] for one in events}) == 1


def test_a_crash_after_the_last_approval_is_finished_at_the_next_start(
    row: EnrollmentRequest, manager: User, second: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    approve(row, manager)
    with monkeypatch.context() as crash:
        crash.setattr(issuance, "complete", lambda *_, **__: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            approve(row, second)

    issuance.recover(timezone.now())

    assert state_of(row) is Disposition.ISSUED
    assert [one.user.username for one in GivenApproval.objects.all()] == ["maria", "mike"]


def test_fewer_are_needed_as_soon_as_the_template_says_so(
    row: EnrollmentRequest, manager: User, second: User
) -> None:
    approve(row, manager)
    change_template("WebServer", approvals_needed=1)

    assert approve(row, second).certificate is not None


def test_several_approvals_for_what_is_issued_at_once_are_refused(site: object) -> None:
    web = Template.objects.get(name="WebServer")
    web.approvals_needed = 2

    with pytest.raises(templates.TemplateRefused, match="without asking any"):
        templates.save(web, list(web.enroll_groups.all()), actor="ada", now=timezone.now())


def test_an_editor_is_told_when_there_are_fewer_managers_than_are_needed(manager: User) -> None:
    web = Template.objects.get(name="SubCA")
    web.approvals_needed = 5

    found = templates.judge(web, list(web.enroll_groups.all()), now=timezone.now())

    assert any("wait for ever" in problem.detail and not problem.blocks for problem in found)
