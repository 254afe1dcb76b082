"""The asking side of the signer process: a `Signer` without a key.

A process that holds `RemoteSigner`s never opens a key file, knows no passphrase and no PIN.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from typing import TYPE_CHECKING, Final, cast

from cryptography.hazmat.primitives.serialization import load_der_public_key

from enrollment.keys import errors, kinds, wire
from enrollment.keys.errors import SignerRefused, SignerUnreachable
from enrollment.keys.signer import PublicHalf

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

# A signer that died is back after a second or two; a key on a slow token takes a second.
PATIENCE_SECONDS: Final = 10.0
_ANSWER_SECONDS: Final = 60.0
_PAUSE_SECONDS: Final = 0.1


class RemoteSigner(PublicHalf):
    """A private key that the signer process uses for us."""

    def __init__(self, path: Path, reference: str) -> None:
        """Ask for the public half.

        Raises:
            SignerUnreachable, SignerRefused: there is no signer, or it does not open this key.
        """
        self._path = path
        self._reference = reference
        spki = ask(path, {"verb": "public key", "reference": reference})
        super().__init__(cast("CertificatePublicKeyTypes", load_der_public_key(spki)))

    def __repr__(self) -> str:
        return f"<RemoteSigner {kinds.kind_of(self._public_key)} {self._reference!r}>"

    def sign(self, message: bytes) -> bytes:
        """Ask for a signature over `message`.

        Raises:
            SignerUnreachable: the signer does not answer, also not after a while.
            SignerRefused: it does not sign this.
        """
        return ask(self._path, {"verb": "sign", "reference": self._reference}, message)


def make(path: Path, kind: str, purpose: str) -> str:
    """Have a key made, and return its reference.

    Raises:
        SignerUnreachable, SignerRefused: it was not made.
    """
    return ask(path, {"verb": "make", "kind": kind, "purpose": purpose}).decode()


def ask(path: Path, head: wire.Head, content: bytes = b"") -> bytes:
    """Ask the signer once, waiting for it a while when it is being started again.

    Asking twice is harmless: the signer signs recorded contents only, however often.

    Raises:
        SignerUnreachable: it does not answer.
        SignerRefused: it refuses; the text is its sentence.
    """
    give_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            answer = _exchange(path, head, content)
        except (OSError, wire.BrokenFrame) as error:
            _connections.drop(path)
            if time.monotonic() > give_up:
                raise SignerUnreachable(
                    f"The signer does not answer at {path} ({error}); the key is there. Look "
                    "whether it runs (python manage.py signer), whether it serves this user "
                    "(CERTSRV_SIGNER_CLIENT), and into its log."
                ) from error
            time.sleep(_PAUSE_SECONDS)
            continue
        return _result(*answer)


def _exchange(path: Path, head: wire.Head, content: bytes) -> tuple[wire.Head, bytes]:
    connection = _connections.get(path)
    wire.send(connection, head, content)
    answer = wire.receive(connection)
    if answer is None:
        raise wire.BrokenFrame("it closed the connection")
    return answer


def _result(head: wire.Head, content: bytes) -> bytes:
    if "refused" not in head:
        return content
    kind = getattr(errors, str(head.get("problem")), SignerRefused)
    if not (isinstance(kind, type) and issubclass(kind, errors.KeyProblem)):
        kind = SignerRefused
    raise kind(str(head["refused"]))


class _Connections(threading.local):
    """One connection for each thread and signer; a forked process makes its own."""

    def __init__(self) -> None:
        self._open: dict[tuple[int, Path], socket.socket] = {}

    def get(self, path: Path) -> socket.socket:
        key = (os.getpid(), path)
        if key not in self._open:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(_ANSWER_SECONDS)
            try:
                connection.connect(str(path))
            except OSError:
                connection.close()
                raise
            self._open[key] = connection
        return self._open[key]

    def drop(self, path: Path) -> None:
        connection = self._open.pop((os.getpid(), path), None)
        if connection is not None:
            connection.close()


_connections: Final = _Connections()
