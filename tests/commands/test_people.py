"""Accounts that cannot sign in, let in again from a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from enrollment.models import AuditEvent
from enrollment.services import lockout

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
