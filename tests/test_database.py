"""DATABASE_URL: SQLite without it, PostgreSQL with patience, anything else a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from certsrv import database

HOME = Path("/srv/certsrv")


def options(url: str) -> Any:
    return database.configuration(url, HOME)["OPTIONS"]


def test_without_a_url_the_data_are_beside_the_keys() -> None:
    chosen = database.configuration("", HOME)

    assert chosen["ENGINE"] == "certsrv.sqlite"
    assert chosen["NAME"] == "/srv/certsrv/db.sqlite3"


def test_a_server_that_is_gone_is_noticed_soon() -> None:
    assert options("postgres://c:p@db/certsrv")["connect_timeout"] == 10
    assert options("postgres://c:p@db/certsrv")["tcp_user_timeout"] == 30_000


def test_what_the_url_says_goes_before_what_we_think() -> None:
    chosen = options("postgres://c:p@db/certsrv?connect_timeout=3&sslmode=verify-full")

    assert int(chosen["connect_timeout"]) == 3
    assert chosen["sslmode"] == "verify-full"


def test_a_connection_that_broke_while_idle_is_replaced() -> None:
    assert database.configuration("postgres://c:p@db/certsrv", HOME)["CONN_HEALTH_CHECKS"]


@pytest.mark.parametrize(
    "url",
    [
        "mysql://root:secret@db/x",
        "sqlserver://root:secret@db/x",
        "db.example.com:5432",
        "postgres://root:secret@db:port/x",
        "postgres://root:secret/@db/x",
    ],
)
def test_a_database_we_do_not_know_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="Write postgres://") as refusal:
        database.configuration(url, HOME)

    assert "secret" not in str(refusal.value)


def test_a_missing_driver_is_named_with_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "find_spec", lambda _name: None)

    with pytest.raises(ImproperlyConfigured, match=r"pip install -r requirements-postgresql\.txt"):
        database.configuration("postgres://c:p@db/certsrv", HOME)
