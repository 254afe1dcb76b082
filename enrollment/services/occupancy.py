"""Who is at work in a home: the site that serves, or a restore that must not be disturbed.

A lock of the kernel tells: it is freed when the last process that holds it has ended, however it
went. Workers inherit it; programs that are started do not.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK_NAME: Final = "site.lock"
UNFINISHED_NAME: Final = "restore-unfinished"


class HomeTaken(Exception):
    """Somebody else is at work in the home."""


class SiteRunning(HomeTaken):
    """The site or its signer runs, or a backup is being restored."""


class RestoreUnfinished(HomeTaken):
    """A restore was begun and not ended."""


@contextmanager
def occupied(home: Path) -> Iterator[None]:
    """Say that this process, and those it forks, work with the numbers of `home`.

    Raises:
        SiteRunning: a restore works there.
        RestoreUnfinished: one was begun and not ended: its numbers may not be used yet.
    """
    descriptor = _open(home)
    try:
        if not _lock(descriptor, fcntl.LOCK_SH):
            raise SiteRunning(f"A backup is being restored in {home}. Wait until that has ended.")
        if (home / UNFINISHED_NAME).exists():
            raise RestoreUnfinished(
                f"A restore in {home} was not finished; its numbers may have been used before. "
                "Run: python manage.py backup reconcile"
            )
        yield
    finally:
        os.close(descriptor)


@contextmanager
def empty(home: Path) -> Iterator[None]:
    """Keep the site from starting in `home` while the block runs.

    Raises:
        SiteRunning: it runs there.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = _open(home)
    try:
        if not _lock(descriptor, fcntl.LOCK_EX):
            raise SiteRunning(f"The site or its signer runs in {home}. Stop it first.")
        yield
    finally:
        os.close(descriptor)


def _open(home: Path) -> int:
    return os.open(home / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _lock(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
