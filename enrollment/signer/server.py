"""The signer's socket: one thread for each connection.

It is for processes of our own user alone, or also for those of the one user that serves the site.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import resource
import select
import signal
import socket
import struct
import threading
from dataclasses import dataclass
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


class NoSuchUser(Exception):
    """The user that shall be served does not exist here."""


@dataclass(frozen=True, slots=True)
class Client:
    """The user, other than our own, whose processes may ask: the one that serves the site."""

    user: int
    group: int

    @classmethod
    def named(cls, name: str) -> Client:
        """Look the user up.

        Raises:
            NoSuchUser: there is none of this name.
        """
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            raise NoSuchUser(
                f"There is no user '{name}'. Write the name of the user that serves the site into "
                "CERTSRV_SIGNER_CLIENT, or leave it out when that is the signer's own."
            ) from None
        return cls(entry.pw_uid, entry.pw_gid)


class _Stop(Exception):
    """The operator or the site wants an end."""


def harden() -> None:
    """Keep other processes of our user out of our memory, and the memory out of core files.

    Source: prctl(2), PR_SET_DUMPABLE.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def listen(path: Path, client: Client | None = None) -> socket.socket:
    """Bind the socket in place of one that nobody answers at.

    Args:
        path: where.
        client: whose group may open it, too; otherwise our own user alone.

    Raises:
        SignerRunning: somebody does.
        OSError: it cannot be made there, or not be given to the group.
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
        if client is not None:
            os.chown(path, -1, client.group)
            path.chmod(0o660)
    except OSError:
        listener.close()
        raise
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


def serve(
    listener: socket.socket,
    desk: Desk,
    *,
    client: Client | None = None,
    until_closed: int | None = None,
) -> None:
    """Answer until told to stop.

    Args:
        listener: from `listen`.
        desk: answers.
        client: who may ask beside our own user.
        until_closed: the reading end of a pipe that the site holds open while it lives; the
            interrupts of its terminal are then the site's matter.
    """
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop if until_closed is None else signal.SIG_IGN)
    door = Door(desk, users_served(client), threading.BoundedSemaphore(_MOST_CONNECTIONS))
    watched = [listener.fileno(), *([] if until_closed is None else [until_closed])]
    with contextlib.suppress(_Stop):
        while True:
            ready, _, _ = select.select(watched, [], [])
            if until_closed in ready:
                return
            door.accept(listener)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise _Stop


def users_served(client: Client | None) -> frozenset[int]:
    """Return the user ids whose questions are answered."""
    return frozenset({os.geteuid()} if client is None else {os.geteuid(), client.user})


@dataclass(frozen=True, slots=True)
class Door:
    """Lets in whom it may, as many at once as there are places."""

    desk: Desk
    users: frozenset[int]
    places: threading.BoundedSemaphore

    def accept(self, listener: socket.socket) -> None:
        """Take one connection and talk to it in a thread, or close it."""
        connection, _ = listener.accept()
        asker, user = peer(connection)
        # The kernel's word, whatever the mode of the socket has become.
        if user not in self.users or not self.places.acquire(blocking=False):
            connection.close()
            return
        threading.Thread(target=self._converse, args=(connection, asker), daemon=True).start()

    def _converse(self, connection: socket.socket, asker: int) -> None:
        try:
            with connection:
                while (question := wire.receive(connection)) is not None:
                    wire.send(connection, *self.desk.answer(*question, asker))
        except (OSError, wire.BrokenFrame):
            return  # whoever asks has gone, or does not speak our language: nobody to tell
        finally:
            connections.close_all()
            self.places.release()


def peer(connection: socket.socket) -> tuple[int, int]:
    """Return process id and user id of the other side, as the kernel knows them (unix(7))."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    process, user, _group = _CREDENTIALS.unpack(raw)
    return process, user
