"""The database's set-up: SQLite beside the keys, or what DATABASE_URL names."""

from importlib.util import find_spec
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

_SQLITE = "django.db.backends.sqlite3"
_POSTGRESQL = "django.db.backends.postgresql"
_ENGINES = {"sqlite": _SQLITE, "postgres": _POSTGRESQL, "postgresql": _POSTGRESQL}

# A server that is gone is noticed within half a minute, and whoever waits for it told within ten
# seconds. Anything of these can be said otherwise behind the `?` of DATABASE_URL.
_PATIENCE = {
    "application_name": "certsrv",
    "connect_timeout": 10,
    "keepalives_idle": 20,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 30_000,
}


def configuration(url: str, home: Path) -> dict[str, object]:
    """Return the value of DATABASES["default"].

    Args:
        url: the setting DATABASE_URL; empty for SQLite in `home`.
        home: the folder of the site's data.

    Raises:
        ImproperlyConfigured: it names a database that this site does not know.
    """
    chosen = _read(url or f"sqlite:///{home / 'db.sqlite3'}")
    # Connections stay open: opening SQLite and its write-ahead log costs more than a query.
    chosen["CONN_MAX_AGE"] = None
    if chosen["ENGINE"] == _SQLITE:
        return chosen | _sqlite()
    if find_spec("psycopg") is None:
        raise ImproperlyConfigured(
            "DATABASE_URL names a PostgreSQL server, and the driver for it is not installed. "
            "Type: .venv/bin/pip install -r requirements-postgresql.txt"
        )
    given = chosen.get("OPTIONS")
    chosen["OPTIONS"] = _PATIENCE | (given if isinstance(given, dict) else {})
    # A connection that broke while it was idle is replaced before a request uses it.
    chosen["CONN_HEALTH_CHECKS"] = True
    return chosen


def _read(url: str) -> dict[str, object]:
    scheme = url.partition("://")[0]
    try:
        if scheme in _ENGINES:
            return dict(environ.Env.db_url_config(url)) | {"ENGINE": _ENGINES[scheme]}
        problem = f"begins with '{scheme[:20]}'."
    except ValueError:
        problem = "cannot be read: is the port a number, and @ : / in the password percent-encoded?"
    # The URL may hold a password: what it begins with is all that is told of it.
    raise ImproperlyConfigured(
        f"DATABASE_URL {problem} Write postgres://name:password@host:5432/name, or leave it empty "
        "for SQLite."
    )


def _sqlite() -> dict[str, object]:
    return {
        "ENGINE": "certsrv.sqlite",
        # Test tools know Django's own engine by its name, and ours not.
        "TEST": {"NAME": ":memory:"},
        "OPTIONS": {
            # Take the write lock at the start: a transaction never fails half-way for want of it.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            # FULL: a certificate that was handed out survives a power cut.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        },
    }
