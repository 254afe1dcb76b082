"""What the shell and the desk show of the directory, and what they do not let anybody change."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from enrollment import conf
from enrollment.conf_ldap import Ldap
from enrollment.management.output import Refusal
from enrollment.models import Account, AuditEvent
from enrollment.services import setup
from enrollment.services.outside import conversation
from tests.admin.test_users import change
from tests.conftest import person
from tests.directory.server import BASE, GROUPS, MANAGERS, PASSWORD, TEAM, USERS, Server
from tests.directory.test_sign_in import CLOSED, form, groups, status

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client


def run(*words: str) -> str:
    """Run a command; return what it printed."""
    out = io.StringIO()
    call_command("directory", *words, stdout=out)
    return out.getvalue()


def test_the_shell_shows_what_the_directory_says_and_what_follows(
    client: Client, directory: Server, configure: Callable[..., None]
) -> None:
    mapped = (*directory.settings.groups, (TEAM, "Web People"))
    configure(ldap=replace(directory.settings, groups=mapped))
    dn = directory.person("alice", USERS, TEAM)

    told = json.loads(run("check", "alice", "--json"))

    assert told["entry"].casefold() == dn.casefold()
    assert [one.partition(",")[0] for one in told["groups_there"]] == [
        "cn=PKI Users",
        "cn=Web Team",
    ]
    assert told["groups_here"] == ["Enrollees", "Web People"]
    assert told["groups_missing_here"] == ["Web People"]
    assert told["state"] == "may sign in"
    assert told["account_here"] == "none; made at the first sign-in"
    assert not User.objects.filter(username="alice").exists()
    assert status(client, "alice") == 200
    assert "alice, kept there" in run("check", "alice")


def test_it_says_why_somebody_may_not_come(directory: Server) -> None:
    person("maria", "Certificate Managers")
    directory.person("bob", USERS, userAccountControl="514")
    directory.person("dave", TEAM)
    directory.person("maria", USERS)

    assert "disabled or ended there" in run("check", "bob")
    assert "in no group that is mapped" in run("check", "dave")
    assert "kept here: the person there cannot use it" in run("check", "maria")
    with pytest.raises(Refusal, match="no people of this name"):
        run("check", "nobody")


def test_it_says_what_is_wrong_with_the_connection(
    directory: Server, configure: Callable[..., None]
) -> None:
    configure(ldap=replace(directory.settings, bind_dn=f"CN=nobody,{BASE}"))
    with pytest.raises(Refusal, match="refuses the account of CERTSRV_LDAP_BIND_DN"):
        run("check", "alice")
    configure(ldap=Ldap())
    with pytest.raises(Refusal, match="Name one in CERTSRV_LDAP_URL"):
        run("check", "alice")


def test_an_account_of_ours_goes_over_to_the_directory_by_command_only(
    client: Client, directory: Server
) -> None:
    directory.person("maria", USERS)
    maria = person("maria", "Certificate Managers", "CA Administrators")
    assert status(client, "maria", PASSWORD) == 401

    assert "'maria'" in run("adopt", "maria")

    assert status(client, "maria", PASSWORD) == 200
    # What the directory hands out, it has taken away; the rest was given by hand.
    assert groups("maria") == {"Enrollees", "CA Administrators"}
    assert User.objects.get(username="maria").pk == maria.pk
    event = AuditEvent.objects.get(verb="user adopted")
    assert event.detail["by"].startswith("shell:")
    with pytest.raises(Refusal, match="counterpart already"):
        run("adopt", "maria")


@pytest.fixture
def office(client: Client, directory: Server) -> Client:
    """The desk, with an administrator at it, and Alice of the directory known."""
    directory.person("alice", USERS)
    assert status(client, "alice") == 200
    # Its rights; the groups are there already.
    Group.objects.all().delete()
    setup._make_groups()  # noqa: SLF001 - the whole set-up would make a CA
    User.objects.get(username="alice").groups.add(Group.objects.get(name="Enrollees"))
    client.force_login(person("ada", "CA Administrators"))
    return client


def test_the_desk_does_not_give_or_take_what_the_directory_does(office: Client) -> None:
    alice = User.objects.get(username="alice")

    def groups_of(*names: str) -> list[int]:
        return [Group.objects.get(name=name).pk for name in names]

    for wanted in (groups_of(), groups_of("Enrollees", "Certificate Managers")):
        answer = change(office, alice, groups=wanted, **_entry(alice))
        assert "given and taken where the account is kept" in answer.content.decode()
        assert groups("alice") == {"Enrollees"}
    answer = change(office, alice, groups=groups_of("Enrollees", "Auditors"), **_entry(alice))
    assert groups("alice") == {"Enrollees", "Auditors"}


def test_the_desk_changes_no_fact_of_the_directory(office: Client) -> None:
    alice = User.objects.get(username="alice")

    page = office.get(f"/admin/auth/user/{alice.pk}/change/").content.decode()
    change(office, alice, email="x@evil.test", **_entry(alice), **{"account-0-upn": "x@evil.test"})

    assert "Kept in the directory" in page
    alice.refresh_from_db()
    assert alice.email == "alice@example.test"
    assert alice.account.upn == "alice@example.test"


def test_nobody_sets_a_password_that_would_open_nothing(office: Client) -> None:
    alice = User.objects.get(username="alice")
    before = alice.password

    answer = office.post(
        f"/admin/auth/user/{alice.pk}/password/",
        {"password1": "a new password", "password2": "a new password", "usable_password": "true"},
        follow=True,
    )

    assert "is kept elsewhere" in answer.content.decode()
    alice.refresh_from_db()
    assert alice.password == before


def test_a_person_is_told_where_to_change_the_password(client: Client, directory: Server) -> None:
    directory.person("alice", USERS)
    assert form(client, "alice") == 302

    answer = client.post(CLOSED, {"old_password": PASSWORD})

    assert answer.status_code == 403
    assert "Your password is not kept here" in answer.content.decode()


def _entry(user: User) -> dict[str, Any]:
    return {"account-0-id": Account.objects.get(user=user).pk, "account-0-user": user.pk}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"URL": "ldap://dc1.example.com"}, "travel in the clear"),
        ({"URL": "https://dc1.example.com"}, "for example ldaps://"),
        ({"URL": "ldaps://dc1.example.com/DC=example"}, "for example ldaps://"),
        ({"PEOPLE": ""}, "CERTSRV_LDAP_PEOPLE is empty"),
        ({"GROUPS": "PKI Users"}, "Write pairs"),
        ({"GROUPS": "= Enrollees"}, "Write pairs"),
        ({"NAME": "uid)(x=*"}, "sAMAccountName in Active Directory"),
        ({"FRESH_SECONDS": "3600"}, "from 0 to 900"),
        ({"TIMEOUT_SECONDS": "0"}, "from 1 to 60"),
        ({"WITHOUT_GROUP": "admit"}, "refuse, account"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_to_type(values: dict[str, str], told: str) -> None:
    good = {"URL": "ldaps://dc1.example.com", "PEOPLE": "DC=example,DC=com"}
    variables = {f"CERTSRV_LDAP_{name}": value for name, value in (good | values).items()}

    with pytest.raises(ImproperlyConfigured, match="CERTSRV_LDAP_") as caught:
        conf.read(variables)

    assert told in str(caught.value)


@pytest.mark.parametrize(
    "safe",
    [
        {"URL": "ldap://dc1.example.com", "START_TLS": "yes"},
        {"URL": "ldap://dc1.example.com", "PLAIN": "yes"},
        {"URL": "ldap://127.0.0.1:389 ldap://[::1] ldap://localhost"},
        {"URL": "ldaps://dc1.example.com:636/ ldaps://dc2.example.com"},
    ],
)
def test_passwords_travel_in_the_clear_only_where_somebody_said_so(safe: dict[str, str]) -> None:
    variables = {f"CERTSRV_LDAP_{name}": value for name, value in safe.items()}

    assert conf.read(variables | {"CERTSRV_LDAP_PEOPLE": "DC=example,DC=com"}).ldap.is_on


def test_groups_are_read_by_the_last_equals_sign() -> None:
    text = f"{MANAGERS} = Certificate Managers;\n PKI Users=Enrollees; CN=a\\;b,{GROUPS}=Auditors ;"

    assert conf.read({"CERTSRV_LDAP_GROUPS": text}).ldap.groups == (
        (MANAGERS, "Certificate Managers"),
        ("PKI Users", "Enrollees"),
        (f"CN=a\\;b,{GROUPS}", "Auditors"),
    )


def found_by_checks(monkeypatch: pytest.MonkeyPatch, ldap: Ldap) -> list[str | None]:
    """Return the ids of what the start says of these settings."""
    changed = replace(conf.read({}), ldap=ldap)
    monkeypatch.setattr(conf, "current", lambda: changed)
    return [one.id for one in run_checks(tags=["security"]) if one.id != "enrollment.W001"]


def test_the_start_says_what_is_missing(slapd: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    good = slapd.settings

    assert found_by_checks(monkeypatch, good) == []
    assert found_by_checks(monkeypatch, replace(good, groups=())) == ["enrollment.W005"]
    wrong = replace(good, groups=(("CN=a,,=", "Enrollees"),))
    assert found_by_checks(monkeypatch, wrong) == ["enrollment.E008"]
    monkeypatch.setattr(conversation, "is_installed", lambda: False)
    assert found_by_checks(monkeypatch, good) == ["enrollment.E007"]
