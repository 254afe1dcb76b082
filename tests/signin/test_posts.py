"""Which posts are believed (ADR 0002)."""

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory

from enrollment.signin.posts import is_from_here
from tests.signin.people import PASSWORD, basic

PASSWORD_PAGE = "/accounts/password/"
ELSEWHERE = [
    pytest.param({"Sec-Fetch-Site": "cross-site"}, id="cross-site"),
    pytest.param({"Sec-Fetch-Site": "same-site"}, id="a neighbor under the same domain"),
    pytest.param({"Sec-Fetch-Site": "nonsense"}, id="an unknown word"),
    pytest.param({"Origin": "https://evil.example"}, id="another origin"),
    pytest.param({"Origin": "https://testserver"}, id="our name with another scheme"),
    pytest.param({"Origin": "http://testserver:8080"}, id="our name with another port"),
    pytest.param({"Origin": "null"}, id="an origin that hides"),
]
FROM_HERE = [
    pytest.param({}, id="a program: says nothing"),
    pytest.param({"Sec-Fetch-Site": "same-origin"}, id="same origin"),
    pytest.param({"Sec-Fetch-Site": "none"}, id="typed by a person"),
    pytest.param({"Origin": "http://testserver"}, id="our origin"),
]


@pytest.mark.parametrize("headers", ELSEWHERE)
def test_a_post_that_comes_from_elsewhere_is_told_apart(
    rf: RequestFactory, headers: dict[str, str]
) -> None:
    assert not is_from_here(rf.post("/", headers=headers))


@pytest.mark.parametrize("headers", FROM_HERE)
def test_a_post_from_here_is_told_apart(rf: RequestFactory, headers: dict[str, str]) -> None:
    assert is_from_here(rf.post("/", headers=headers))


@pytest.fixture
def strict() -> Client:
    """A client that does not skip the checks of tokens, as Django's usual one does."""
    return Client(enforce_csrf_checks=True)


@pytest.mark.usefixtures("carol")
@pytest.mark.parametrize("headers", ELSEWHERE)
def test_another_site_cannot_use_the_password_a_browser_remembers(
    strict: Client, headers: dict[str, str]
) -> None:
    response = strict.post(PASSWORD_PAGE, {}, headers=basic("carol") | headers)

    assert response.status_code == 403
    assert "sent from another site" in response.content.decode()


@pytest.mark.usefixtures("carol")
@pytest.mark.parametrize("headers", FROM_HERE)
def test_a_program_needs_no_token(strict: Client, headers: dict[str, str]) -> None:
    """An empty submission is refused by its own page: the post itself was believed."""
    response = strict.post("/certsrv/certfnsh.asp", {}, headers=basic("carol") | headers)

    assert response.status_code == 200


@pytest.mark.usefixtures("carol")
def test_a_session_alone_is_not_enough(strict: Client) -> None:
    strict.login(username="carol", password=PASSWORD)

    response = strict.post(PASSWORD_PAGE, {}, headers={"Sec-Fetch-Site": "same-origin"})

    assert response.status_code == 403
    assert "out of date" in response.content.decode()


@pytest.mark.usefixtures("carol")
def test_a_session_with_the_token_of_the_page_is_enough(strict: Client) -> None:
    strict.login(username="carol", password=PASSWORD)
    page = strict.get(PASSWORD_PAGE)
    token = page.context["csrf_token"]

    response = strict.post(PASSWORD_PAGE, {"csrfmiddlewaretoken": str(token)})

    assert response.status_code == 200


@pytest.mark.usefixtures("carol")
def test_a_session_with_a_token_is_not_believed_from_elsewhere(strict: Client) -> None:
    strict.login(username="carol", password=PASSWORD)
    token = strict.get(PASSWORD_PAGE).context["csrf_token"]

    response = strict.post(
        PASSWORD_PAGE,
        {"csrfmiddlewaretoken": str(token)},
        headers={"Sec-Fetch-Site": "cross-site"},
    )

    assert response.status_code == 403


def test_another_site_cannot_sign_a_person_in(strict: Client, carol: User) -> None:
    """Else a victim would paste requests into the attacker's account."""
    form = {"username": carol.username, "password": PASSWORD}

    response = strict.post("/accounts/login/", form)

    assert response.status_code == 403
