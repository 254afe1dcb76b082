"""`/metrics` opens with the token of the settings; that token opens nothing else."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from enrollment.services import metrics, setup
from tests.signin.people import PASSWORD
from tests.signin.test_every_address import ADDRESSES, is_open

pytestmark = pytest.mark.django_db
TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def _with_token(configure: Callable[..., None]) -> None:
    configure(metrics_token=TOKEN)


def ask(
    client: Client, token: str, route: str = "/metrics", scheme: str = "Bearer", method: str = "get"
) -> int:
    """Return the status of the answer."""
    response = getattr(client, method)(route, headers={"Authorization": f"{scheme} {token}"})
    assert isinstance(response.status_code, int)
    return response.status_code


def test_the_token_opens_the_metrics(client: Client) -> None:
    assert ask(client, TOKEN) == 200
    assert ask(client, TOKEN, scheme="bearer") == 200
    assert ask(client, TOKEN, method="head") == 200


@pytest.mark.parametrize("token", ["", "0", TOKEN[:-1], TOKEN + "0", TOKEN.upper(), "é" * 32])
def test_another_token_opens_nothing(client: Client, token: str) -> None:
    assert ask(client, token.encode().decode("latin-1")) == 401


def test_without_a_token_in_the_settings_none_opens_anything(
    client: Client, configure: Callable[..., None]
) -> None:
    configure(metrics_token="")

    assert {ask(client, token) for token in ("", " ", TOKEN)} == {401}


def test_a_stranger_is_refused(client: Client) -> None:
    assert client.get("/metrics").status_code == 401


# Whoever asks OCSP is asked for nothing, and whatever they show is not looked at (ADR 0024).
UNASKED = ("ocsp", "ocsp/1")


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "route", [one for one, _ in ADDRESSES if one != "metrics" and one not in UNASKED]
)
def test_the_token_is_no_sign_in_anywhere_else(client: Client, route: str, method: str) -> None:
    """Not even where strangers may come in: who shows credentials is judged by them."""
    assert ask(client, TOKEN, f"/{route}", method=method) == 401
    assert is_open(route) or client.get(f"/{route}").status_code == 401


@pytest.mark.parametrize("route", UNASKED)
def test_ocsp_answers_the_bearer_of_a_token_as_it_answers_everybody(
    client: Client, route: str
) -> None:
    assert ask(client, TOKEN, f"/{route}", method="get") == 200
    assert client.get(f"/{route}").status_code == 200


def test_the_token_does_not_tell_which_addresses_exist(client: Client) -> None:
    assert ask(client, TOKEN, "/metrics/") == 401
    assert ask(client, TOKEN, "/no-such-page") == 401


def test_the_token_makes_nobody_of_its_bearer_and_changes_nothing(client: Client) -> None:
    assert ask(client, TOKEN, method="post") == 405
    assert ask(client, TOKEN) == 200
    assert client.get("/metrics").status_code == 401


def test_an_account_needs_the_right_to_see_the_condition(client: Client, carol: User) -> None:
    refused = client.get("/metrics", headers=basic())
    setup.run_setup(now=timezone.now())
    carol.groups.add(Group.objects.get(name="Operators"))
    allowed = client.get("/metrics", headers=basic())

    assert (refused.status_code, allowed.status_code) == (403, 200)


def basic() -> dict[str, str]:
    """Return Carol's credentials."""
    import base64

    token = base64.b64encode(f"carol:{PASSWORD}".encode()).decode()
    return {"Authorization": f"Basic {token}"}


def test_what_is_answered_is_read_by_the_makers_of_the_format(client: Client) -> None:
    setup.run_setup(now=timezone.now())

    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})

    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    families = {one.name for one in text_string_to_metric_families(answer.content.decode())}
    assert {"certsrv_build_info", "certsrv_seconds_until_end", "certsrv_events"} <= families


def test_a_database_that_does_not_answer_is_no_fault(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: object) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(metrics, "gather", gone)

    assert ask(client, TOKEN) == 503
