"""The rights of somebody who is not at the browser: who asked, and who approved before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from enrollment.ca import hresult
from enrollment.management.output import Refusal, active_account
from enrollment.services import directory as requesters
from enrollment.services import review
from enrollment.services.refusals import DirectoryAway, PolicyRefuses
from tests.agents import asking
from tests.conftest import person
from tests.directory.server import MANAGERS, USERS
from tests.directory.test_sign_in import status
from tests.services.acts import change_template, submit_waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from enrollment.models import EnrollmentRequest
    from enrollment.services.setup import SetupReport
    from tests.directory.server import Server


@pytest.fixture
def directory(slapd: Server, site: SetupReport, configure: Callable[..., None]) -> Server:
    """An empty directory, and a whole site that asks it."""
    if slapd.process is None:
        slapd.start()
    slapd.empty()
    configure(ldap=slapd.settings)
    return slapd


@pytest.fixture
def alice(client: Client, directory: Server) -> str:
    """Somebody of the directory who signed in once; her DN."""
    dn = directory.person("alice", USERS)
    assert status(client, "alice") == 200
    return dn


@pytest.fixture
def waiting(alice: str) -> EnrollmentRequest:
    """Her request, which waits."""
    return submit_waiting(requesters.requester_of(User.objects.get(username="alice")))


def approve(row: EnrollmentRequest, name: str) -> review.Approved:
    """Look, and approve what is shown."""
    now = timezone.now()
    who = review.reviewer_of(User.objects.get(username=name))
    shown = review.prepare_review(row.pk, now=now)
    return review.approve(row.pk, who, digest=shown.digest, now=now)


def test_a_request_of_somebody_who_lost_the_right_is_not_issued(
    directory: Server, alice: str, waiting: EnrollmentRequest, forget: Callable[[], None]
) -> None:
    """She is not there to be asked for; the approval asks."""
    maria = person("maria", "Certificate Managers")
    digest = review.prepare_review(waiting.pk, now=timezone.now()).digest
    directory.leave(USERS, alice)
    forget()

    with pytest.raises(PolicyRefuses):
        review.approve(waiting.pk, review.reviewer_of(maria), digest=digest, now=timezone.now())


def test_an_approval_of_somebody_who_lost_the_right_does_not_count(
    client: Client, directory: Server, waiting: EnrollmentRequest, forget: Callable[[], None]
) -> None:
    bob = directory.person("bob", MANAGERS)
    assert status(client, "bob") == 200
    person("maria", "Certificate Managers")
    change_template("WebServer", approvals_needed=2)
    assert str(approve(waiting, "bob").tally) == "1 of 2 approvals"
    directory.leave(MANAGERS, bob)
    forget()

    assert str(approve(waiting, "maria").tally) == "1 of 2 approvals"


def test_nothing_is_decided_on_rights_that_cannot_be_looked_up(
    directory: Server, waiting: EnrollmentRequest, forget: Callable[[], None]
) -> None:
    person("maria", "Certificate Managers")
    directory.stop()
    forget()

    with pytest.raises(DirectoryAway, match="Try again in a minute"):
        approve(waiting, "maria")
    with pytest.raises(Refusal, match="cannot be asked"):
        active_account("alice")
    assert active_account("maria").username == "maria"


@pytest.fixture
def cosigned(client: Client, directory: Server) -> bytes:
    """A message for Dora that Bob of the directory signed beside Carol, who sends it."""
    bob = directory.person("bob", USERS)
    assert status(client, "bob") == 200
    dora = person("dora", "Enrollees")
    signatures = []
    for number, user in (
        (11, person("carol", "Enrollees")),
        (13, User.objects.get(username="bob")),
    ):
        signatures.append(replace(asking.certify(user, number), named=dora.username))
        asking.grant(user)
    change_template("User", ra_signatures=2)
    assert asking.by(User.objects.get(username="carol"), asking.signed(*signatures)).certificate
    directory.change(bob, userAccountControl="514")
    return asking.signed(*signatures)


def test_an_agent_who_was_disabled_there_signs_beside_nobody(
    cosigned: bytes, forget: Callable[[], None]
) -> None:
    """The one who sends the message has signed in; the other one has not."""
    forget()

    row = asking.by(User.objects.get(username="carol"), cosigned)

    assert row.status_code == hresult.SIGNATURE_REJECTED


def test_nothing_is_decided_on_an_agent_who_cannot_be_looked_up(
    directory: Server, cosigned: bytes, forget: Callable[[], None]
) -> None:
    person("maria", "Certificate Managers")
    change_template("User", approval="always")
    row = asking.by(User.objects.get(username="carol"), cosigned)
    directory.stop()
    forget()

    with pytest.raises(DirectoryAway):
        approve(row, "maria")


def test_the_shell_acts_as_nobody_who_was_disabled_there(
    directory: Server, alice: str, forget: Callable[[], None]
) -> None:
    assert active_account("alice").username == "alice"
    directory.change(alice, userAccountControl="514")
    forget()

    with pytest.raises(Refusal, match="no active account"):
        active_account("alice")
