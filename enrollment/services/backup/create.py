"""Make a backup while the site runs: first the database, then the keys that it names."""

from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

import enrollment
from enrollment import conf
from enrollment.services import audit
from enrollment.services.backup import database, destination, envelope, facts, manifest
from enrollment.services.backup.manifest import KEYS, SECRET_KEY, TLS, Manifest, Member
from enrollment.services.backup.workspace import workspace

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from enrollment.services.backup.envelope import Seal

_CHUNK: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Made:
    """An archive that was made."""

    sha256: str
    size: int
    manifest: Manifest


def create(target: Path, seal: Seal, *, force: bool, actor: str, now: datetime) -> Made:
    """Write an encrypted archive of the site as it is now.

    That it was begun is told before anything is copied, so the keys never leave the house without
    a trace; that it was made, with the digest of the archive, is told at the end.

    Args:
        target: where the archive goes.
        seal: who shall be able to open it.
        force: whether it may replace a file.
        actor: who asked.
        now: timezone-aware UTC.

    Raises:
        BackupFault: it cannot be made; nothing is left behind.
        OSError: a disk does not take it.
    """
    seal.check()
    home = conf.current().home
    with workspace(home) as folder, destination.drafted(target, force=force) as file:
        told: dict[str, Any] = {"file": target.name, "keys": list(seal.recipients)}
        audit.record("backup begun", actor=actor, at=now, passphrase=bool(seal.passphrase), **told)
        with database.copied(folder) as (copy, alias):
            about = _pack(file, seal, copy, alias, now)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        made = Made(digest, file.tell(), about)
    audit.record(
        "backup made",
        actor=actor,
        at=now,
        sha256=made.sha256,
        size=made.size,
        reaches=about.facts.audit_id,
        **told,
    )
    return made


def _pack(file: IO[bytes], seal: Seal, copy: Path, alias: str, now: datetime) -> Manifest:
    settings = conf.current()
    # After the database: every key that it names is there by now.
    held = _contents(settings.home)
    about = Manifest(
        made_at=now,
        hostname=settings.hostname,
        software=enrollment.__version__,
        facts=facts.read(alias),
        authorities=facts.authorities(alias),
        keys=facts.keys(alias, held),
        settings=conf.shown(),
        members=(_measured(copy), *(_member(name, held[name]) for name in sorted(held))),
    )

    def write(tar: tarfile.TarFile) -> None:
        head = about.to_json()
        _add(tar, manifest.NAME, io.BytesIO(head), len(head), now)
        with copy.open("rb") as rows:
            _add(tar, copy.name, rows, about.database.size, now)
        for name in sorted(held):
            _add(tar, name, io.BytesIO(held[name]), len(held[name]), now)

    envelope.seal(file, seal, write)
    return about


def _contents(home: Path) -> dict[str, bytes]:
    """Return what lies in the home beside the database, by name."""
    places = [home / SECRET_KEY, *(home / KEYS).glob("*"), *(home / TLS).glob("*")]
    found: dict[str, bytes] = {}
    for place in places:
        name = place.relative_to(home).as_posix()
        if place.is_file() and manifest.is_legal(name):
            found[name] = place.read_bytes()
    return found


def _measured(copy: Path) -> Member:
    with copy.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Member(copy.name, file.tell(), digest)


def _member(name: str, content: bytes) -> Member:
    return Member(name, len(content), hashlib.sha256(content).hexdigest())


def _add(tar: tarfile.TarFile, name: str, source: IO[bytes], size: int, now: datetime) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, 0o600, int(now.timestamp())
    tar.addfile(entry, source)
