"""One loaded signer per key and process."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Final

from enrollment.keys import file
from enrollment.keys.errors import KeyFileMissing, KeyFileUnreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from pathlib import Path

    from enrollment.keys.signer import Signer


class _Kept:
    """The signers of this process, and the lock around opening one."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.signers: dict[Hashable, Signer] = {}

    def forked(self) -> None:
        """Take a new lock: a thread that is not in this process may hold the old one."""
        self.lock = threading.Lock()


_kept: Final = _Kept()
os.register_at_fork(after_in_child=_kept.forked)


def kept(identity: Hashable, load: Callable[[], Signer]) -> Signer:
    """Return the signer of this identity; the first call in a process loads it."""
    with _kept.lock:
        signer = _kept.signers.get(identity)
        if signer is None:
            signer = _kept.signers[identity] = load()
    return signer


def open_signer(path: Path, *, passphrase: Callable[[], bytes | None] | None = None) -> Signer:
    """Open a key in a file; the first call in a process loads it.

    A file that was replaced since is loaded anew.

    Args:
        path: where the key is.
        passphrase: gives what the file is encrypted with, if it is; called when it is loaded.

    Raises:
        KeyProblem: see `file.load`.
    """
    try:
        state = path.stat()
    except FileNotFoundError:
        raise KeyFileMissing(file.absent(path)) from None
    except OSError as error:
        raise KeyFileUnreadable(f"{path} cannot be opened: {error.strerror}.") from error
    return kept(
        (path, state.st_ino, state.st_mtime_ns),
        lambda: file.load(path, passphrase=passphrase() if passphrase else None),
    )


def forget_signers() -> None:
    """Drop every loaded key, for tests and for a worker that is told to start afresh."""
    with _kept.lock:
        _kept.signers.clear()
