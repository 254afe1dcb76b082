"""A copy of the database at one moment, made while others write, and read as a database again."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from django.db import connection, connections

from enrollment.services.backup import manifest, postgresql
from enrollment.services.backup.errors import NotWhole
from enrollment.services.backup.workspace import make_sure_of_room

if TYPE_CHECKING:
    from collections.abc import Iterator

_ALIAS: Final = "copy"


def member_name() -> str:
    """Return what the copy of this site's database is called in an archive."""
    return manifest.SQLITE if connection.vendor == "sqlite" else manifest.POSTGRESQL


def file() -> Path:
    """Return where SQLite keeps this site's database."""
    return Path(str(connection.settings_dict["NAME"]))


@contextmanager
def copied(folder: Path) -> Iterator[tuple[Path, str]]:
    """Copy the database into `folder`; give the file, and the alias by which its rows are read.

    Raises:
        BackupFault: it cannot be copied.
    """
    path = folder / member_name()
    if connection.vendor != "sqlite":
        with postgresql.dumped(path):
            yield path, "default"
        return
    make_sure_of_room(folder, file().stat().st_size)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    connection.ensure_connection()
    with closing(sqlite3.connect(path)) as target:
        # One step is one read transaction: writers go on, and none of what they write is in it.
        connection.connection.backup(target)
        # One file, with nothing beside it.
        target.execute("PRAGMA journal_mode=DELETE")
    with opened(path) as alias:
        yield path, alias


@contextmanager
def opened(path: Path) -> Iterator[str]:
    """Give the alias by which the rows of an SQLite file are read."""
    connections.settings[_ALIAS] = {
        **connections.settings["default"],
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": f"file:{path}?mode=ro",
        "OPTIONS": {"uri": True},
    }
    try:
        yield _ALIAS
    finally:
        connections[_ALIAS].close()
        del connections[_ALIAS]
        del connections.settings[_ALIAS]


def check(path: Path) -> None:
    """Read every page of an SQLite file.

    Raises:
        NotWhole: it is damaged.
    """
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            found = database.execute("PRAGMA integrity_check(3)").fetchall()
            strangers = database.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.DatabaseError as error:
        raise NotWhole(f"The database in the archive cannot be read: {error}.") from error
    if found != [("ok",)]:
        raise NotWhole(f"The database in the archive is damaged: {found[0][0]}.")
    if strangers is not None:
        raise NotWhole(f"The database in the archive has a row of {strangers[0]} that hangs free.")


def move(copy: Path, place: Path) -> None:
    """Put a copy where the site looks for it; across disks, by way of a draft beside the place."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = place.with_name(f"{place.name}.new")
    shutil.move(copy, draft)
    draft.chmod(0o600)
    draft.replace(place)
