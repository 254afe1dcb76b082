"""Open an archive and let it prove itself: every octet, every event, every key."""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, cast

from cryptography.hazmat.primitives.serialization import load_der_public_key

from enrollment import keys
from enrollment.models import SigningRecord
from enrollment.services import audit, keyring
from enrollment.services.backup import database, envelope, facts, manifest, postgresql
from enrollment.services.backup.errors import ArchiveUnreadable, BackupFault, NotWhole
from enrollment.services.backup.workspace import make_sure_of_room, workspace

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

    from enrollment.services.backup.envelope import Opener
    from enrollment.services.backup.manifest import Facts, KeyOfCA, Manifest, Member

_CHUNK: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `passed` is None for what could not be looked at here."""

    name: str
    passed: bool | None
    sentence: str


def unpack(path: Path, opener: Opener, folder: Path) -> Manifest:
    """Decrypt an archive into `folder` and measure every member.

    Raises:
        ArchiveUnreadable: it does not open, or holds something else than its manifest says.
        BackupFault: there is no room for it.
    """
    with envelope.opened(path, opener) as tar:
        head = tar.next()
        source = tar.extractfile(head) if head is not None and head.name == manifest.NAME else None
        if source is None:
            raise ArchiveUnreadable("The archive does not begin with its manifest.")
        about = manifest.parse(source.read(manifest.LONGEST))
        make_sure_of_room(folder, sum(each.size for each in about.members))
        for wanted in about.members:
            _extract(tar, wanted, folder)
        if tar.next() is not None:
            raise ArchiveUnreadable("The archive holds more than its manifest says.")
    return about


def _extract(tar: tarfile.TarFile, wanted: Member, folder: Path) -> None:
    entry = tar.next()
    source = tar.extractfile(entry) if entry is not None and entry.isreg() else None
    if entry is None or source is None or (entry.name, entry.size) != (wanted.name, wanted.size):
        raise ArchiveUnreadable(f"The archive lacks {wanted.name}, or holds another one.")
    place = folder / wanted.name
    place.parent.mkdir(mode=0o700, exist_ok=True)
    measure = hashlib.sha256()
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        while block := source.read(_CHUNK):
            measure.update(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    if measure.hexdigest() != wanted.sha256:
        raise ArchiveUnreadable(f"{wanted.name} in the archive is not what its manifest says.")


def check(about: Manifest, folder: Path, opener: Opener) -> list[Finding]:
    """Look at everything in an unpacked archive."""
    if any(each.is_encrypted for each in about.keys):
        keyring.remember(opener.key_passphrase())
    keys_found = [_key(each, folder) for each in about.keys]
    path = folder / about.database.name
    if path.name == manifest.POSTGRESQL:
        return [_dump(path), *keys_found]
    try:
        database.check(path)
    except NotWhole as error:
        return [Finding("Database", passed=False, sentence=str(error)), *keys_found]
    whole = Finding("Database", passed=True, sentence="Every page is whole.")
    with database.opened(path) as alias:
        return [whole, *rows(alias, about), *keys_found]


def _dump(path: Path) -> Finding:
    try:
        postgresql.check(path)
    except NotWhole as error:
        return Finding("Database", passed=False, sentence=str(error))
    except BackupFault as error:
        return Finding("Database", passed=None, sentence=str(error))
    return Finding(
        "Database",
        passed=True,
        sentence="The dump is whole; its rows are checked when it is restored.",
    )


def rows(alias: str, about: Manifest) -> list[Finding]:
    """Check the rows of a database against what a manifest says of them."""
    return [_trail(alias, about.facts), _numbers(alias, about), *_unfinished(alias)]


def _trail(alias: str, said: Facts) -> Finding:
    verdict = audit.verify(alias)
    passed = verdict.is_whole and verdict.last_hash == said.audit_hash
    if passed:
        sentence = f"{verdict.events:,} events, all in their chain, up to event {said.audit_id:,}."
    elif verdict.is_whole:
        sentence = "It does not end where the manifest says."
    else:
        sentence = f"Event {verdict.broken_at} does not fit the one before it."
    return Finding("Audit trail", passed=passed, sentence=sentence)


def _numbers(alias: str, about: Manifest) -> Finding:
    found = facts.read(alias)
    held = tuple((each.index, each.thumbprint) for each in facts.authorities(alias))
    said = tuple((each.index, each.thumbprint) for each in about.authorities)
    agrees = (found, held) == (about.facts, said)
    sentence = (
        f"CRL {found.crl_number:,}, request {found.request_id:,}, newest serial number "
        f"{found.serial_number or 'none'}"
    )
    return Finding(
        "Numbers",
        passed=agrees,
        sentence=f"{sentence}." if agrees else f"{sentence}: not what the manifest says.",
    )


def _unfinished(alias: str) -> Iterator[Finding]:
    waiting = SigningRecord.objects.using(alias).filter(state=SigningRecord.State.COMMITTED)
    numbers = [str(number) for number in waiting.values_list("request_id", flat=True)[:20]]
    if numbers:
        sentence = f"Requests {', '.join(numbers)} wait to be signed; the next start does it."
        yield Finding("Unfinished requests", passed=True, sentence=sentence)


def _key(about: KeyOfCA, folder: Path) -> Finding:
    """Open a key of the CA and hold it against its public half."""
    name = f"Key of {about.owner}"
    if not about.is_inside:
        sentence = (
            f"{about.reference} is on a token and in no archive: keep the token, or its own backup."
            if about.place == manifest.ON_TOKEN
            else f"{about.reference} was not in the home, so it is not in the archive."
        )
        return Finding(name, passed=None, sentence=sentence)
    ring = replace(keyring.ring(), home=folder, socket=None)
    public_key = load_der_public_key(base64.b64decode(about.public_key))
    try:
        ring.open(about.reference, expected=cast("CertificatePublicKeyTypes", public_key))
    except keys.KeyProblem as error:
        return Finding(name, passed=False, sentence=_without(folder, str(error)))
    guard = "encrypted" if about.is_encrypted else "not encrypted of itself"
    return Finding(
        name, passed=True, sentence=f"{about.reference} opens and belongs to it; {guard}."
    )


def _without(folder: Path, text: str) -> str:
    """Leave the path of the workspace out of a sentence: it is gone when somebody reads it."""
    return text.replace(f"{folder}/", "")


def verify(path: Path, opener: Opener, home: Path) -> tuple[Manifest, list[Finding]]:
    """Open an archive, look at all of it, and leave nothing unencrypted behind.

    Args:
        path: the archive.
        opener: what opens it.
        home: where it may lie unencrypted meanwhile.

    Raises:
        ArchiveUnreadable: it does not open, or is not what its manifest says.
        BackupFault: there is no room for it.
    """
    with workspace(home) as folder:
        about = unpack(path, opener, folder)
        return about, check(about, folder, opener)
