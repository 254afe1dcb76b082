"""Programs sign in with Basic, browsers with a form; both are refused alike."""

from collections.abc import Callable
from unittest import mock

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.test import Client

from enrollment import __version__, conf
from enrollment.signin import accounts
from tests.signin.people import PASSWORD, basic

CLOSED = "/accounts/password/"
BROWSER = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}
TITLE = "<title>401 - Unauthorized: Access is denied due to invalid credentials.</title>"


def test_a_stranger_gets_a_401_that_clients_know(client: Client) -> None:
    """jimmypw, Metasploit and bgstack15 look for these words (contract, section 3)."""
    response = client.get(CLOSED)

    assert (response.status_code, response.reason_phrase) == (401, "Unauthorized")
    assert any(line == TITLE for line in response.content.decode().splitlines())
    assert response["WWW-Authenticate"].startswith('Basic realm="')


def test_a_program_signs_in_with_every_request(client: Client, carol: User) -> None:
    assert client.get(CLOSED, headers=basic("carol")).status_code == 200
    assert client.get(CLOSED).status_code == 401
    assert carol.pk


@pytest.mark.usefixtures("carol")
@pytest.mark.parametrize("name", ["carol", "CAROL", "carol@localhost", "LOCALHOST\\carol"])
def test_all_ways_to_write_the_name_work(client: Client, name: str) -> None:
    assert client.get(CLOSED, headers=basic(name)).status_code == 200


@pytest.mark.usefixtures("carol")
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(basic("carol", "guess"), id="wrong password"),
        pytest.param(basic("nobody"), id="unknown name"),
        pytest.param(basic("OTHER\\carol"), id="another domain"),
        pytest.param(basic("carol", ""), id="empty password"),
        pytest.param({"Authorization": "Basic x"}, id="malformed"),
        pytest.param({"Authorization": "Basic é"}, id="not even ASCII"),
        pytest.param({"Authorization": "Bearer x"}, id="unknown scheme"),
    ],
)
def test_wrong_credentials_get_the_same_401(client: Client, headers: dict[str, str]) -> None:
    response = client.get(CLOSED, headers=headers)

    assert response.status_code == 401
    assert TITLE in response.content.decode()


@pytest.mark.usefixtures("carol")
def test_wrong_credentials_are_refused_where_a_session_would_be_believed(client: Client) -> None:
    client.login(username="carol", password=PASSWORD)

    assert client.get(CLOSED, headers=basic("carol", "guess")).status_code == 401


@pytest.mark.usefixtures("carol")
def test_the_slow_hash_is_computed_once_for_many_requests(client: Client) -> None:
    with mock.patch.object(accounts, "authenticate", wraps=authenticate) as hashing:
        for _ in range(3):
            client.get(CLOSED, headers=basic("carol"))

    assert hashing.call_count == 1


@pytest.mark.usefixtures("carol")
def test_a_wrong_password_is_hashed_every_time(client: Client) -> None:
    with mock.patch.object(accounts, "authenticate", wraps=authenticate) as hashing:
        for _ in range(3):
            client.get(CLOSED, headers=basic("carol", "guess"))

    assert hashing.call_count == 3


def test_a_changed_password_ends_the_old_one_at_once(client: Client, carol: User) -> None:
    assert client.get(CLOSED, headers=basic("carol")).status_code == 200

    carol.set_password("another battery")
    carol.save()

    assert client.get(CLOSED, headers=basic("carol")).status_code == 401
    assert client.get(CLOSED, headers=basic("carol", "another battery")).status_code == 200


def test_a_disabled_account_is_refused_at_once(client: Client, carol: User) -> None:
    assert client.get(CLOSED, headers=basic("carol")).status_code == 200

    User.objects.filter(pk=carol.pk).update(is_active=False)

    assert client.get(CLOSED, headers=basic("carol")).status_code == 401


def test_a_deleted_account_is_refused_at_once(client: Client, carol: User) -> None:
    assert client.get(CLOSED, headers=basic("carol")).status_code == 200

    carol.delete()

    assert client.get(CLOSED, headers=basic("carol")).status_code == 401


@pytest.mark.usefixtures("carol")
def test_a_program_leaves_no_session_behind(client: Client) -> None:
    response = client.get(CLOSED, headers=basic("carol"))

    assert "sessionid" not in response.cookies


