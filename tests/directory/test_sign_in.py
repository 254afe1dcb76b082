"""Who signs in with a password of the directory, and what they may do then."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import Group, User

from enrollment import conf
from enrollment.models import AuditEvent
from enrollment.services import directory as requesters
from enrollment.services.outside.conversation import talking
from tests.conftest import PASSWORD as LOCAL_PASSWORD
from tests.conftest import person
from tests.directory.server import MANAGERS, PASSWORD, PEOPLE, TEAM, USERS, Server, filetime
from tests.signin.people import basic

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

CLOSED = "/accounts/password/"


def status(client: Client, name: str, password: str = PASSWORD) -> int:
    """Ask for a page as a program does."""
    return client.get(CLOSED, headers=basic(name, password)).status_code


def groups(name: str) -> set[str]:
    """Return the groups that an account has here."""
    return set(Group.objects.filter(user__username=name).values_list("name", flat=True))


def form(client: Client, name: str, password: str = PASSWORD) -> int:
    """Sign in at the form; 302 is a success."""
    return client.post(
        "/accounts/login/", {"username": name, "password": password, "next": CLOSED}
    ).status_code


def test_a_person_of_the_directory_gets_an_account_with_what_it_says(
    client: Client, directory: Server
) -> None:
    directory.person("alice", USERS, givenName="Alice")

    assert status(client, "alice") == 200

    alice = User.objects.get(username="alice")
    requester = requesters.requester_of(alice)
    assert requester.groups == {"Enrollees"}
    assert requester.email == "alice@example.test"
    assert requester.upn == "alice@example.test"
    assert requester.sid.startswith("S-1-5-21-1-2-3-")
    assert alice.get_full_name() == "Alice Alice"
    assert not alice.has_usable_password()


def test_a_computer_has_a_dns_name(client: Client, directory: Server) -> None:
    directory.person("WEB01$", USERS, dNSHostName="WEB01.example.test")

    assert status(client, "WEB01$") == 200

    computer = User.objects.get(username="WEB01$")
    assert requesters.requester_of(computer).dns_name == "web01.example.test"


def test_the_form_takes_the_same_password(client: Client, directory: Server) -> None:
    directory.person("alice", USERS)

    assert form(client, "alice") == 302
    assert client.get(CLOSED).status_code == 200


@pytest.mark.parametrize("written", ["ALICE", r"localhost\alice", "alice@localhost"])
def test_a_name_may_be_written_as_windows_does(
    client: Client, directory: Server, written: str
) -> None:
    directory.person("alice", USERS)

    assert status(client, written) == 200
    assert User.objects.filter(username="alice").exists()


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD.upper(), f"{PASSWORD} ", "\N{BULLET}"])
def test_a_wrong_password_is_refused(client: Client, directory: Server, password: str) -> None:
    """This directory, like Active Directory, calls a bind without a password a success."""
    directory.person("alice", USERS)

    assert status(client, "alice", password) == 401
    assert form(client, "alice", password) == 200
    assert not User.objects.filter(username="alice").exists()


def test_a_password_in_the_place_of_the_name_is_not_in_the_log(
    client: Client, directory: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """People type fast, and somebody keeps the log."""
    directory.person("alice", USERS)

    for name in ("hunter2", "hunter2)(", "hunter 2"):
        assert form(client, name, "alice") == 200
    assert status(client, "alice", "hunter2") == 401

    assert "hunter" not in caplog.text
    assert "does not let" in caplog.text


def test_who_is_in_no_mapped_group_has_no_account(client: Client, directory: Server) -> None:
    directory.person("dave", TEAM)

    assert status(client, "dave") == 401
    assert not User.objects.filter(username="dave").exists()


def test_or_an_account_without_rights_where_the_operator_wants_that(
    client: Client, directory: Server, configure: Callable[..., None]
) -> None:
    configure(ldap=replace(directory.settings, without_group="account"))
    directory.person("dave", TEAM)

    assert status(client, "dave") == 200
    assert groups("dave") == set()


def test_a_group_of_the_same_name_as_one_of_ours_gives_nothing(
    client: Client, directory: Server
) -> None:
    group = TEAM.replace("Web Team", "CA Administrators")
    directory.add(group, objectClass="group")
    directory.person("eve", group, USERS)

    assert status(client, "eve") == 200
    assert groups("eve") == {"Enrollees"}


def test_groups_in_groups_count_where_the_operator_wants_that(
    client: Client, directory: Server, configure: Callable[..., None]
) -> None:
    directory.person("carol", TEAM)
    directory.join(MANAGERS, TEAM)
    # A circle must end.
    directory.join(TEAM, MANAGERS)

    assert status(client, "carol") == 401
    configure(ldap=replace(directory.settings, nested=True))
    assert status(client, "carol") == 200
    assert groups("carol") == {"Certificate Managers"}


@pytest.mark.parametrize(
    "off",
    [
        {"userAccountControl": "514"},
        {"accountExpires": filetime(datetime.now(UTC) - timedelta(days=1))},
    ],
    ids=["disabled", "ended"],
)
def test_who_is_switched_off_there_is_refused(
    client: Client, directory: Server, off: dict[str, bytes]
) -> None:
    directory.person("bob", USERS, **off)

    assert status(client, "bob") == 401
    assert not User.objects.filter(username="bob").exists()


def test_an_account_that_ends_later_is_good_until_then(client: Client, directory: Server) -> None:
    tomorrow = filetime(datetime.now(UTC) + timedelta(days=1))
    directory.person("alice", USERS, accountExpires=tomorrow)
    directory.person("carol", USERS, accountExpires="9223372036854775807")

    assert status(client, "alice") == 200
    assert status(client, "carol") == 200


@pytest.mark.parametrize("name", ["admin", "ADMIN", "Admin"])
def test_nobody_of_the_directory_takes_over_an_account_of_ours(
    client: Client, directory: Server, name: str
) -> None:
    person("admin", "CA Administrators")
    directory.person(name, MANAGERS)

    assert status(client, name) == 401
    assert form(client, name) == 200
    assert User.objects.filter(username__iexact="admin").count() == 1
    assert groups("admin") == {"CA Administrators"}


def test_letters_beyond_ascii_have_two_cases_as_well(client: Client, directory: Server) -> None:
    """SQLite tells them apart where Windows does not."""
    person("émile", "CA Administrators")
    directory.person("Émile", USERS, mail=None)

    assert status(client, "Émile") == 401
    assert not User.objects.filter(username="Émile").exists()


def test_accounts_of_ours_keep_their_passwords(client: Client, directory: Server) -> None:
    person("maria", "Certificate Managers")
    directory.person("maria", USERS)

    assert status(client, "maria", LOCAL_PASSWORD) == 200
    assert status(client, "maria", PASSWORD) == 401
    assert groups("maria") == {"Certificate Managers"}


def test_another_person_of_the_same_name_does_not_inherit_the_account(
    client: Client, directory: Server, forget: Callable[[], None]
) -> None:
    dn = directory.person("alice", USERS)
    assert status(client, "alice") == 200
    directory.leave(USERS, dn)
    directory.remove(dn)
    directory.person("alice", USERS, MANAGERS)
    forget()

    assert status(client, "alice") == 401
    assert groups("alice") == {"Enrollees"}


def test_a_person_keeps_the_account_under_a_new_name(
    client: Client, directory: Server, forget: Callable[[], None]
) -> None:
    dn = directory.person("alice", USERS)
    assert status(client, "alice") == 200
    directory.change(dn, sAMAccountName="alice.brown")
    forget()

    assert status(client, "alice.brown") == 200
    assert status(client, "alice") == 401
    assert User.objects.filter(username__startswith="alice").count() == 1


@pytest.mark.parametrize(
    "name",
    [
        "*",
        "a*",
        "alice)(objectClass=*",
        "*)(uid=*))(|(uid=*",
        "al\0ice",
        "al\nice",
        "\\61lice",
        "é" * 200,
    ],
)
def test_a_name_is_never_a_part_of_the_question(
    client: Client, directory: Server, name: str
) -> None:
    directory.person("alice", USERS)

    assert status(client, name) == 401
    assert form(client, name) == 200
    assert not User.objects.filter(username__startswith="al").exists()


@pytest.mark.parametrize("name", ["*", "a*", "alice)(objectClass=*", "al\0ice", "\\61lice"])
def test_nor_where_it_is_asked(directory: Server, name: str) -> None:
    """Behind the rule for names, which lets none of these come so far."""
    dn = directory.person("alice", USERS)

    with talking(directory.settings) as conversation:
        assert conversation.named(name) == []
        assert conversation.groups_of(f"{dn})(cn=*") == []
        assert [entry.text("sAMAccountName") for entry in conversation.named("alice")] == ["alice"]


@pytest.mark.parametrize("password", ["", "\0", f"{PASSWORD}\0"])
def test_no_password_is_none_where_it_is_asked(directory: Server, password: str) -> None:
    dn = directory.person("alice", USERS)

    with talking(directory.settings) as conversation:
        assert not conversation.is_password(dn, password)
        assert not conversation.is_password("", PASSWORD)
        assert conversation.is_password(dn, PASSWORD)


def test_what_the_directory_changed_stands_in_the_audit_trail(
    client: Client, directory: Server, forget: Callable[[], None]
) -> None:
    dn = directory.person("alice", USERS)
    assert status(client, "alice") == 200
    directory.change(dn, mail="a.brown@example.test", userPrincipalName=None)
    forget()

    assert status(client, "alice") == 200

    event = AuditEvent.objects.filter(verb="user changed", subject="user alice").first()
    assert event is not None
    assert event.actor == "directory:ldap"
    assert event.detail["changes"] == {
        "email": ["alice@example.test", "a.brown@example.test"],
        "upn": ["alice@example.test", ""],
    }
    assert not requesters.requester_of(User.objects.get(username="alice")).upn.endswith(".test")


def test_what_is_not_legal_in_certificates_is_left_out(client: Client, directory: Server) -> None:
    directory.person(
        "alice", USERS, mail="not an address", dNSHostName="*.example.test", objectSid=b"\1\2\3"
    )

    assert status(client, "alice") == 200

    requester = requesters.requester_of(User.objects.get(username="alice"))
    assert (requester.email, requester.dns_name, requester.sid) == ("", "", "")


def test_a_directory_without_attributes_of_windows_serves_as_well(
    client: Client, directory: Server, configure: Callable[..., None]
) -> None:
    configure(ldap=replace(directory.settings, name_attribute="uid"))
    dn = f"uid=alice,{PEOPLE}"
    directory.add(
        dn, objectClass="inetOrgPerson", uid="alice", cn="A", sn="B", userPassword=PASSWORD
    )
    directory.join(USERS, dn)

    assert status(client, "alice") == 200
    assert requesters.requester_of(User.objects.get(username="alice")).groups == {"Enrollees"}


def test_without_a_directory_its_people_are_nobody(
    client: Client, directory: Server, configure: Callable[..., None]
) -> None:
    directory.person("alice", USERS)
    assert form(client, "alice") == 302
    # Whoever sets a password here opens nothing with it.
    alice = User.objects.get(username="alice")
    alice.set_password(LOCAL_PASSWORD)
    alice.save()
    assert status(client, "alice", LOCAL_PASSWORD) == 401

    configure(ldap=conf.read({}).ldap)

    assert status(client, "alice", LOCAL_PASSWORD) == 401
    client.force_login(alice)
    assert client.get(CLOSED).status_code == 401
