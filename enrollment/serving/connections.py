"""A plain and a TLS listener in one worker process.

Gunicorn's threaded worker knows one kind of listener per server. Here one worker serves both, so
they share memory, threads and database connections, and one process looks after all of them.
"""

import contextlib
import copy
import errno
import logging
import signal
import ssl
import threading
import time
from dataclasses import dataclass
from typing import Any

from gunicorn import http
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import TConn, ThreadWorker

from enrollment.serving import unreadable
from enrollment.serving.balance import Shares
from enrollment.serving.sockets import READ_SECONDS, PatientSocket
from enrollment.serving.tls import CertificateFiles
from enrollment.signin import problems

log = logging.getLogger(__name__)

# Long enough for another process to be woken and to take it, short enough to go unnoticed.
LOOK_AWAY_SECONDS = 0.003


class _SecureConfig(Config):  # type: ignore[misc]  # gunicorn has no types
    """The same settings, for requests that came over TLS: the parser names their scheme by it."""

    is_ssl = True


class ServerLog(Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's log, by our handlers and in our form."""

    def setup(self, cfg: Config) -> None:
        """Take no handler of its own: `serving.log` has one for it."""
        self.cfg = cfg
        self._access_log_enabled = False


@dataclass(frozen=True, slots=True)
class TLSListener:
    """Which of the listeners speaks TLS, and as whom."""

    address: tuple[Any, ...]
    files: CertificateFiles

    def connection(self, cfg: Config, accepted: PatientSocket, client: Any) -> TConn:  # noqa: ANN401  # an address of any family
        """Return a connection that shakes hands before it reads a request."""
        secure = copy.copy(cfg)
        secure.__class__ = _SecureConfig
        return _TLSConnection(secure, accepted, client, self.address, self.files)


class _TLSConnection(TConn):  # type: ignore[misc]  # gunicorn has no types
    """A connection of the TLS listener: the handshake is done in the request's own thread."""

    def __init__(
        self,
        cfg: Config,
        accepted: PatientSocket,
        client: Any,  # noqa: ANN401  # an address of any family
        server: tuple[Any, ...],
        files: CertificateFiles,
    ) -> None:
        super().__init__(cfg, accepted, client, server)
        self._files = files

    # gunicorn's, told to the type checker.
    sock: Any
    initialized: bool

    def init(self) -> None:
        """Shake hands once, then make the parser of requests."""
        if self.initialized:
            return
        self.initialized = True
        self.sock.settimeout(READ_SECONDS)
        self.sock = self._files.context().wrap_socket(self.sock, server_side=True)
        self.sock.setblocking(True)  # noqa: FBT003  # the socket's own signature
        self.parser = http.get_parser(self.cfg, self.sock, self.client)

    def close(self, graceful: bool = False) -> None:  # noqa: FBT001, FBT002  # gunicorn's own signature
        """Close once; a handshake that failed has closed the socket already.

        An error here would make gunicorn count the connection off a second time.
        """
        with contextlib.suppress(OSError):
            super().close(graceful)


class SiteWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """One process, two listeners."""

    # Set before the workers are forked.
    tls: TLSListener | None = None
    shares = Shares()
    place = 0

    _looked_away = False
    _looks_away_until = 0.0
    # gunicorn's, told to the type checker.
    nr_conns: int

    def accept(self, listener: Any) -> None:  # noqa: ANN401  # gunicorn's own socket class
        """Take a connection, or leave it to a worker that holds fewer."""
        if not self._looked_away and self.shares.somebody_holds_fewer(self.nr_conns):
            self._look_away()
            return
        self._looked_away = False
        self._take(listener)
        self.shares.tell(self.place, self.nr_conns)

    def _take(self, listener: Any) -> None:  # noqa: ANN401  # gunicorn's own socket class
        try:
            accepted, client = listener.accept()
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ECONNABORTED):
                raise
            return
        self.nr_conns += 1
        patient = PatientSocket(fileno=accepted.detach())
        server = listener.getsockname()
        if self.tls is not None and server == self.tls.address:
            connection = self.tls.connection(self.cfg, patient, client)
        else:
            connection = TConn(self.cfg, patient, client, server)
        patient.setblocking(True)  # noqa: FBT003  # the socket's own signature
        self.enqueue_req(connection)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Any) -> None:  # noqa: ANN401  # gunicorn's own signature
        """Answer what could not be read, or what our own application left unanswered."""
        del req
        found = unreadable.answer(exc)
        if found is not None:
            unreadable.note(exc, addr)
        elif not isinstance(exc, ssl.SSLError):
            log.error("a request was not answered", exc_info=exc)
            reason = "Internal Server Error"
            found = unreadable.written(500, reason, problems.plain_page(reason, "", ""))
        if found is not None:
            with contextlib.suppress(OSError):
                client.setblocking(False)  # noqa: FBT003  # the socket's own signature
                client.send(found)

    def _look_away(self) -> None:
        # Not a nap: connections that are open are served meanwhile.
        self._looked_away = True
        self._looks_away_until = time.monotonic() + LOOK_AWAY_SECONDS
        self.set_accept_enabled(False)  # gunicorn's own signature
        look = threading.Timer(LOOK_AWAY_SECONDS, self.method_queue.defer, [lambda: None])
        look.daemon = True
        look.start()

    def set_accept_enabled(self, enabled: bool) -> None:  # noqa: FBT001  # gunicorn's own signature
        """Look at the listeners or away from them; gunicorn asks for it in each round."""
        if not enabled or time.monotonic() >= self._looks_away_until:
            super().set_accept_enabled(enabled)

    def notify(self) -> None:
        """Say in each round of the loop that this worker lives, and what it holds."""
        super().notify()
        self.shares.tell(self.place, self.nr_conns)

    def init_signals(self) -> None:
        """Finish what was begun also on the terminal's interrupt, which all processes get."""
        super().init_signals()
        signal.signal(signal.SIGINT, self.handle_exit)
