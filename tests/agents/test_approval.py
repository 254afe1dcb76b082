"""Where a manager decides: agent, grant and target are looked up anew, and neither decides."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from enrollment.ca.disposition import Disposition
from enrollment.ca.revocation import Act
from enrollment.models import AgentGrant, Certificate, EnrollmentRequest, ManagerScope
from enrollment.services import review
from tests.agents import asking
from tests.agents.asking import FOR_ALICE, by, pkcs7
from tests.attacks.playing import names_in
from tests.conftest import person
from tests.other_ca import upn
from tests.services.acts import change_template, issued, take_back

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.agents.asking import Signature
    from tests.services.acts import Configure


@pytest.fixture
def waiting(carol: User, granted: Signature) -> EnrollmentRequest:
    """Carol's request on behalf of Alice, which a manager must approve."""
    change_template("User", approval="always")
    row = by(carol, pkcs7(granted))
    assert row.state is Disposition.UNDER_SUBMISSION
    return row


def decide(row: EnrollmentRequest, user: User) -> review.Approved:
    """Look and approve, with the rights of this moment."""
    now = timezone.now()
    seen = review.prepare_review(row.pk, now=now)
    reviewer = review.reviewer_of(User.objects.get(pk=user.pk))
    return review.approve(row.pk, reviewer, digest=seen.digest, now=now)


def state_of(row: EnrollmentRequest) -> Disposition:
    return EnrollmentRequest.objects.get(pk=row.pk).state


def test_what_a_manager_approves_is_for_whom_was_named(
    waiting: EnrollmentRequest, manager: User
) -> None:
    decide(waiting, manager)

    assert state_of(waiting) is Disposition.ISSUED
    assert upn("alice@corp.example.com") in names_in(issued(waiting))


def end_grant() -> None:
    AgentGrant.objects.all().delete()


def narrow_grant() -> None:
    AgentGrant.objects.get().templates.clear()


def disable_agent() -> None:
    User.objects.filter(username="carol").update(is_active=False)


def disable_target() -> None:
    User.objects.filter(username="alice").update(is_active=False)


def move_target() -> None:
    User.objects.get(username="alice").groups.set(Group.objects.filter(name="Operators"))


def revoke_agent() -> None:
    take_back(Certificate.objects.get(template_name="EnrollmentAgent"))


def hold_agent() -> None:
    take_back(Certificate.objects.get(template_name="EnrollmentAgent"), act=Act.HOLD)


def end_agent() -> None:
    rows = Certificate.objects.filter(template_name="EnrollmentAgent")
    rows.update(not_after=timezone.now() - timedelta(hours=1))


def give_the_name_to_another() -> None:
    User.objects.filter(username="alice").update(username="alice-who-married")
    person("alice", "Enrollees")


def delete_agent() -> None:
    EnrollmentRequest.objects.update(agent_account=None)


@pytest.mark.parametrize(
    "change",
    [
        end_grant,
        narrow_grant,
        disable_agent,
        disable_target,
        move_target,
        revoke_agent,
        hold_agent,
        end_agent,
        give_the_name_to_another,
        delete_agent,
    ],
    ids=lambda change: change.__name__,
)
def test_what_is_no_longer_granted_is_not_approved(
    waiting: EnrollmentRequest, manager: User, change: Callable[[], None]
) -> None:
    """Also where the manager looked while it was."""
    now = timezone.now()
    digest = review.prepare_review(waiting.pk, now=now).digest
    change()

    with pytest.raises(review.PolicyRefuses):
        review.approve(waiting.pk, review.reviewer_of(manager), digest=digest, now=now)

    assert state_of(waiting) is Disposition.UNDER_SUBMISSION


@pytest.mark.parametrize("name", ["carol", "alice"])
def test_neither_the_agent_nor_whom_it_is_for_approves(
    waiting: EnrollmentRequest, name: str
) -> None:
    user = User.objects.get(username=name)
    user.groups.add(Group.objects.get(name="Certificate Managers"))

    with pytest.raises(review.SelfApproval):
        decide(waiting, user)


def test_neither_is_one_of_several_managers(waiting: EnrollmentRequest, manager: User) -> None:
    """Not even an approval from before, under another name, counts."""
    change_template("User", approvals_needed=2)
    managers = Group.objects.get(name="Certificate Managers")
    agent = User.objects.get(username="carol")
    agent.groups.add(managers)
    mike = person("mike", "Certificate Managers")

    assert decide(waiting, manager).certificate is None
    with pytest.raises(review.SelfApproval):
        decide(waiting, agent)
    assert decide(waiting, mike).certificate is not None


def test_neither_is_one_of_several_where_people_may_decide_their_own(
    waiting: EnrollmentRequest, configure: Configure
) -> None:
    configure(CERTSRV_SELF_APPROVAL="yes")
    change_template("User", approvals_needed=2)
    agent = User.objects.get(username="carol")
    agent.groups.add(Group.objects.get(name="Certificate Managers"))

    with pytest.raises(review.SelfApproval):
        decide(waiting, agent)


@pytest.mark.parametrize("approvals", [1, 2])
def test_nor_does_an_agent_who_signed_beside_the_sender(
    carol: User, granted: Signature, charlie: User, approvals: int
) -> None:
    change_template("User", ra_signatures=2, approval="always", approvals_needed=approvals)
    other = replace(asking.certify(charlie, 13), named=FOR_ALICE)
    asking.grant(charlie)
    row = by(carol, asking.signed(granted, other))
    charlie.groups.add(Group.objects.get(name="Certificate Managers"))

    with pytest.raises(review.SelfApproval):
        decide(row, charlie)

    assert state_of(row) is Disposition.UNDER_SUBMISSION


def test_a_limited_manager_decides_by_the_groups_of_whom_it_is_for(
    waiting: EnrollmentRequest, manager: User
) -> None:
    staff, desk = Group.objects.create(name="Staff"), Group.objects.create(name="Desk")
    User.objects.get(username="carol").groups.add(desk)
    scope = ManagerScope.objects.create(user=manager, requester_group=desk)

    with pytest.raises(review.BeyondRemit):
        decide(waiting, manager)

    User.objects.get(username="alice").groups.add(staff)
    scope.requester_group = staff
    scope.save()
    decide(waiting, manager)
    assert state_of(waiting) is Disposition.ISSUED
