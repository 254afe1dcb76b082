"""One person of each role, what belongs to them, and what belongs to others."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from enrollment.models import (
    AgentGrant,
    ApiToken,
    AuditEvent,
    Certificate,
    EnrollmentRequest,
    ManagerScope,
    NameGrant,
    RecoveryCode,
    SecondFactor,
    SignInFailures,
    Template,
)
from enrollment.services import lockout, setup, tokens
from tests.admin.conftest import submit
from tests.signin.second_factors import browser, give_app

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUP: Final = "Web team"
ROLES: Final = {
    "stranger": None,
    "enrollee": "Enrollees",
    "manager": "Certificate Managers",
    "revoker": "Certificate Revokers",
    "restricted manager": "Certificate Managers",
    "administrator": "CA Administrators",
    "auditor": "Auditors",
    "operator": "Operators",
}
OWN: Final = "own"
ANOTHERS: Final = "another's"
OF_THE_GROUP: Final = "the group's"


@dataclass(frozen=True)
class Belongings:
    """What one person has."""

    user: User
    waiting: EnrollmentRequest
    certificate: Certificate
    token: ApiToken
    factor: SecondFactor


@dataclass
class Scene:
    """The whole cast."""

    by_role: dict[str, Belongings] = field(default_factory=dict)
    anothers: Belongings = field(init=False)
    of_the_group: Belongings = field(init=False)

    def of(self, role: str, whose: str) -> Belongings:
        """Return the objects that a row speaks of."""
        if whose == OF_THE_GROUP:
            return self.of_the_group
        # A stranger has nothing.
        return self.by_role.get(role, self.anothers) if whose == OWN else self.anothers

    def browser(self, role: str) -> Client:
        """Return a fresh browser with somebody of this role at it."""
        if role not in self.by_role:
            return Client(SERVER_NAME="localhost")
        thing = self.by_role[role]
        return browser(thing.user, thing.factor)


def build() -> Scene:
    """Make a site with its cast; call it inside a transaction."""
    setup.run_setup(now=timezone.now())
    Group.objects.create(name=GROUP)
    scene = Scene()
    for role, group in ROLES.items():
        if group is not None:
            scene.by_role[role] = _person(role.replace(" ", "-"), group)
    scene.anothers = _person("somebody", "Enrollees")
    scene.of_the_group = _person("member", "Enrollees", GROUP)
    ManagerScope.objects.create(
        user=scene.by_role["restricted manager"].user,
        requester_group=Group.objects.get(name=GROUP),
    )
    SignInFailures.objects.create(
        kind=lockout.PAIR,
        account=scene.anothers.user.get_username(),
        address="192.0.2.1",
        counted_since=timezone.now(),
        refused_until=timezone.now() + timedelta(hours=1),
    )
    NameGrant.objects.create(
        group=Group.objects.get(name="Auditors"),
        template=Template.objects.get(name="Workstation"),
        dns_suffixes=["example.com"],
    )
    AgentGrant.objects.create(agent=scene.anothers.user)
    return scene


def _person(name: str, *groups: str) -> Belongings:
    user = User.objects.create_user(name, f"{name}@example.com", "correct horse battery")
    # Everybody asked for something while they might.
    user.groups.set(Group.objects.filter(name="Enrollees"))
    issued = submit(user, f"{name}-issued.example.com", template="WebServer").certificate
    assert issued is not None
    waiting = submit(user, f"{name}-waits.example.com")
    user.groups.set(Group.objects.filter(name__in=groups))
    token, _ = tokens.make(user, tokens.Wish("build", 7), actor=name, now=timezone.now())
    return Belongings(user, waiting, issued, token, give_app(user))


def facts() -> tuple[Any, ...]:
    """Return all that an act could change; looking at something changes none of it."""
    return tuple(tuple(rows) for rows in _tables())


def _tables() -> Iterator[Any]:
    yield AuditEvent.objects.values_list("pk")
    yield EnrollmentRequest.objects.values_list("pk", "disposition")
    yield Certificate.objects.values_list("pk", "revoked_at")
    yield User.objects.values_list("pk", "password", "is_active", "email", "groups")
    yield ManagerScope.objects.values_list("pk")
    yield NameGrant.objects.values_list("pk")
    yield AgentGrant.objects.values_list("pk")
    yield Template.objects.values_list("pk", "published", "display_name")
    yield ApiToken.objects.values_list("pk", "revoked_at")
    yield SignInFailures.objects.values_list("pk", "refused_until")
    yield SecondFactor.objects.values_list("pk")
    yield RecoveryCode.objects.values_list("pk")
    yield Session.objects.values_list("session_key")
