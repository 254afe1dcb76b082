"""The signer's socket: one thread for each connection, for processes of our own user alone."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import select
import signal
import socket
import struct
import threading
from typing import TYPE_CHECKING, Final

from django.db import connections

from enrollment.keys import wire

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

    from enrollment.signer.desk import Desk

_CREDENTIALS: Final = struct.Struct("3i")
_MOST_CONNECTIONS: Final = 1024
_PR_SET_DUMPABLE: Final = 4


class SignerRunning(Exception):
    """Another signer answers at the socket."""


class _Stop(Exception):
    """The operator or the site wants an end."""


def harden() -> None:
    """Keep other processes of our user out of our memory, and the memory out of core files.

    Source: prctl(2), PR_SET_DUMPABLE.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def listen(path: Path) -> socket.socket:
    """Bind the socket, mode 0600, in place of one that nobody answers at.

    Raises:
        SignerRunning: somebody does.
        OSError: it cannot be made there.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    if answers(path):
        listener.close()
        raise SignerRunning(f"A signer answers at {path} already; stop it first.")
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    listener.listen(128)
    return listener


def answers(path: Path) -> bool:
    """Whether somebody accepts connections at a socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


def serve(listener: socket.socket, desk: Desk, until_closed: int | None = None) -> None:
    """Answer until told to stop.

    Args:
        listener: from `listen`.
        desk: answers.
        until_closed: the reading end of a pipe that the site holds open while it lives; the
            interrupts of its terminal are then the site's matter.
    """
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop if until_closed is None else signal.SIG_IGN)
    places = threading.BoundedSemaphore(_MOST_CONNECTIONS)
    watched = [listener.fileno(), *([] if until_closed is None else [until_closed])]
    with contextlib.suppress(_Stop):
        while True:
            ready, _, _ = select.select(watched, [], [])
            if until_closed in ready:
                return
            accept(listener, desk, places)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise _Stop


def accept(listener: socket.socket, desk: Desk, places: threading.BoundedSemaphore) -> None:
    """Take one connection and talk to it in a thread, or close it."""
    connection, _ = listener.accept()
    asker, user = peer(connection)
    if user != os.geteuid() or not places.acquire(blocking=False):
        connection.close()
        return
    threading.Thread(target=_converse, args=(connection, desk, asker, places), daemon=True).start()


def peer(connection: socket.socket) -> tuple[int, int]:
    """Return process id and user id of the other side, as the kernel knows them (unix(7))."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    process, user, _group = _CREDENTIALS.unpack(raw)
    return process, user


def _converse(
    connection: socket.socket, desk: Desk, asker: int, places: threading.BoundedSemaphore
) -> None:
    try:
        with connection:
            while (question := wire.receive(connection)) is not None:
                wire.send(connection, *desk.answer(*question, asker))
    except (OSError, wire.BrokenFrame):
        return  # whoever asks has gone, or does not speak our language: there is nobody to tell
    finally:
        connections.close_all()
        places.release()
