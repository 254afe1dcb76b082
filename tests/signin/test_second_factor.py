"""A password alone does not open the desk."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from django.contrib.auth.models import Group, Permission
from django.contrib.sessions.models import Session
from django.utils import timezone

from enrollment.ca.client_certificate import Rule
from enrollment.conf_clients import Clients
from enrollment.conf_people import SecondFactor
from enrollment.services import second_factor
from tests.conftest import PASSWORD
from tests.signin.people import basic
from tests.signin.second_factors import browser, code, give_app
from tests.signin.shown import METHODS, NETWORKS, PROXY, der_of, enter, header, issue

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User
    from django.test import Client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("second_factor_of_managers")]

DESK = "/admin/"
ASK = "/accounts/second-factor/"
FACTORS = "/accounts/factors/"


@pytest.fixture
def second_factor_of_managers(configure: Callable[..., None]) -> None:
    configure(second_factor=SecondFactor())


def sign_in(client: Client, user: User, following: str = DESK) -> Any:
    """Send the password; return the answer."""
    form = {"username": user.username, "password": PASSWORD, "next": following}
    return client.post("/accounts/login/", form)


def show(client: Client, sent: str, query: str = "") -> Any:
    """Send a code; return the answer."""
    return client.post(ASK + query, {"code": sent})


@pytest.mark.parametrize("word", ["certificates", "metrics"])
def test_a_word_is_an_address_beside_this_one(client: Client, manager: User, word: str) -> None:
    """It leads to no page, but is no fault either, and never the name of a view."""
    assert sign_in(client, manager, word).headers["Location"].endswith(word)
    give_app(manager)
    sign_in(client, manager, word)

    assert show(client, code())["Location"] == word
    assert client.get(f"{ASK}?next={word}")["Location"] == word


# --- Signing in ----------------------------------------------------------------------------------


def test_after_the_password_comes_the_second_factor_and_then_the_desk(
    client: Client, manager: User
) -> None:
    give_app(manager)

    asked = sign_in(client, manager)
    assert (asked.status_code, asked["Location"]) == (302, ASK)
    assert "One more step" in client.get(ASK).content.decode()
    answer = show(client, code())

    assert (answer.status_code, answer["Location"]) == (302, DESK)
    assert client.get(DESK).status_code == 200


def test_half_a_sign_in_is_none(client: Client, manager: User) -> None:
    give_app(manager)
    sign_in(client, manager)

    assert client.get(DESK).status_code == 401
    assert client.get("/certsrv/").status_code == 401
    assert client.get(FACTORS).status_code == 401


def test_a_wrong_code_is_said_so_and_signs_nobody_in(client: Client, manager: User) -> None:
    give_app(manager)
    sign_in(client, manager)

    answer = show(client, "000000" if code() != "000000" else "111111")

    assert "This code is not right" in answer.content.decode()
    assert client.get("/certsrv/").status_code == 401


def test_a_requester_who_has_a_second_factor_is_asked_for_it_too(
    client: Client, alice: User
) -> None:
    give_app(alice)

    assert sign_in(client, alice, "/certsrv/")["Location"] == ASK


def test_a_requester_without_one_signs_in_as_ever(client: Client, alice: User) -> None:
    assert sign_in(client, alice, "/certsrv/")["Location"] == "/certsrv/"


def test_half_a_sign_in_does_not_last(client: Client, manager: User) -> None:
    give_app(manager)
    sign_in(client, manager)
    session = client.session
    session["half"] = session["half"] | {"at": time.time() - 601}
    session.save()

    assert show(client, code())["Location"] == "/accounts/login/"


def test_half_a_sign_in_ends_with_the_password(client: Client, manager: User) -> None:
    give_app(manager)
    sign_in(client, manager)
    manager.set_password("another battery")
    manager.save()

    assert show(client, code())["Location"] == "/accounts/login/"


def test_half_a_sign_in_ends_with_the_account(client: Client, manager: User) -> None:
    give_app(manager)
    sign_in(client, manager)
    type(manager).objects.update(is_active=False)

    assert show(client, code())["Location"] == "/accounts/login/"


def test_signing_in_gives_a_new_session_at_each_step(client: Client, manager: User) -> None:
    """Who put a cookie into this browser before has nothing afterwards."""
    give_app(manager)
    session = client.session
    session["planted"] = "by somebody"
    session.save()
    planted = str(session.session_key)
    client.cookies["sessionid"] = planted

    sign_in(client, manager)
    half = str(client.cookies["sessionid"].value)
    show(client, code())
    whole = client.cookies["sessionid"].value

    assert len({planted, half, whole}) == 3
    assert not Session.objects.filter(session_key__in=(planted, half)).exists()
    assert "planted" not in client.session


# --- The desk ------------------------------------------------------------------------------------


def test_a_manager_without_a_second_factor_is_led_to_where_one_is_set_up(
    client: Client, manager: User
) -> None:
    answer = sign_in(client, manager)

    assert answer["Location"] == f"{FACTORS}?next=%2Fadmin%2F"
    assert "the desk wants more than a password" in client.get(answer["Location"]).content.decode()
    assert client.get(DESK)["Location"] == f"{FACTORS}?next=%2Fadmin%2F"
    assert client.get("/certsrv/").status_code == 200


@pytest.mark.parametrize(
    "address", ["/admin/queue/decide/", "/admin/certificates/status/", "/admin/logout/"]
)
def test_nothing_can_be_done_at_the_desk_before(address: str, manager: User) -> None:
    answer = browser(manager).post(address)

    assert answer.status_code == 403
    assert "second factor" in answer.content.decode()


def test_who_becomes_a_manager_later_gains_no_desk_with_an_old_session(alice: User) -> None:
    old = browser(alice)
    assert old.get(DESK).status_code == 403

    alice.groups.add(Group.objects.get(name="Certificate Managers"))

    assert old.get(DESK)["Location"].startswith(FACTORS)


def test_a_single_right_given_to_one_person_counts_as_much(alice: User) -> None:
    alice.user_permissions.add(Permission.objects.get(codename="view_auditevent"))

    assert browser(alice).get(DESK)["Location"].startswith(FACTORS)


def test_a_session_from_before_the_factor_is_asked_for_it(manager: User) -> None:
    old = browser(manager)
    give_app(manager)

    assert old.get(DESK)["Location"] == f"{ASK}?next=%2Fadmin%2F"
    assert show(old, code(), "?next=%2Fadmin%2F")["Location"] == DESK
    assert old.get(DESK).status_code == 200


def test_a_stolen_cookie_is_worth_nothing_after_the_factor_is_gone(manager: User) -> None:
    factor = give_app(manager)
    stolen = browser(manager, factor)
    assert stolen.get(DESK).status_code == 200

    second_factor.reset(manager, actor="ada", now=timezone.now())

    assert stolen.get(DESK)["Location"].startswith(FACTORS)
    # Nor can the thief set up a factor of their own: the password is asked for first.
    assert stolen.get(f"{FACTORS}app/")["Location"].startswith("/accounts/login/")


def test_another_account_s_factor_does_not_count(manager: User, alice: User) -> None:
    give_app(manager)

    assert browser(manager, give_app(alice)).get(DESK)["Location"].startswith(ASK)


@pytest.mark.parametrize("proof", ["code 999", "nothing", "", "code x", "1 2 3", "-1"])
def test_a_session_that_says_what_is_not_so_is_not_believed(proof: str, manager: User) -> None:
    give_app(manager)
    client = browser(manager)
    session = client.session
    session["second_factor"] = proof
    session.save()

    assert client.get(DESK).status_code == 302


def test_a_password_that_comes_with_a_request_is_refused_with_a_sentence(
    client: Client, manager: User
) -> None:
    answer = client.get(DESK, headers=basic(manager.username))

    assert answer.status_code == 403
    assert "wants a second factor" in answer.content.decode()
    assert client.get("/certsrv/", headers=basic(manager.username)).status_code == 200


def test_a_password_is_not_changed_with_itself_where_there_is_a_second_factor(
    client: Client, manager: User
) -> None:
    give_app(manager)

    assert client.get("/accounts/password/", headers=basic(manager.username)).status_code == 403
    assert browser(manager).get("/accounts/password/")["Location"].startswith(ASK)


def certified(client: Client, configure: Callable[..., None], user: User) -> Any:
    """Come to the desk with a certificate that a proxy has seen."""
    configure(sign_in=METHODS, clients=Clients(proxies=NETWORKS))
    user.groups.add(Group.objects.get(name="Enrollees"))
    own = issue(client, user)
    certificate = x509.load_der_x509_certificate(bytes(own.der))
    enter(user, certificate, Rule.EXACT)
    shown = {"Client-Cert": header(der_of(certificate))}
    return client.get(DESK, headers=shown, REMOTE_ADDR=PROXY)


def test_a_certificate_is_enough(
    client: Client, configure: Callable[..., None], manager: User
) -> None:
    assert certified(client, configure, manager).status_code == 200


def test_a_certificate_is_not_where_the_setting_does_not_say_so(
    client: Client, configure: Callable[..., None], manager: User
) -> None:
    configure(second_factor=SecondFactor(elsewhere=()))

    assert certified(client, configure, manager).status_code == 403


# --- The setting ---------------------------------------------------------------------------------


def test_for_everybody_pages_wait_for_it_and_programs_do_not(
    client: Client, configure: Callable[..., None], alice: User
) -> None:
    configure(second_factor=SecondFactor(required="everybody"))

    assert browser(alice).get("/certsrv/")["Location"].startswith(FACTORS)
    assert browser(alice).get(FACTORS).status_code == 200
    assert browser(alice, give_app(alice)).get("/certsrv/").status_code == 200
    assert client.get("/certsrv/", headers=basic("alice")).status_code == 200


def test_the_dry_run_says_what_would_be_and_stops_nobody(
    configure: Callable[..., None], manager: User, caplog: pytest.LogCaptureFixture
) -> None:
    configure(second_factor=SecondFactor(required="report"))

    client = browser(manager)
    client.get(DESK)
    page = client.get(DESK)

    assert page.status_code == 200
    assert "You work here with a password alone" in page.content.decode()
    assert caplog.text.count("maria works at the desk without a second factor") == 1
    with_one = browser(manager, give_app(manager)).get(DESK).content.decode()
    assert "You work here with a password alone" not in with_one


def test_it_can_be_switched_off(configure: Callable[..., None], manager: User) -> None:
    configure(second_factor=SecondFactor(required="off"))

    assert browser(manager).get(DESK).status_code == 200
