"""REMOTE_USER: who a trusted proxy says it signed in."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User
from django.test import Client

from enrollment.conf_clients import Clients
from enrollment.signin.methods import remote_user
from tests.signin.people import PASSWORD, basic

if TYPE_CHECKING:
    from collections.abc import Callable

HOME = "/certsrv/"
PROXY = "10.0.0.7"
TRUSTED = Clients(proxies=(ipaddress.ip_network(PROXY),))

pytestmark = pytest.mark.usefixtures("carol")


@pytest.fixture(autouse=True)
def _remote_user_is_on(configure: Callable[..., None]) -> None:
    configure(
        sign_in=("basic", "remote-user"), clients=TRUSTED, realm="EXAMPLE.COM", domain="EXAMPLE"
    )


def ask(client: Client, name: str, address: str = PROXY, header: str = "Remote-User") -> int:
    return client.get(HOME, headers={header: name}, REMOTE_ADDR=address).status_code


@pytest.mark.parametrize(
    "name",
    ["carol", "CAROL", "EXAMPLE\\carol", "carol@example.com", "Carol@EXAMPLE.COM", " carol "],
)
def test_a_name_in_each_of_its_forms_is_the_account(client: Client, name: str) -> None:
    answer = client.get(HOME, headers={"Remote-User": name}, REMOTE_ADDR=PROXY)

    assert answer.status_code == 200
    assert answer.wsgi_request.user.get_username() == "carol"


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.8", "::1", "192.0.2.1"])
@pytest.mark.parametrize("header", ["Remote-User", "remote-user", "REMOTE_USER", "X-Remote-User"])
def test_from_outside_it_is_nothing(client: Client, address: str, header: str) -> None:
    assert ask(client, "carol", address, header) == 401


def test_another_header_of_the_proxy_is_nothing(client: Client) -> None:
    assert ask(client, "carol", header="X-Remote-User") == 401


@pytest.mark.parametrize(
    "name",
    [
        "nobody",
        "OTHER\\carol",
        "carol@other.example",
        "carol@",
        "carol,carol",
        "carol, admin",
        "caro%",
        "c" * 600,
        "carol\0",
    ],
)
def test_who_is_nobody_here_is_refused(client: Client, name: str) -> None:
    assert ask(client, name) == 401


def test_a_disabled_account_is_refused_at_once(client: Client, carol: User) -> None:
    assert ask(client, "carol") == 200
    User.objects.filter(pk=carol.pk).update(is_active=False)

    assert ask(client, "carol") == 401


def test_letters_that_only_fold_alike_are_other_letters(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No password follows: with a dotless i, or a Kelvin sign, nobody becomes somebody else."""
    kim = User.objects.create_user("kim")
    assert ask(client, "KIM") == 200

    # As a database answers whose language has these letters.
    monkeypatch.setattr(remote_user, "find", lambda _: kim)

    assert ask(client, "KIM") == 200
    for told in ("\u212aim", "k\u0131m"):
        assert ask(client, told.encode().decode("latin-1")) == 401


def test_a_name_beyond_ascii_arrives_as_the_proxy_wrote_it(client: Client) -> None:
    User.objects.create_user("zoë")

    assert ask(client, "zoë".encode().decode("latin-1")) == 200
    assert ask(client, "zoë") == 200


@pytest.mark.parametrize("name", ["", "   "])
def test_an_empty_name_is_nobody(client: Client, name: str) -> None:
    assert ask(client, name) == 401
    headers = basic("carol") | {"Remote-User": name}
    assert client.get(HOME, headers=headers, REMOTE_ADDR=PROXY).status_code == 200


def test_a_site_that_does_not_name_the_method_reads_no_name(
    client: Client, configure: Callable[..., None]
) -> None:
    configure(sign_in=("basic",), clients=TRUSTED)

    assert ask(client, "carol") == 401


def test_a_password_that_is_sent_counts_alone(client: Client) -> None:
    headers = basic("carol", "wrong") | {"Remote-User": "carol"}

    assert client.get(HOME, headers=headers, REMOTE_ADDR=PROXY).status_code == 401


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}]
)
def test_another_site_cannot_use_it(headers: dict[str, str]) -> None:
    """The proxy vouches for every request of the browser, whoever made the browser send it."""
    strict = Client(enforce_csrf_checks=True)
    told = headers | {"Remote-User": "carol"}

    answer = strict.post("/accounts/password/", {}, headers=told, REMOTE_ADDR=PROXY)

    assert answer.status_code == 403
    assert "sent from another site" in answer.content.decode()


def test_a_program_behind_the_proxy_posts_without_a_token() -> None:
    strict = Client(enforce_csrf_checks=True)
    told = {"Remote-User": "carol"}

    answer = strict.post("/certsrv/certfnsh.asp", {}, headers=told, REMOTE_ADDR=PROXY)

    assert answer.status_code == 200


def test_a_session_counts_before_the_proxy_s_word(client: Client) -> None:
    User.objects.create_user("dave", password=PASSWORD)
    client.login(username="dave", password=PASSWORD)

    answer = client.get(HOME, headers={"Remote-User": "carol"}, REMOTE_ADDR=PROXY)

    assert answer.wsgi_request.user.get_username() == "dave"