@pytest.mark.django_db
def test_a_flood_of_passwords_is_told_to_wait(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each check costs a good part of a second: the third at once waits, then is sent away."""
    monkeypatch.setattr(accounts, "HASH_WAIT_SECONDS", 0.01)
    with accounts._hashing, accounts._hashing:  # noqa: SLF001  # as two other requests would
        response = client.get(CLOSED, headers=basic("carol"))

    assert response.status_code == 503
    assert response["Retry-After"] == "10"


@pytest.mark.django_db
def test_a_browser_gets_the_form_and_no_password_box(client: Client) -> None:
    response = client.get(CLOSED + "?a=1", headers=BROWSER)

    assert response.status_code == 401
    assert "WWW-Authenticate" not in response.headers
    assert '<input type="hidden" name="next" value="/accounts/password/?a=1">' in (
        response.content.decode()
    )


@pytest.mark.django_db
@pytest.mark.django_db
def test_the_page_of_the_form_is_a_page_of_this_site(client: Client) -> None:
    """Django's view brings a `site` of its own, which has neither a name nor a version."""
    page = client.get("/accounts/login/").content.decode()

    assert f"Version {__version__}" in page
    assert conf.current().ca_name in page


def test_a_script_on_our_page_opens_no_password_box(client: Client) -> None:
    headers = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}

    response = client.get(CLOSED, headers=headers)

    assert response.status_code == 401
    assert "WWW-Authenticate" not in response.headers


@pytest.mark.django_db
def test_a_browser_gets_the_challenge_where_the_operator_says_so(
    client: Client, configure: Callable[..., None]
) -> None:
    configure(browser_sign_in="challenge")

    response = client.get(CLOSED, headers=BROWSER)

    assert response["WWW-Authenticate"].startswith("Basic")


@pytest.mark.usefixtures("carol")
def test_a_person_signs_in_and_comes_to_the_page_they_asked_for(client: Client) -> None:
    form = {"username": "carol", "password": PASSWORD, "next": CLOSED}

    response = client.post("/accounts/login/", form, headers={"Sec-Fetch-Site": "same-origin"})

    assert (response.status_code, response["Location"]) == (302, CLOSED)
    assert client.get(CLOSED).status_code == 200


@pytest.mark.usefixtures("carol")
@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:0"])
def test_nobody_is_led_to_another_site_after_signing_in(client: Client, elsewhere: str) -> None:
    form = {"username": "carol", "password": PASSWORD, "next": elsewhere}

    response = client.post("/accounts/login/", form)

    assert response["Location"] == "/certsrv/"


@pytest.mark.usefixtures("carol")
def test_a_wrong_password_in_the_form_is_told_so_without_telling_who_exists(
    client: Client,
) -> None:
    wrong = client.post("/accounts/login/", {"username": "carol", "password": "guess"})
    unknown = client.post("/accounts/login/", {"username": "nobody", "password": "guess"})

    assert "No account has this name and password" in wrong.content.decode()
    assert "No account has this name and password" in unknown.content.decode()


@pytest.mark.usefixtures("carol")
def test_signing_out_ends_the_session(client: Client) -> None:
    client.login(username="carol", password=PASSWORD)

    client.post("/accounts/logout/")

    assert client.get(CLOSED).status_code == 401


@pytest.mark.usefixtures("carol")
def test_a_link_cannot_sign_anybody_out(client: Client) -> None:
    client.login(username="carol", password=PASSWORD)

    client.get("/accounts/logout/")

    assert client.get(CLOSED).status_code == 200


@pytest.mark.usefixtures("carol")
def test_a_person_changes_their_password(client: Client) -> None:
    client.login(username="carol", password=PASSWORD)
    form = {
        "old_password": PASSWORD,
        "new_password1": "staple a new one",
        "new_password2": "staple a new one",
    }

    client.post("/accounts/password/", form)

    assert client.get(CLOSED, headers=basic("carol", "staple a new one")).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/nowhere", "/certsrv/nowhere.asp", "/admin/nowhere/"])
def test_a_stranger_does_not_learn_which_addresses_exist(client: Client, address: str) -> None:
    assert client.get(address).status_code == 401


@pytest.mark.usefixtures("carol")
def test_a_requester_is_told_of_an_address_that_does_not_exist(client: Client) -> None:
    response = client.get("/nowhere", headers=basic("carol"))

    assert response.status_code == 404
    assert "There is nothing at this address." in response.content.decode()
