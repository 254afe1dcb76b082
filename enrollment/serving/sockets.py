"""Sockets that wait, but not for ever: a client that sends a byte a minute is let go."""

import errno
import socket
import ssl
import time
from typing import Any

# From the first byte of a request, or of a handshake, to the last one of its body.
READ_SECONDS = 30.0
# One `sendall`: a revocation list of many megabytes over a thin line.
WRITE_SECONDS = 600.0


class _Patient:
    """A socket that blocks, but not for ever."""

    _read_until = 0.0

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001  # the socket's own signature
        """Start the time a request may take; gunicorn calls this at the start of each."""
        self._read_until = time.monotonic() + READ_SECONDS
        self.settimeout(WRITE_SECONDS if flag else 0.0)  # type: ignore[attr-defined]  # the socket's

    def recv(self, *args: Any) -> bytes:  # noqa: ANN401  # the socket's own signature
        """Read what is there; a client that took too long has hung up, as far as we care."""
        remaining = self._read_until - time.monotonic()
        if self.gettimeout() == 0.0:  # type: ignore[attr-defined]  # the socket's
            return super().recv(*args)  # type: ignore[misc,no-any-return]  # the socket's
        if remaining <= 0:
            raise ConnectionResetError(errno.ECONNRESET, "the request took too long")
        self.settimeout(remaining)  # type: ignore[attr-defined]  # the socket's
        try:
            return super().recv(*args)  # type: ignore[misc,no-any-return]  # the socket's
        except TimeoutError as error:
            raise ConnectionResetError(errno.ECONNRESET, "the request took too long") from error
        finally:
            self.settimeout(WRITE_SECONDS)  # type: ignore[attr-defined]  # the socket's


class PatientSocket(_Patient, socket.socket):
    """A plain connection."""


class PatientTLSSocket(_Patient, ssl.SSLSocket):
    """A TLS connection."""
