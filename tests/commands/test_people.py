"""Accounts that cannot sign in, let in again from a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from enrollment.models import AuditEvent
from enrollment.services import lockout, second_factor
from tests.signin.second_factors import give_app

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from tests.commands.conftest import Shell

pytestmark = pytest.mark.django_db


@pytest.mark.usefixtures("alice")
def test_an_account_is_let_in_again(shell: Shell) -> None:
    while not lockout.failed(lockout.Attempt("alice", "192.0.2.1"), timezone.now()):
        pass

    assert shell("user", "unlock", "alice") == "'alice' may try again.\n"

    assert lockout.waits_of("alice", timezone.now()) == []
    assert AuditEvent.objects.filter(verb="sign-in unlocked", subject="user alice").exists()


def test_an_account_that_need_not_wait_is_said_so(alice: User, shell: Shell) -> None:
    assert shell.refused("user", "unlock", alice.username) == (
        "Nobody has to wait to sign in as 'alice'."
    )


def test_the_second_factor_of_the_last_administrator_is_reset(alice: User, shell: Shell) -> None:
    give_app(alice)

    assert "has no second factor any more" in shell("user", "reset-second-factor", "alice")

    assert not second_factor.has_any(alice)
    assert AuditEvent.objects.filter(verb="second factors reset", subject="user alice").exists()


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize(
    ("name", "sentence"),
    [("alice", "'alice' has no second factor."), ("zoe", "There is no account 'zoe'.")],
)
def test_what_cannot_be_reset_is_said_so(name: str, sentence: str, shell: Shell) -> None:
    assert shell.refused("user", "reset-second-factor", name) == sentence
