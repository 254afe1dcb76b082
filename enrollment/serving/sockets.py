"""Sockets that wait, but not for ever: a client that sends a byte a minute is let go."""

import contextlib
import errno
import os
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any, TypeVar

# From the first byte of a request, or of a handshake, to the last one of its body. Set from the
# settings before the workers are forked, as is the next.
READ_SECONDS = 30.0
# One answer: a revocation list of many megabytes over a thin line. Who needs longer for the rest
# asks for that part.
WRITE_SECONDS = 600.0
# While others wait for a thread, one request, or one answer, may take no longer than this.
HURRIED_READ_SECONDS = 3.0
HURRIED_WRITE_SECONDS = 20.0
# How long to wait for a byte before looking up.
_LOOK_UP_SECONDS = 1.0
# What `sendfile` sends before it looks at the clock again.
_PIECE = 64 * 1024


Result = TypeVar("Result")


class Crowd:
    """Tells whether connections wait for a thread; the worker knows."""

    is_waiting: Callable[[], bool] = staticmethod(lambda: False)


class _Patient:
    """A socket that blocks, but not for ever."""

    _began = 0.0
    _read_until = 0.0
    _write_until: float | None = None

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001  # the socket's own signature
        """Start the time a request may take; gunicorn calls this at the start of each."""
        self._began = time.monotonic()
        self._read_until = self._began + READ_SECONDS
        self._write_until = None
        self.settimeout(WRITE_SECONDS if flag else 0.0)  # type: ignore[attr-defined]  # the socket's

    def expect(self, seconds: float) -> None:
        """Read no longer than this from now on."""
        self._read_until = time.monotonic() + seconds

    def recv(self, *args: Any) -> bytes:  # noqa: ANN401  # the socket's own signature
        """Read what is there; a client that took too long has hung up, as far as we care."""
        if self.gettimeout() == 0.0:  # type: ignore[attr-defined]  # the socket's
            return super().recv(*args)  # type: ignore[misc,no-any-return]  # the socket's
        return self._patiently(lambda: super(_Patient, self).recv(*args))  # type: ignore[misc,no-any-return]  # the socket's

    def _patiently(self, act: Callable[[], Result]) -> Result:
        """Do what waits for the client, again and again until it is done or took too long.

        What has come so far is kept; the next try goes on with it.
        """
        try:
            while True:
                self.settimeout(self._patience())  # type: ignore[attr-defined]  # the socket's
                with contextlib.suppress(TimeoutError):
                    return act()
        finally:
            self.settimeout(WRITE_SECONDS)  # type: ignore[attr-defined]  # the socket's

    def _patience(self) -> float:
        """Return how long to wait for the next byte."""
        now = time.monotonic()
        is_late = now >= self._read_until
        if is_late or (now - self._began > HURRIED_READ_SECONDS and Crowd.is_waiting()):
            raise ConnectionResetError(errno.ECONNRESET, "the request took too long")
        return min(self._read_until - now, _LOOK_UP_SECONDS)

    def sendall(self, *args: Any) -> None:  # noqa: ANN401  # the socket's own signature
        """Send, within the time of the whole answer: many small pieces do not prolong it."""
        self._mind_the_time()
        super().sendall(*args)  # type: ignore[misc]  # the socket's

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:  # noqa: ANN401  # any open file
        """Send a file without reading it, within the time of the whole answer."""
        size = os.fstat(file.fileno()).st_size - offset if count is None else count
        sent = 0
        while sent < size:
            self._mind_the_time()
            piece = min(_PIECE, size - sent)
            done = super().sendfile(file, offset + sent, piece)  # type: ignore[misc]  # the socket's
            sent += done
            if done < piece:
                break
        return sent

    def _mind_the_time(self) -> None:
        if self.gettimeout() == 0.0:  # type: ignore[attr-defined]  # the socket's
            return
        now = time.monotonic()
        if self._write_until is None:
            self._began = now
            self._write_until = now + WRITE_SECONDS
        is_hurried = now - self._began > HURRIED_WRITE_SECONDS and Crowd.is_waiting()
        if self._write_until <= now or is_hurried:
            raise ConnectionResetError(errno.ECONNRESET, "the answer took too long")
        self.settimeout(self._write_until - now)  # type: ignore[attr-defined]  # the socket's


class PatientSocket(_Patient, socket.socket):
    """A plain connection."""


class PatientTLSSocket(_Patient, ssl.SSLSocket):
    """A TLS connection."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002  # the socket's own signature
        """Shake hands within the time of a request, and as hurried: it holds a thread as well."""
        self._patiently(lambda: super(PatientTLSSocket, self).do_handshake(block))
