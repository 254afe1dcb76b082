"""PostgreSQL's own tools: a dump of one snapshot, read and put back by the programs beside it.

Names and passwords go to the programs by their environment, never by their command line, which
everybody on the machine can read.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from django.db import connection, transaction

from enrollment.services.backup.errors import BackupFault, BackupRefused, NotWhole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SCHEMA: Final = "public"
_VARIABLES: Final = {
    "NAME": "PGDATABASE",
    "USER": "PGUSER",
    "PASSWORD": "PGPASSWORD",
    "HOST": "PGHOST",
    "PORT": "PGPORT",
}
# What a URL may say after its question mark, as the programs read it (libpq-envars).
_OPTIONS: Final = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "passfile": "PGPASSFILE",
    "service": "PGSERVICE",
    "options": "PGOPTIONS",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "channel_binding": "PGCHANNELBINDING",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
}


@contextmanager
def dumped(path: Path) -> Iterator[None]:
    """Dump the database into `path`; inside the block the connection reads the very same moment.

    Raises:
        BackupFault: pg_dump is not there or does not do it.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        snapshot = cursor.fetchone()[0]
        _run(
            "pg_dump",
            *("--format=custom", f"--schema={_SCHEMA}", f"--snapshot={snapshot}"),
            *("--no-owner", "--no-privileges", "--no-password", f"--file={path}"),
        )
        path.chmod(0o600)
        yield


def check(path: Path) -> None:
    """Read a dump from its first to its last octet.

    Raises:
        NotWhole: it is damaged.
        BackupFault: pg_restore is not there.
    """
    try:
        _run("pg_restore", f"--file={os.devnull}", str(path))
    except BackupRefused as error:
        raise NotWhole(f"The database in the archive is damaged. {error}") from error


def is_empty() -> bool:
    """Whether the database that the settings name holds no table yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = %s", [_SCHEMA])
        return bool(cursor.fetchone()[0] == 0)


def refuse_others() -> None:
    """Refuse while anybody else is connected: another machine of the site may be at work.

    Raises:
        BackupRefused: somebody is.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND backend_type = 'client backend'"
        )
        others = cursor.fetchone()[0]
    if others:
        raise BackupRefused(
            f"{others} other connections use the database. Stop every machine of the site first."
        )


def put_aside(name: str) -> None:
    """Give the tables that are there another schema; nothing is deleted."""
    quoted = connection.ops.quote_name(name)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"ALTER SCHEMA {_SCHEMA} RENAME TO {quoted}")
        cursor.execute(f"CREATE SCHEMA {_SCHEMA}")


def put_back(path: Path) -> None:
    """Load a dump into the empty database, as a whole or not at all.

    Raises:
        BackupFault: pg_restore is not there or does not do it.
    """
    _run(
        "pg_restore",
        *("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"),
        *("--no-password", f"--schema={_SCHEMA}", f"--dbname={connection.settings_dict['NAME']}"),
        str(path),
    )


def _run(program: str, *arguments: str) -> None:
    found = shutil.which(program)
    if found is None:
        raise BackupFault(
            f"{program} is not installed here; a database in PostgreSQL is copied by it. Install "
            "the client programs of PostgreSQL (Debian: postgresql-client)."
        )
    done = subprocess.run(  # noqa: S603 - our own arguments, no shell
        [found, *arguments],
        env={**os.environ, **_environment()},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = " ".join(done.stderr.split())[:500]
        raise BackupRefused(f"{program} ended with {done.returncode}: {said}")


def _environment() -> dict[str, str]:
    settings = connection.settings_dict
    named = {variable: str(settings.get(key) or "") for key, variable in _VARIABLES.items()}
    options = settings.get("OPTIONS", {})
    named |= {_OPTIONS[key]: str(value) for key, value in options.items() if key in _OPTIONS}
    return {variable: value for variable, value in named.items() if value}
