"""Who may do what at the desk.

Every answer is read from the account on each request; nothing here is remembered. Rights are
Django permissions, handed out through the groups that `setup` makes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from enrollment.services import people

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

    Person: TypeAlias = User | AnonymousUser

SEE_CONDITION: Final = "enrollment.view_condition"
CHECK_CONDITION: Final = "enrollment.check_condition"
REVIEW: Final = "enrollment.review_enrollmentrequest"
REVOKE: Final = "enrollment.revoke_certificate"


def may_enter(person: Person) -> bool:
    """Managers, administrators, auditors and operators work here; requesters do elsewhere."""
    return person.is_authenticated and people.works_at_desk(person)


def may_review(person: Person) -> bool:
    """Approval is a duty apart from administration, granted by name."""
    return person.is_active and person.has_perm(REVIEW)


def may_revoke(person: Person) -> bool:
    """Taking back is a duty apart from approval: who may do the one need not do the other."""
    return person.is_active and person.has_perm(REVOKE)


def may_see_certificates(person: Person) -> bool:
    """Who takes certificates back must find them first."""
    return may_revoke(person) or person.has_perm("enrollment.view_certificate")


def may_see_queue(person: Person) -> bool:
    """Reviewers work the queue off; auditors read it."""
    return may_review(person) or person.has_perm("enrollment.view_enrollmentrequest")


def may_see_condition(person: Person) -> bool:
    """Whoever runs or audits the CA knows its condition."""
    return person.is_active and person.has_perm(SEE_CONDITION)


def may_check_condition(person: Person) -> bool:
    """A look costs the machine and others something, so not everybody who reads may ask for it."""
    return person.is_active and person.has_perm(CHECK_CONDITION)
