"""What no view answered for is told apart: the database is away, or cannot hold what was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import DataError, InterfaceError, OperationalError

from enrollment.keys import KeyFileMissing
from enrollment.services import authority
from enrollment.serving import views

if TYPE_CHECKING:
    from django.test import Client

    from enrollment.models import Authority


def break_down(monkeypatch: pytest.MonkeyPatch, client: Client, error: Exception) -> None:
    """Let a view fail with `error`, and see what a visitor sees."""
    client.raise_request_exception = False

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(views, "_text", fail)


@pytest.mark.parametrize(
    "error", [OperationalError("the connection is closed"), InterfaceError("closed")], ids=str
)
def test_a_database_that_is_away_is_no_fault_of_ours(
    client: Client, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    break_down(monkeypatch, client, error)

    response = client.get("/healthz")

    assert response.status_code == 503
    assert "cannot reach its database" in response.content.decode()
    assert str(error) not in response.content.decode()


def test_what_no_database_can_hold_is_a_fault_of_who_sent_it(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL's word for a NUL in a text, or a number beyond all numbers."""
    break_down(monkeypatch, client, DataError("text fields cannot contain NUL (0x00) bytes"))

    response = client.get("/healthz")

    assert response.status_code == 400
    assert "could not be read" in response.content.decode()


@pytest.mark.usefixtures("site")
def test_a_node_without_the_key_of_the_ca_is_not_ready(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would take requests in and sign none; a balancer asks another node."""
    assert client.get("/readyz").status_code == 200

    def lost(_row: Authority) -> None:
        raise KeyFileMissing("There is no private key at /srv/keys/ca.pem.")

    monkeypatch.setattr(authority, "signer_of", lost)

    response = client.get("/readyz")
    assert response.status_code == 503
    assert "/srv" not in response.content.decode()
