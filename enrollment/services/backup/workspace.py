"""A folder in the home for copies that are not encrypted yet, or not any more.

It is emptied after each use, and before: a command that was killed cannot do it itself.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from enrollment.services.backup.errors import BackupFault, WorkInProgress

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER: Final = "backup-work"
_LOCK: Final = "lock"
_ROOM: Final = 1.1


@contextmanager
def workspace(home: Path) -> Iterator[Path]:
    """Give an empty folder, readable by its owner alone, for as long as the block runs.

    Raises:
        WorkInProgress: another command has it.
    """
    folder = home / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    lock = os.open(folder / _LOCK, flags, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WorkInProgress(
                f"Another command works on a backup in {home}. Wait until it has ended."
            ) from None
        _empty(folder)
        try:
            yield folder
        finally:
            _empty(folder)
    finally:
        os.close(lock)


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != _LOCK:
            entry.unlink()


def make_sure_of_room(folder: Path, size: int) -> None:
    """Say now that a disk is too full.

    Raises:
        BackupFault: with what is free and what is wanted.
    """
    free = shutil.disk_usage(folder).free
    if free < size * _ROOM:
        raise BackupFault(
            f"{folder} has {free // 2**20:,} MiB free, and the copy of the database takes "
            f"{int(size * _ROOM) // 2**20 + 1:,} MiB for a while. Make room there."
        )
