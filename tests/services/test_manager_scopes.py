"""Certificate managers whose right ends somewhere (CERTSRV_E_RESTRICTEDOFFICER)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from enrollment.ca.disposition import Disposition
from enrollment.ca.revocation import Act, Reason
from enrollment.models import Certificate, EnrollmentRequest, ManagerScope, Template
from enrollment.services import manager_scopes, review, revocation
from tests.services.acts import certificate_of, submit, submit_waiting, take_back

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from enrollment.ca.policy import Requester


@pytest.fixture
def web_team(alice: User) -> Group:
    """A group with Alice in it."""
    group = Group.objects.create(name="Web team")
    alice.groups.add(group)
    return group


def limit(manager: User, *, template: str = "", group: Group | None = None) -> None:
    """Give a manager one limit."""
    named = Template.objects.get(name=template) if template else None
    ManagerScope.objects.create(user=manager, template=named, requester_group=group)


def decide(row: EnrollmentRequest, manager: User) -> None:
    """Look and issue, with the rights of this moment."""
    seen = review.prepare_review(row.pk, now=timezone.now())
    review.approve(row.pk, review.reviewer_of(manager), digest=seen.digest, now=timezone.now())


def state_of(row: EnrollmentRequest) -> Disposition:
    return EnrollmentRequest.objects.get(pk=row.pk).state


def test_who_has_no_limit_decides_everything(requester: Requester, manager: User) -> None:
    row = submit_waiting(requester)

    decide(row, manager)

    assert state_of(row) is Disposition.ISSUED


@pytest.mark.parametrize(
    ("template", "group_name"), [("WebServer", ""), ("", "Web team"), ("WebServer", "Web team")]
)
def test_what_fits_a_limit_is_decided(
    requester: Requester, manager: User, web_team: Group, template: str, group_name: str
) -> None:
    limit(manager, template=template, group=Group.objects.filter(name=group_name).first())
    row = submit_waiting(requester)

    decide(row, manager)

    assert state_of(row) is Disposition.ISSUED


def test_another_template_is_not_issued(requester: Requester, manager: User) -> None:
    limit(manager, template="SubCA")
    row = submit_waiting(requester)

    with pytest.raises(review.BeyondRemit, match=r"by template 'SubCA'; request .* \(0x80094009 "):
        decide(row, manager)

    assert state_of(row) is Disposition.UNDER_SUBMISSION


def test_another_template_is_not_denied(requester: Requester, manager: User) -> None:
    limit(manager, template="SubCA")
    row = submit_waiting(requester)

    with pytest.raises(review.BeyondRemit):
        review.deny(row.pk, review.reviewer_of(manager), reason="no", now=timezone.now())

    assert state_of(row) is Disposition.UNDER_SUBMISSION


def test_a_requester_of_another_group_is_not_decided(
    stranger: Requester, manager: User, web_team: Group
) -> None:
    limit(manager, template="WebServer", group=web_team)
    row = submit_waiting(stranger)

    with pytest.raises(review.BeyondRemit, match="the members of 'Web team' ask for"):
        decide(row, manager)


def test_both_halves_of_one_limit_must_fit_and_any_limit_will_do(
    requester: Requester, stranger: Requester, manager: User, web_team: Group
) -> None:
    limit(manager, template="SubCA", group=web_team)
    limit(manager, template="WebServer", group=Group.objects.get(name="Auditors"))
    row = submit_waiting(requester)
    with pytest.raises(review.BeyondRemit):
        decide(row, manager)

    limit(manager, template="WebServer", group=web_team)

    decide(row, manager)
    assert state_of(row) is Disposition.ISSUED


def test_groups_and_limits_are_read_at_the_very_act(
    requester: Requester, alice: User, manager: User, web_team: Group
) -> None:
    limit(manager, group=web_team)
    row = submit_waiting(requester)
    alice.groups.remove(web_team)

    with pytest.raises(review.BeyondRemit):
        decide(row, manager)


@pytest.mark.parametrize("act", [Act.REVOKE, Act.HOLD])
def test_a_certificate_beyond_is_not_taken_back_and_one_within_is(
    requester: Requester, stranger: Requester, manager: User, web_team: Group, act: Act
) -> None:
    limit(manager, group=web_team)
    within = certificate_of(submit(requester))
    beyond = certificate_of(submit(stranger, "c.example.com"))

    done = take_back(
        within,
        beyond,
        act=act,
        reason=Reason.SUPERSEDED if act is Act.REVOKE else None,
        revoker=revocation.revoker_of(manager),
    )

    assert [row.pk for row in done.changed] == [within.pk]
    [(row, refused)] = done.refused
    assert row.pk == beyond.pk
    assert refused.hresult == 0x80094009
    assert Certificate.objects.get(pk=beyond.pk).revoked_at is None


def test_what_a_program_of_the_site_was_issued_lies_beyond_every_group(
    manager: User, web_team: Group
) -> None:
    """Such a certificate has no account; default deny."""
    limit(manager, group=web_team)
    remit = manager_scopes.of(manager)

    assert (
        remit.certificates_among(Certificate.objects.filter(request__account=None)) == frozenset()
    )


def test_a_limit_of_nothing_is_not_stored(manager: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        limit(manager)


def test_the_end_of_a_group_or_template_never_widens_a_right(
    manager: User, web_team: Group
) -> None:
    limit(manager, group=web_team)

    with pytest.raises(ProtectedError):
        web_team.delete()
