"""Put a backup into an empty home, or in the place of what is there, which is never deleted."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from django.db import connection
from django.db.migrations.loader import MigrationLoader

from enrollment import conf, keys
from enrollment.services import occupancy
from enrollment.services.backup import database, inspect, manifest, postgresql, reconcile
from enrollment.services.backup.errors import BackupRefused, NotWhole
from enrollment.services.backup.manifest import KEYS, TLS
from enrollment.services.backup.workspace import FOLDER, workspace

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.services.backup.envelope import Opener
    from enrollment.services.backup.manifest import Manifest

_STAYS: Final = (FOLDER, occupancy.LOCK_NAME, "locks")
_BESIDE: Final = ("", "-wal", "-shm")
_LOGS: Final = ("audit.log*", "signer.log*")
_PUBLISHED: Final = "published"


@dataclass(frozen=True, slots=True)
class PutBack:
    """A backup whose files are in place; `aside` is where the old ones went."""

    about: Manifest
    findings: list[inspect.Finding]
    archive: dict[str, str]
    aside: Path | None

    @property
    def old_logs(self) -> tuple[Path, ...]:
        """The logs of the site that was there: they know what the backup does not."""
        if self.aside is None:
            return ()
        return tuple(path for name in _LOGS for path in sorted(self.aside.glob(name)))

    @property
    def old_lists(self) -> tuple[Path, ...]:
        """What the site that was there had published."""
        places = [conf.current().published]
        if self.aside is not None:
            places.append(self.aside / _PUBLISHED)
        return tuple(folder for folder in places if folder.is_dir())

    def other_settings(self) -> list[str]:
        """Return the settings that are set otherwise here than where the backup was made."""
        then, here = self.about.settings, conf.shown()
        return [
            f"{name}: {then.get(name, 'not set')} then, {here.get(name, 'not set')} now"
            for name in sorted(then.keys() | here.keys())
            if then.get(name) != here.get(name) and name != "CERTSRV_HOME"
        ]


def put_back(path: Path, opener: Opener, *, replace_old: bool, now: datetime) -> PutBack:
    """Open an archive, let it prove itself, and put its files into the home.

    The caller holds `occupancy.empty`. The home is marked as unfinished until `reconcile` has moved
    the numbers ahead.

    Args:
        path: the archive.
        opener: what opens it.
        replace_old: move what is there aside, instead of refusing.
        now: timezone-aware UTC.

    Raises:
        BackupRefused: there is a site already, or the archive is of another kind of database.
        NotWhole: the archive opens, but something in it is wrong; the home is as it was.
        BackupFault: it cannot be opened or read.
    """
    home = conf.current().home
    with workspace(home) as folder:
        about = inspect.unpack(path, opener, folder)
        _refuse_misfit(about)
        if connection.vendor == "postgresql":
            postgresql.refuse_others()
        if not replace_old:
            _refuse_to_replace(home)
        findings = inspect.check(about, folder, opener)
        wrong = [each.sentence for each in findings if each.passed is False]
        if wrong:
            raise NotWhole(f"The backup is not restored: {' '.join(wrong)}")
        connection.close()
        aside = _put_aside(home, now) if replace_old else None
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        archive = {"sha256": digest, "audit_hash": about.facts.audit_hash}
        reconcile.write_mark(archive)
        _place(about, folder, home)
    # A key that was opened to be tried was opened elsewhere.
    keys.forget_signers()
    return PutBack(about, findings, archive, aside)


def _refuse_misfit(about: Manifest) -> None:
    wanted = database.member_name()
    if about.database.name != wanted:
        names = {manifest.SQLITE: "SQLite", manifest.POSTGRESQL: "PostgreSQL"}
        raise BackupRefused(
            f"The backup is of {names[about.database.name]}, and DATABASE_URL names "
            f"{names[wanted]} here. Set DATABASE_URL as it was."
        )
    loader = MigrationLoader(None, ignore_no_migrations=True)
    known = {f"{app}.{name}" for app, name in loader.disk_migrations}
    later = sorted(set(about.facts.migrations) - known)
    if later:
        raise BackupRefused(
            f"The backup was made by version {about.software}, which knows {later[-1]}; this "
            "version does not. Install that version or a later one."
        )


def _refuse_to_replace(home: Path) -> None:
    there = [path.name for path in _files_of_database() if path.exists()]
    there += [KEYS for _ in (home / KEYS).glob("*")][:1]
    if connection.vendor == "postgresql" and not postgresql.is_empty():
        there.append("tables in the database")
    if there:
        raise BackupRefused(
            f"There is a site in {home} already ({', '.join(there)}). Choose an empty folder with "
            "--home, or say --replace: what is there is then moved aside, not deleted."
        )


def _files_of_database() -> list[Path]:
    if connection.vendor != "sqlite":
        return []
    return [Path(f"{database.file()}{suffix}") for suffix in _BESIDE]


def _put_aside(home: Path, now: datetime) -> Path:
    """Move everything in the home, and its database, into a folder in it."""
    name = f"replaced-{now:%Y%m%d-%H%M%S}"
    aside = home / name
    aside.mkdir(mode=0o700)
    if connection.vendor == "postgresql":
        postgresql.put_aside(name.replace("-", "_"))
    for file in _files_of_database():
        if file.exists() and file.parent != home:
            file.rename(file.with_name(f"{file.name}.{name}"))
    for entry in sorted(home.iterdir()):
        if entry.name not in _STAYS and not entry.name.startswith("replaced-"):
            entry.rename(aside / entry.name)
    return aside


def _place(about: Manifest, folder: Path, home: Path) -> None:
    """Move the files in, the database last: without it there is no site to start."""
    for member in about.members:
        if member == about.database:
            continue
        place = home / member.name
        if member.name.startswith((KEYS, TLS)):
            place.parent.mkdir(mode=0o700, exist_ok=True)
        (folder / member.name).replace(place)
    copy = folder / about.database.name
    if connection.vendor == "postgresql":
        postgresql.put_back(copy)
        connection.close()
    else:
        database.move(copy, database.file())
    _sync(home)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
