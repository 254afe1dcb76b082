"""What goes wrong outside of any form is told calmly, without a trace."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from enrollment.serving import headers, views
from tests.signin.people import basic


@pytest.mark.parametrize("host", ["evil.example", "evil example", "localhost:notaport", "[", "%00"])
def test_a_foreign_host_header_gets_a_sentence(client: Client, host: str) -> None:
    response = client.get("/healthz", headers={"Host": host})

    assert response.status_code == 400
    assert "does not go by the name" in response.content.decode()


def test_a_fault_of_ours_shows_no_trace(
    client: Client, carol: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The handler is tried with a view that breaks; nothing of the reason may leave."""
    client.raise_request_exception = False

    def break_down(*_: object) -> None:
        raise RuntimeError("the secret reason")

    monkeypatch.setattr(views, "_text", break_down)
    response = client.get("/healthz", headers=basic(carol.username))

    text = response.content.decode()
    assert response.status_code == 500
    assert "Something went wrong on our side" in text
    assert "secret reason" not in text
    assert "Traceback" not in text


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/healthz", "/accounts/login/", "/certsrv/", "/nowhere"])
def test_every_answer_carries_the_policies(client: Client, address: str) -> None:
    answer = client.get(address)

    assert answer["Content-Security-Policy"] == headers.CONTENT_SECURITY_POLICY
    assert "unsafe-inline" not in answer["Content-Security-Policy"]
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert "Content-Length" in answer.headers


def test_a_site_without_a_ca_is_alive_but_not_ready(client: Client, db: None) -> None:
    assert client.get("/healthz").status_code == 200
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "manage.py setup" in response.content.decode()


@pytest.mark.django_db
def test_pages_are_never_compressed(client: Client) -> None:
    """Scripts ask for gzip and do not decode it (contract, rule 20)."""
    response = client.get("/accounts/login/", headers={"Accept-Encoding": "gzip, deflate"})

    assert "Content-Encoding" not in response.headers


@pytest.mark.usefixtures("carol")
def test_a_stand_alone_ca_opens_its_pages_and_nothing_else(
    client: Client, configure: Callable[..., None]
) -> None:
    configure(ca_type="standalone")

    assert client.get("/certsrv/").status_code == 200
    assert client.get("/accounts/password/").status_code == 401
    assert client.get("/admin/").status_code == 401
    assert client.get("/certsrv/", headers=basic("carol", "guess")).status_code == 401
