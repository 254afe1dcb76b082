"""Who guesses passwords has to wait, and nobody beside them."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from enrollment.conf_clients import Clients
from enrollment.conf_web import Rate
from tests.conftest import PASSWORD
from tests.edge.outside import SIGN_IN, guess, outside, statuses
from tests.signin.people import basic

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db


@pytest.mark.usefixtures("carol")
def test_a_password_is_not_guessed_for_long(client: Client, limit: Callable[..., None]) -> None:
    limit(passwords=Rate(3, 60.0))

    assert statuses(5, lambda: guess(client)) == [401, 401, 401, 429, 429]


@pytest.mark.usefixtures("carol")
def test_the_right_password_is_no_exception_or_guesses_would_be_told_apart(
    client: Client, limit: Callable[..., None]
) -> None:
    limit(passwords=Rate(1, 60.0))
    guess(client)

    assert client.get("/certsrv/", headers=basic("carol")).status_code == 429


@pytest.mark.usefixtures("carol", "site")
def test_one_program_with_a_wrong_password_stops_only_itself(
    client: Client, limit: Callable[..., None]
) -> None:
    """What was answered with 429 does not count for its neighbors behind the same address."""
    limit(passwords=Rate(2, 60.0), names=Rate(5, 60.0))
    statuses(50, lambda: guess(client, "broken-job"))

    assert client.get("/certsrv/", headers=basic("carol")).status_code == 200


@pytest.mark.usefixtures("carol")
def test_the_lock_comes_first_and_the_limit_takes_over_when_it_is_hammered_at(
    client: Client,
) -> None:
    """Each wrong password is one page: ten are looked at, ten meet the lock, the rest the limit."""
    answers = [client.get("/certsrv/", headers=basic("carol", "guess")) for _ in range(22)]

    assert [one.status_code for one in answers] == [401] * 10 + [429] * 12
    texts = [one.content.decode() for one in answers]
    assert ["nothing is looked at" in text for text in texts] == [False] * 10 + [True] * 10 + [
        False
    ] * 2
    assert texts[-1].startswith("Your address has tried too often to sign in to this account.")
    assert all(int(one["Retry-After"]) > 0 for one in answers[10:])


@pytest.mark.usefixtures("carol", "site")
def test_a_proxy_on_this_machine_that_nobody_named_does_not_stop_everybody(
    limit: Callable[..., None],
) -> None:
    limit(names=Rate(1, 60.0), strangers=Rate(1, 60.0), passwords=Rate(2, 60.0))
    proxied = Client(REMOTE_ADDR="127.0.0.1")

    assert statuses(3, lambda: proxied.get("/certsrv/").status_code) == [401] * 3
    assert [guess(proxied, f"user{number}") for number in range(3)] == [401] * 3
    assert statuses(3, lambda: guess(proxied)) == [401, 401, 429]


def test_many_names_from_one_address_are_guessing_too(
    client: Client, limit: Callable[..., None]
) -> None:
    limit(names=Rate(4, 60.0))

    found = [guess(client, f"user{number}") for number in range(6)]

    assert found == [401] * 4 + [429] * 2


@pytest.mark.usefixtures("carol")
@pytest.mark.parametrize("name", ["CAROL", "\\carol", "carol@localhost", "LOCALHOST\\Carol"])
def test_another_spelling_of_a_name_is_no_other_name(
    client: Client, limit: Callable[..., None], name: str
) -> None:
    limit(passwords=Rate(1, 60.0))
    guess(client, "carol")

    assert guess(client, name) == 429


@pytest.mark.usefixtures("carol")
def test_another_address_is_not_stopped(client: Client, limit: Callable[..., None]) -> None:
    limit(passwords=Rate(1, 60.0))
    guess(client)

    assert guess(client, REMOTE_ADDR="192.0.2.7") == 401


@pytest.mark.parametrize(
    ("one", "other", "status"),
    [
        pytest.param("2001:db8::1", "2001:db8::ffff:2", 429, id="the same /64"),
        pytest.param("2001:db8::1", "2001:db8:0:1::1", 401, id="another /64"),
        pytest.param("192.0.2.1", "::ffff:192.0.2.1", 429, id="one address, written twice"),
    ],
)
def test_a_host_with_ipv6_is_its_whole_network(
    client: Client, limit: Callable[..., None], one: str, other: str, status: int
) -> None:
    limit(passwords=Rate(1, 60.0))
    guess(client, REMOTE_ADDR=one)

    assert guess(client, REMOTE_ADDR=other) == status


@pytest.mark.usefixtures("carol")
def test_the_form_and_basic_count_together(client: Client, limit: Callable[..., None]) -> None:
    limit(passwords=Rate(2, 60.0))
    form = {"username": "carol", "password": "guess"}
    assert client.post(SIGN_IN, form).status_code == 200
    assert guess(client) == 401

    response = client.post(SIGN_IN, form | {"password": PASSWORD})

    assert response.status_code == 429
    assert guess(client) == 429


@pytest.mark.usefixtures("carol", "site")
@pytest.mark.parametrize("address", ["/healthz", "/readyz", "/CertEnroll/none.crl", "/ocsp4711"])
def test_an_address_that_is_open_to_everybody_is_no_place_to_guess(
    client: Client, limit: Callable[..., None], address: str
) -> None:
    limit(passwords=Rate(2, 60.0))
    wrong = basic("carol", "guess")

    found = statuses(4, lambda: client.get(address, headers=wrong).status_code)

    assert found == [401, 401, 429, 429]
    assert client.get(address, headers=basic("carol")).status_code == 429


@pytest.mark.usefixtures("carol")
@pytest.mark.parametrize("way", ["session", "password"])
def test_who_is_signed_in_is_no_better_at_guessing(
    client: Client, alice: User, limit: Callable[..., None], way: str
) -> None:
    limit(passwords=Rate(2, 60.0))
    headers = basic("alice") if way == "password" else {}
    if way == "session":
        client.force_login(alice)
    form = {"username": "carol", "password": "guess"}

    found = statuses(4, lambda: client.post(SIGN_IN, form, headers=headers).status_code)

    assert found == [200, 200, 429, 429]


@pytest.mark.usefixtures("site")
def test_a_session_left_open_is_no_place_to_guess(
    client: Client, alice: User, limit: Callable[..., None]
) -> None:
    limit(passwords=Rate(2, 60.0))
    client.force_login(alice)
    form = {"old_password": "guess", "new_password1": PASSWORD, "new_password2": PASSWORD}

    found = statuses(4, lambda: client.post("/accounts/password/", form).status_code)

    assert found == [200, 200, 429, 429]


@pytest.mark.usefixtures("carol")
def test_signing_in_is_not_counted(client: Client, limit: Callable[..., None]) -> None:
    limit(passwords=Rate(1, 60.0), names=Rate(1, 60.0))
    form = {"username": "carol", "password": PASSWORD}

    assert [outside().post(SIGN_IN, form).status_code for _ in range(5)] == [302] * 5


@pytest.mark.usefixtures("carol", "site")
def test_a_session_goes_on_where_passwords_are_guessed(
    client: Client, limit: Callable[..., None]
) -> None:
    limit(passwords=Rate(1, 60.0), names=Rate(1, 60.0), strangers=Rate(1, 60.0))
    client.login(username="carol", password=PASSWORD)
    statuses(5, lambda: guess(outside()))
    statuses(5, lambda: outside().get("/certsrv/").status_code)

    assert client.get("/certsrv/").status_code == 200


PROXY = Clients(proxies=tuple(ipaddress.ip_network(n) for n in ("10.0.0.0/24", "fd00::/8")))


@pytest.mark.parametrize(
    ("told", "other", "status"),
    [
        pytest.param("192.0.2.1", "192.0.2.2", 401, id="two clients of one proxy"),
        pytest.param("192.0.2.1", "6.6.6.6, 192.0.2.1", 429, id="what a client wrote in front"),
        pytest.param("192.0.2.1", "192.0.2.1, 10.0.0.9", 429, id="two proxies in a row"),
        pytest.param("192.0.2.1", "192.0.2.1,fd00::1", 429, id="a proxy with IPv6"),
        ("192.0.2.1:4711", "192.0.2.1:4712", 429),
        ("192.0.2.1:4711", "192.0.2.2:4711", 401),
        ("[2001:db8::1]:4711", "2001:db8::2", 429),
        ("[2001:db8::1]", "[2001:db8:1::1]", 401),
        ("fe80::1%eth0", "fe80::1%eth1", 429),
    ],
)
def test_a_trusted_proxy_says_who_the_client_is(
    client: Client, limit: Callable[..., None], told: str, other: str, status: int
) -> None:
    limit(clients=PROXY, passwords=Rate(1, 60.0))
    guess(client, REMOTE_ADDR="10.0.0.5", HTTP_X_FORWARDED_FOR=told)

    assert guess(client, REMOTE_ADDR="10.0.0.5", HTTP_X_FORWARDED_FOR=other) == status


@pytest.mark.parametrize("told", ["", "unknown", "_hidden:4711", "10.0.0.7"])
def test_a_trusted_proxy_that_names_nobody_is_not_stopped_for_all(
    client: Client, limit: Callable[..., None], told: str
) -> None:
    limit(clients=PROXY, passwords=Rate(1, 60.0), names=Rate(1, 60.0), strangers=Rate(1, 60.0))

    found = statuses(3, lambda: guess(client, REMOTE_ADDR="10.0.0.5", HTTP_X_FORWARDED_FOR=told))

    assert found == [401] * 3


def test_nobody_else_chooses_an_address(client: Client, limit: Callable[..., None]) -> None:
    limit(clients=PROXY, passwords=Rate(1, 60.0))
    guess(client, HTTP_X_FORWARDED_FOR="192.0.2.1")

    assert guess(client, HTTP_X_FORWARDED_FOR="192.0.2.2") == 429
