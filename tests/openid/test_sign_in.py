"""A real provider signs people in: who gets an account, which rights, and for how long."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.utils import timezone

from enrollment import conf
from enrollment.conf_clients import Clients
from enrollment.conf_oidc import Oidc
from enrollment.conf_people import SecondFactor
from enrollment.models import Account
from enrollment.services import directory, tokens
from tests.conftest import person
from tests.openid.conftest import HOME, begin, come_back, settings_for, sign_in
from tests.signin.people import basic
from tests.signin.shown import NETWORKS, PROXY

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client
    from pytest_django import Settings

    from tests.openid.conftest import Provider

BROWSER = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}


def groups(name: str) -> set[str]:
    """Return the groups that an account has here."""
    return set(Group.objects.filter(user__username=name).values_list("name", flat=True))


def test_a_person_signs_in_and_comes_to_the_page_they_asked_for(
    client: Client, op: Provider
) -> None:
    answer = sign_in(client, op, "alice")

    assert (answer.status_code, answer["Location"]) == (302, HOME)
    assert client.get(HOME).status_code == 200
    alice = User.objects.get(username="alice")
    requester = directory.requester_of(alice)
    assert requester.groups == {"Enrollees"}
    assert requester.email == "alice@example.test"
    assert alice.first_name == "Alice"
    assert not alice.has_usable_password()


def test_no_name_of_a_person_becomes_a_upn(client: Client, op: Provider) -> None:
    """At many providers people choose their names; a UPN here would sign in to Windows."""
    sign_in(client, op, "alice")
    person("maria", "Enrollees")

    assert directory.requester_of(User.objects.get(username="alice")).upn == ""
    assert directory.requester_of(User.objects.get(username="maria")).upn == "maria@localhost"


def test_the_button_stands_on_the_sign_in_page(client: Client, op: Provider) -> None:
    page = client.get("/certsrv/certrqxt.asp", headers=BROWSER).content.decode()

    assert "Sign in with single sign-on" in page
    assert "/accounts/oidc/?next=%2Fcertsrv%2Fcertrqxt.asp" in page


@pytest.mark.django_db
def test_without_a_provider_there_is_no_such_thing(client: Client) -> None:
    assert "/accounts/oidc/" not in client.get("/accounts/login/").content.decode()
    for address in ("/accounts/oidc/", "/accounts/oidc/callback/?state=x&code=y"):
        assert client.get(address).status_code == 404


def test_a_code_is_asked_for_with_everything_that_protects_it(client: Client, op: Provider) -> None:
    _, first = begin(client)
    _, second = begin(client)

    assert first["response_type"] == "code"
    assert first["code_challenge_method"] == "S256"
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name]) == 43
        assert first[name] != second[name]
    cookie = client.cookies["oidc"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (
        True,
        "Lax",
        "/accounts/oidc/",
    )


def test_a_neighbor_cannot_plant_the_sign_in_of_somebody_else(
    client: Client, op: Provider, settings: Settings
) -> None:
    """Browsers take a cookie called so from this very host only (RFC 6265bis section 4.1.3.2)."""
    settings.SESSION_COOKIE_SECURE = True
    thief = type(client)()
    back = op.sign_in(begin(thief)[0], "alice")
    (cookie,) = (thief.cookies[name] for name in thief.cookies if "oidc" in name)

    assert (cookie.key, cookie["path"], cookie["domain"]) == ("__Host-oidc", "/", "")
    assert cookie["secure"]
    client.cookies["oidc"] = cookie.value
    assert come_back(client, back).status_code == 400
    client.cookies["__Host-oidc"] = cookie.value
    answer = come_back(client, back)
    assert (answer.status_code, answer.cookies["__Host-oidc"].value) == (302, "")


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:0"])
def test_nobody_is_led_to_another_site(client: Client, op: Provider, target: str) -> None:
    assert sign_in(client, op, "alice", target)["Location"] == "/certsrv/"


def test_who_is_in_no_mapped_group_has_no_account(client: Client, op: Provider) -> None:
    answer = sign_in(client, op, "dave")

    assert answer.status_code == 403
    assert not User.objects.filter(username="dave").exists()


def test_or_an_account_without_rights_where_the_operator_wants_that(
    client: Client, op: Provider, configure: Callable[..., None]
) -> None:
    configure(oidc=settings_for(op.issuer, without_group="account"))

    assert sign_in(client, op, "dave").status_code == 302
    assert groups("dave") == set()


@pytest.mark.parametrize("name", ["admin", "Admin"])
def test_nobody_of_the_provider_takes_over_an_account_of_ours(
    client: Client, op: Provider, name: str
) -> None:
    person("admin", "CA Administrators")

    assert sign_in(client, op, name).status_code == 403
    assert groups("admin") == {"CA Administrators"}
    assert client.get(HOME).status_code == 401


def test_groups_are_read_at_each_sign_in(client: Client, op: Provider) -> None:
    op.people(alice=["PKI Users", "PKI Managers"])
    sign_in(client, op, "alice")
    assert groups("alice") == {"Enrollees", "Certificate Managers"}

    op.people(alice=["PKI Users"])
    sign_in(client, op, "alice")
    assert groups("alice") == {"Enrollees"}

    op.people(alice=[])
    assert sign_in(client, op, "alice").status_code == 403
    assert groups("alice") == set()
    # The session from before is nobody's.
    assert client.get(HOME).status_code == 401


def test_a_session_ends_when_the_word_of_the_provider_is_too_old(
    client: Client, op: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, op, "alice")
    now = timezone.now()

    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(minutes=59))
    assert client.get(HOME).status_code == 200
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(minutes=61))
    assert client.get(HOME).status_code == 401


@pytest.mark.parametrize(
    ("elsewhere", "more", "reached"),
    [
        ("certificate", ["Careful"], False),
        ("oidc-mfa", [], False),
        ("oidc-mfa", ["Careful"], True),
        ("oidc", [], True),
        ("oidc", ["Careful"], True),
    ],
)
@pytest.mark.usefixtures("managers_need_two")
def test_the_desk_believes_the_provider_of_two_factors_where_the_operator_does(
    client: Client, op: Provider, elsewhere: str, more: list[str], *, reached: bool
) -> None:
    """Who is Careful used two factors there, and the token says so."""
    op.people(maria=["PKI Managers", *more])

    answer = sign_in(client, op, "maria")

    assert (answer["Location"] == HOME) is reached
    led_on = client.get("/admin/auth/group/").get("Location", "")
    assert led_on.startswith("/accounts/factors/") is not reached


@pytest.fixture
def managers_need_two(op: Provider, configure: Callable[..., None], elsewhere: str) -> None:
    """A site on which managers need a second factor, but after some ways to sign in."""
    configure(second_factor=SecondFactor(required="managers", elsewhere=(elsewhere,)))
    group = Group.objects.get(name="Certificate Managers")
    group.permissions.add(Permission.objects.get(codename="review_enrollmentrequest"))


def test_signing_out_ends_the_session(client: Client, op: Provider) -> None:
    sign_in(client, op, "alice")

    client.post("/accounts/logout/")

    assert client.get(HOME).status_code == 401


def test_tokens_of_a_person_end_when_they_do_not_sign_in_any_more(
    client: Client, op: Provider, configure: Callable[..., None]
) -> None:
    configure(sign_in=("basic", "token"))
    sign_in(client, op, "alice")
    alice = User.objects.get(username="alice")
    _, secret = tokens.make(alice, tokens.Wish("build", 30), actor="alice", now=timezone.now())
    program = {"Authorization": f"Bearer {secret}"}
    client.logout()

    assert client.get("/certsrv/requests", headers=program).status_code == 200
    Account.objects.update(seen_at=timezone.now() - timedelta(days=8))
    assert client.get("/certsrv/requests", headers=program).status_code == 401


def test_an_account_of_the_provider_has_no_password_and_no_ticket(
    client: Client, op: Provider, configure: Callable[..., None]
) -> None:
    configure(sign_in=("basic", "remote-user"), clients=Clients(proxies=NETWORKS))
    sign_in(client, op, "alice")
    alice = User.objects.get(username="alice")
    alice.set_password("correct horse battery")
    alice.save()
    client.logout()

    assert client.get(HOME, headers=basic("alice")).status_code == 401
    named = {"Remote-User": "alice"}
    assert client.get(HOME, headers=named, REMOTE_ADDR=PROXY).status_code == 401


def test_without_its_provider_an_account_is_nobody(
    client: Client, op: Provider, configure: Callable[..., None]
) -> None:
    sign_in(client, op, "alice")

    for other in (Oidc(), settings_for(f"{op.issuer}ther")):
        configure(oidc=other)
        sign_in_again = client.get(HOME).status_code
        assert sign_in_again == 401


def test_a_code_is_good_once(client: Client, op: Provider) -> None:
    address, _ = begin(client)
    cookie = client.cookies["oidc"].value
    back = op.sign_in(address, "alice")
    assert come_back(client, back).status_code == 302
    client.logout()

    assert come_back(client, back).status_code == 400
    client.cookies["oidc"] = cookie
    assert come_back(client, back).status_code == 403
    assert client.get(HOME).status_code == 401


def test_a_code_is_good_in_the_browser_that_asked_only(client: Client, op: Provider) -> None:
    """Whoever sends a person a link with a code of their own would sign them in as themselves."""
    thief = type(client)()
    stolen = op.sign_in(begin(thief)[0], "dave")
    begin(client)

    assert come_back(client, stolen).status_code == 400
    code = parse_qs(urlsplit(stolen).query)["code"][0]
    state = begin(client)[1]["state"]
    # With the right state, the provider knows another challenge.
    assert client.get("/accounts/oidc/callback/", {"state": state, "code": code}).status_code == 403


@pytest.mark.parametrize(
    "spoiled",
    [{"state": "x"}, {"state": ""}, {"state": "\N{WINKING FACE}"}],
    ids=["wrong", "none", "emoji"],
)
def test_a_wrong_state_is_refused(client: Client, op: Provider, spoiled: dict[str, str]) -> None:
    back = op.sign_in(begin(client)[0], "alice")
    query = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}

    answer = client.get("/accounts/oidc/callback/", query | spoiled)

    assert answer.status_code == 400
    assert "Sign in once more" in answer.content.decode()
    assert not User.objects.filter(username="alice").exists()


def test_an_error_of_the_provider_is_no_fault_of_ours(client: Client, op: Provider) -> None:
    state = begin(client)[1]["state"]

    answer = client.get(
        "/accounts/oidc/callback/", {"state": state, "error": "<script>access_denied\r\n"}
    )

    assert answer.status_code == 403
    assert "<script>access" not in answer.content.decode()


def test_a_wrong_secret_signs_nobody_in(
    client: Client, op: Provider, configure: Callable[..., None]
) -> None:
    wrong = dataclasses.replace(conf.current().oidc.client_secret, value="guess")
    configure(oidc=settings_for(op.issuer, client_secret=wrong))

    assert sign_in(client, op, "alice").status_code == 403
