"""How soon what changes in the directory counts here, whatever way somebody came in."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from enrollment.conf_clients import Clients
from enrollment.services import tokens
from enrollment.services.outside import fresh
from tests.directory.server import MANAGERS, PASSWORD, USERS, Server
from tests.directory.test_sign_in import CLOSED, form, groups, status
from tests.signin.shown import NETWORKS, PROXY

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client


class Clock:
    """A clock that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        """Return the time a test set."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock by which the directory is asked again."""
    made = Clock()
    monkeypatch.setattr(fresh.recent, "clock", made)
    return made


@pytest.fixture
def alice(client: Client, directory: Server, clock: Clock) -> str:
    """Somebody of the directory, signed in at the browser; her DN."""
    dn = directory.person("alice", USERS, MANAGERS)
    assert form(client, "alice") == 302
    return dn


def test_a_group_that_was_taken_away_is_gone_when_the_time_is_over(
    client: Client, directory: Server, alice: str, clock: Clock
) -> None:
    directory.leave(MANAGERS, alice)

    clock.now += 59
    assert client.get(CLOSED).status_code == 200
    assert groups("alice") == {"Enrollees", "Certificate Managers"}

    clock.now += 1
    assert client.get(CLOSED).status_code == 200
    assert groups("alice") == {"Enrollees"}


def test_a_group_that_was_given_counts_as_soon(
    client: Client, directory: Server, alice: str, clock: Clock
) -> None:
    directory.leave(MANAGERS, alice)
    clock.now += 60
    client.get(CLOSED)
    directory.join(MANAGERS, alice)
    clock.now += 60
    client.get(CLOSED)

    assert groups("alice") == {"Enrollees", "Certificate Managers"}


def test_who_lost_every_group_is_signed_out(
    client: Client, directory: Server, alice: str, clock: Clock
) -> None:
    for group in (USERS, MANAGERS):
        directory.leave(group, alice)
    clock.now += 60

    assert client.get(CLOSED).status_code == 401
    assert not User.objects.get(username="alice").is_active


def test_who_was_disabled_is_signed_out_and_comes_back(
    client: Client, directory: Server, alice: str, clock: Clock
) -> None:
    directory.change(alice, userAccountControl="514")
    clock.now += 60
    assert client.get(CLOSED).status_code == 401
    assert groups("alice") == set()

    directory.change(alice, userAccountControl="512")
    assert form(client, "alice") == 302
    assert groups("alice") == {"Enrollees", "Certificate Managers"}


def test_who_was_deleted_is_signed_out(
    client: Client, directory: Server, alice: str, clock: Clock
) -> None:
    directory.remove(alice)
    clock.now += 60

    assert client.get(CLOSED).status_code == 401
    assert not User.objects.get(username="alice").is_active


def test_who_was_switched_off_here_is_not_switched_on_from_there(
    client: Client, directory: Server, alice: str, clock: Clock
) -> None:
    User.objects.filter(username="alice").update(is_active=False)
    clock.now += 60

    assert status(client, "alice") == 401
    assert form(client, "alice") == 200
    assert not User.objects.get(username="alice").is_active


def test_a_new_password_ends_sessions(
    client: Client, directory: Server, alice: str, clock: Clock
) -> None:
    directory.change(alice, userPassword="another one", pwdLastSet="133111111111111111")
    clock.now += 60

    assert client.get(CLOSED).status_code == 401


def test_an_old_password_ends_when_the_directory_was_asked_again(
    client: Client, directory: Server, clock: Clock
) -> None:
    dn = directory.person("alice", USERS)
    assert status(client, "alice") == 200
    directory.change(dn, userPassword="another one", pwdLastSet="133111111111111111")

    assert status(client, "alice") == 200
    assert status(client, "alice", "another one") == 200
    assert status(client, "alice", PASSWORD) == 401


