"""Accounts are let in one by one, with a secret that was made for this alone."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.utils import timezone

from enrollment.models import AuditEvent, NtlmAccount
from enrollment.services import ntlm_accounts
from enrollment.services.nt_hash import nt_hash
from enrollment.services.ntlm_accounts import NtlmRefused
from enrollment.serving import housekeeping
from tests.conftest import person

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_django import Settings

    from tests.ntlm.conftest import Made


def command(*words: str) -> str:
    out = StringIO()
    call_command("ntlm", *words, stdout=out)
    return out.getvalue()


def holder(name: str = "alice") -> ntlm_accounts.Holder | None:
    return ntlm_accounts.holder_of(name, now=timezone.now())


def test_the_password_is_long_printed_once_and_kept_nowhere(alice: User) -> None:
    password = command("allow", "alice").strip()

    row = NtlmAccount.objects.get()
    assert len(password) == 26
    assert nt_hash(password) not in bytes(row.sealed)
    assert password.encode() not in bytes(row.sealed)
    assert password not in json.dumps(list(AuditEvent.objects.values("verb", "detail")))
    assert password not in command("list", "--json")
    found = holder()
    assert found is not None
    assert found.nt_hash == nt_hash(password)
    assert password not in repr(found)


def test_a_new_password_ends_the_one_before(alice: User, made: Made) -> None:
    command("allow", "alice")

    found = holder()
    assert found is not None
    assert found.nt_hash != nt_hash(made.password)


@pytest.mark.parametrize(
    "role", ["Certificate Managers", "CA Administrators", "Auditors", "Operators"]
)
def test_who_works_at_the_desk_is_not_let_in(alice: User, role: str) -> None:
    person("maria", "Enrollees", role)

    with pytest.raises(CommandError, match="'maria' works at the desk, and what NTLM lets in"):
        command("allow", "maria")


def test_who_may_do_everything_is_not_let_in(alice: User) -> None:
    User.objects.create_superuser("root")

    with pytest.raises(CommandError, match="works at the desk"):
        command("allow", "root")


def test_names_that_programs_write_large_in_two_ways_are_not_let_in(alice: User) -> None:
    person("straße", "Enrollees")

    with pytest.raises(CommandError, match="is not ASCII"):
        command("allow", "straße")


def test_accounts_that_are_not_there_or_disabled_are_not_let_in(alice: User) -> None:
    User.objects.create_user("gone", is_active=False)

    for name in ("gone", "nobody"):
        with pytest.raises(CommandError, match="There is no active account"):
            command("allow", name)
    user = User.objects.get(username="gone")
    with pytest.raises(NtlmRefused):
        ntlm_accounts.allow(user, actor="shell:test", now=timezone.now())


def test_while_ntlm_is_off_no_secret_is_made(alice: User, configure: Callable[..., None]) -> None:
    configure(sign_in=("basic",))

    with pytest.raises(CommandError, match="NTLM is off"):
        command("allow", "alice")


def test_what_is_ended_is_deleted_and_recorded(alice: User) -> None:
    assert "no more" in command("end", "alice")

    assert not NtlmAccount.objects.exists()
    assert holder() is None
    event = AuditEvent.objects.latest("pk")
    assert (event.verb, event.subject) == ("ntlm ended", "user alice")
    with pytest.raises(CommandError, match="nothing to end"):
        command("end", "alice")


def test_another_secret_of_the_site_opens_nothing(alice: User, settings: Settings) -> None:
    settings.SECRET_KEY = "another secret"

    assert holder() is None


def test_a_secret_that_is_moved_to_another_row_opens_nothing_there(alice: User) -> None:
    bob = person("bob", "Enrollees")
    NtlmAccount.objects.update(user=bob)

    assert holder("bob") is None


def test_housekeeping_deletes_the_secrets_of_who_may_no_longer(alice: User) -> None:
    """Whatever changed the account, and whether or not anybody asks for it again."""
    sweep = dict(housekeeping.ACTS)["accounts for NTLM"]
    sweep(timezone.now())
    assert NtlmAccount.objects.exists()

    alice.groups.add(Group.objects.get(name="Auditors"))
    sweep(timezone.now())

    assert not NtlmAccount.objects.exists()


def test_the_last_use_is_noted_to_the_minute(alice: User) -> None:
    now = timezone.now()
    ntlm_accounts.note_use(alice, now=now)
    ntlm_accounts.note_use(alice, now=now + timedelta(seconds=59))

    assert NtlmAccount.objects.get().last_used_at == now
    assert f"{now:%Y-%m-%dT%H:%M}" in command("list")
