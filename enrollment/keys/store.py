"""One loaded signer per key and process."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from enrollment.keys import file
from enrollment.keys.errors import KeyFileMissing, KeyMismatch
from enrollment.keys.signer import matches

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

    from enrollment.keys.signer import Signer

_FILE_PREFIX: Final = "file:"

_signers: dict[tuple[Path, int, int], Signer] = {}
_lock = threading.Lock()


def open_signer(
    reference: str,
    *,
    directory: Path | None = None,
    passphrase: bytes | None = None,
    expected: CertificatePublicKeyTypes | None = None,
) -> Signer:
    """Open the signer that a CA's row refers to; the first call in a process loads it.

    A file that was replaced since is loaded anew.

    Args:
        reference: a path, with or without `file:` before it.
        directory: what a relative path starts from.
        passphrase: what the file is encrypted with, if it is.
        expected: the public key of the CA certificate; another private key is refused.

    Raises:
        KeyProblem: see `file.load`.
    """
    path = (directory or Path()) / reference.removeprefix(_FILE_PREFIX)
    try:
        state = path.stat()
    except FileNotFoundError:
        raise KeyFileMissing(f"There is no private key at {path}.") from None
    identity = (path, state.st_ino, state.st_mtime_ns)
    with _lock:
        signer = _signers.get(identity)
        if signer is None:
            signer = _signers[identity] = file.load(path, passphrase=passphrase)
    if expected is not None and not matches(signer, expected):
        raise KeyMismatch(f"The private key in {path} does not belong to the CA certificate.")
    return signer


def forget_signers() -> None:
    """Drop every loaded key, for tests and for a worker that is told to start afresh."""
    with _lock:
        _signers.clear()
