"""The place of an archive: it appears whole or not at all, readable by its owner alone."""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from enrollment.services.backup.errors import BackupFault, BackupRefused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedRandom
    from pathlib import Path

_DRAFT: Final = ".certsrv-backup-"
_OWNER_ONLY: Final = 0o600


@contextmanager
def drafted(target: Path, *, force: bool) -> Iterator[BufferedRandom]:
    """Give an empty file that takes the place of `target` when the block ends well.

    Raises:
        BackupRefused: `target` exists, and `force` was not said.
        BackupFault: it cannot be written there.
    """
    _refuse_to_replace(target, force=force)
    try:
        _clean(target.parent)
        draft = target.parent / f"{_DRAFT}{secrets.token_hex(8)}"
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _OWNER_ONLY)
    except OSError as error:
        raise BackupFault(f"{target} cannot be written: {error.strerror}.") from error
    try:
        with os.fdopen(descriptor, "w+b") as file:
            # Held while it grows: whoever cleans up sees that somebody is at work on it.
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
            file.flush()
            os.fsync(file.fileno())
            _put(draft, target, force=force)
    finally:
        draft.unlink(missing_ok=True)


def _refuse_to_replace(target: Path, *, force: bool) -> None:
    if target.is_dir():
        raise BackupRefused(f"{target} is a folder. Name a file in it.")
    if not force and (target.exists() or target.is_symlink()):
        raise BackupRefused(
            f"{target} exists, and one backup is never written over another. Choose a new name, "
            "or say --force."
        )


def _put(draft: Path, target: Path, *, force: bool) -> None:
    if not force:
        # A link refuses to replace what came meanwhile; some disks know none.
        with suppress(PermissionError, NotImplementedError):
            try:
                target.hardlink_to(draft)
            except FileExistsError:
                _refuse_to_replace(target, force=False)
            draft.unlink()
    if draft.exists():
        _refuse_to_replace(target, force=force)
        draft.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _clean(folder: Path) -> None:
    """Remove what a command that was killed has left there."""
    for draft in folder.glob(f"{_DRAFT}*"):
        with suppress(OSError), draft.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            draft.unlink()
