"""One loaded signer per key and process."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from enrollment.keys import file
from enrollment.keys.errors import KeyFileMissing, KeyMismatch
from enrollment.keys.signer import matches

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

    from enrollment.keys.signer import Signer

_FILE_PREFIX: Final = "file:"


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


def open_signer(
    reference: str,
    *,
    directory: Path | None = None,
    passphrase: Callable[[], bytes | None] | None = None,
    expected: CertificatePublicKeyTypes | None = None,
) -> Signer:
    """Open a key in a file; the first call in a process loads it.

    A file that was replaced since is loaded anew.

    Args:
        reference: a path, with or without `file:` before it.
        directory: what a relative path starts from.
        passphrase: gives what the file is encrypted with, if it is; called when it is loaded.
        expected: the public key of the CA certificate; another private key is refused.

    Raises:
        KeyProblem: see `file.load`.
    """
    path = (directory or Path()) / reference.removeprefix(_FILE_PREFIX)
    try:
        state = path.stat()
    except FileNotFoundError:
        raise KeyFileMissing(f"There is no private key at {path}.") from None
    signer = kept(
        (path, state.st_ino, state.st_mtime_ns),
        lambda: file.load(path, passphrase=passphrase() if passphrase else None),
    )
    if expected is not None and not matches(signer, expected):
        raise KeyMismatch(f"The private key in {path} does not belong to the CA certificate.")
    return signer


def forget_signers() -> None:
    """Drop every loaded key, for tests and for a worker that is told to start afresh."""
    with _kept.lock:
        _kept.signers.clear()