def test_where_everything_is_asked_each_time_an_old_password_ends_at_once(
    client: Client, directory: Server, configure: Callable[..., None]
) -> None:
    configure(ldap=replace(directory.settings, fresh=timedelta(0)))
    dn = directory.person("alice", USERS)
    assert status(client, "alice") == 200
    directory.change(dn, userPassword="another one", pwdLastSet=None)

    assert status(client, "alice") == 401


def test_tokens_end_with_the_account(
    client: Client, directory: Server, alice: str, clock: Clock, configure: Callable[..., None]
) -> None:
    configure(sign_in=("basic", "token"))
    owner = User.objects.get(username="alice")
    _, secret = tokens.make(owner, tokens.Wish("build", 7), actor="alice", now=timezone.now())
    program = {"Authorization": f"Bearer {secret}"}
    client.logout()
    assert client.get("/certsrv/requests", headers=program).status_code != 401

    directory.change(alice, userAccountControl="514")
    clock.now += 60
    assert client.get("/certsrv/requests", headers=program).status_code == 401


@pytest.fixture
def proxy(configure: Callable[..., None]) -> dict[str, str]:
    """The header of a trusted proxy that has signed Carol in."""
    configure(sign_in=("remote-user",), clients=Clients(proxies=NETWORKS))
    return {"Remote-User": "carol"}


def test_who_a_proxy_signed_in_has_the_groups_of_the_directory(
    client: Client, directory: Server, proxy: dict[str, str], clock: Clock
) -> None:
    dn = directory.person("carol", USERS)

    assert client.get(CLOSED, headers=proxy, REMOTE_ADDR=PROXY).status_code == 200
    assert groups("carol") == {"Enrollees"}

    directory.join(MANAGERS, dn)
    clock.now += 60
    assert client.get(CLOSED, headers=proxy, REMOTE_ADDR=PROXY).status_code == 200
    assert groups("carol") == {"Enrollees", "Certificate Managers"}


def test_and_is_nobody_without_one(
    client: Client, directory: Server, proxy: dict[str, str]
) -> None:
    directory.person("carol")

    assert client.get(CLOSED, headers=proxy, REMOTE_ADDR=PROXY).status_code == 401
    assert (
        client.get(CLOSED, headers={"Remote-User": "nobody"}, REMOTE_ADDR=PROXY).status_code == 401
    )


def test_a_name_that_somebody_else_got_meanwhile_is_not_the_old_account(
    client: Client, directory: Server, proxy: dict[str, str], clock: Clock
) -> None:
    """The proxy knows names only; the directory knows whose they are."""
    dn = directory.person("carol", USERS)
    assert client.get(CLOSED, headers=proxy, REMOTE_ADDR=PROXY).status_code == 200
    directory.leave(USERS, dn)
    directory.remove(dn)
    directory.person("carol", USERS)
    clock.now += 60

    assert client.get(CLOSED, headers=proxy, REMOTE_ADDR=PROXY).status_code == 401


def test_groups_given_by_hand_stay(
    client: Client, directory: Server, alice: str, clock: Clock
) -> None:
    user = User.objects.get(username="alice")
    user.groups.add(Group.objects.get(name="CA Administrators"))
    directory.leave(MANAGERS, alice)
    clock.now += 60
    client.get(CLOSED)

    assert groups("alice") == {"Enrollees", "CA Administrators"}


def test_a_group_that_is_mapped_no_more_is_taken_away(
    client: Client, directory: Server, alice: str, clock: Clock, configure: Callable[..., None]
) -> None:
    configure(ldap=replace(directory.settings, groups=((USERS, "Enrollees"),)))
    clock.now += 60
    client.get(CLOSED)

    assert groups("alice") == {"Enrollees"}


def test_nothing_is_written_where_nothing_changed(
    client: Client,
    directory: Server,
    alice: str,
    clock: Clock,
) -> None:
    client.get(CLOSED)
    clock.now += 60

    with CaptureQueriesContext(connection) as seen:
        client.get(CLOSED)

    asked = [one["sql"].partition(" ")[0] for one in seen.captured_queries]
    assert set(asked) == {"SELECT"}
    assert fresh.recent.holds(User.objects.get(username="alice"))
