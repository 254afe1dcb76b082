"""A plain and a TLS listener in one worker process.

Gunicorn's threaded worker knows one kind of listener per server. Here one worker serves both, so
they share memory, threads and database connections, and one process looks after all of them.
"""

import contextlib
import copy
import errno
import logging
import select
import signal
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from gunicorn import http
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.http.errors import ParseException
from gunicorn.workers.gthread import TConn, ThreadWorker

from enrollment.serving import sockets, unreadable
from enrollment.serving.applying import Applying
from enrollment.serving.balance import Shares
from enrollment.serving.sockets import PatientSocket
from enrollment.serving.tls import CertificateFiles
from enrollment.signin import problems

log = logging.getLogger(__name__)

# Requests that one process works on at once.
APPLICATION_THREADS = 8
# The system gives no more descriptors to this process, or to any.
_NO_ROOM = frozenset({errno.EMFILE, errno.ENFILE})
LINGER_SECONDS = 2.0
MOST_DRAINED = 64 * 1024
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


class _Connection(TConn):  # type: ignore[misc]  # gunicorn has no types
    """A connection whose end is waited for in its own thread.

    gunicorn waits in the loop that accepts connections, where whoever does not hang up, or goes on
    to send, would keep everybody waiting.
    """

    # gunicorn's, told to the type checker.
    sock: Any
    data_ready: bool

    def wait_for_data(self, timeout: float) -> bool:
        """Wait for the first octet; gunicorn's own way takes a descriptor for each that waits."""
        if not self.data_ready:
            waiting = select.poll()
            with contextlib.suppress(OSError, ValueError):
                waiting.register(self.sock, select.POLLIN)
                self.data_ready = bool(waiting.poll(timeout * 1000))
        return bool(self.data_ready)

    def linger(self) -> None:
        """Say that nothing more comes, and give the client a moment to have read all of it.

        Closed at once, octets that it still sends would destroy the answer on its way (RFC 9112
        section 9.6).
        """
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)
            self.sock.expect(LINGER_SECONDS)
            drained = 0
            while drained < MOST_DRAINED and (piece := self.sock.recv(4096)):
                drained += len(piece)

    def close(self, graceful: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  # gunicorn's own signature
        """Close once; an error would make gunicorn count the connection off a second time."""
        with contextlib.suppress(OSError):
            super().close()


class _TLSConnection(_Connection):
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
    initialized: bool

    def init(self) -> None:
        """Shake hands once, then make the parser of requests."""
        if self.initialized:
            return
        self.initialized = True
        self.sock = self._files.context().wrap_socket(
            self.sock, server_side=True, do_handshake_on_connect=False
        )
        # The time of a request begins with each: for the handshake, and for the first request.
        self.sock.setblocking(True)  # noqa: FBT003  # the socket's own signature
        self.sock.do_handshake()
        self.sock.setblocking(True)  # noqa: FBT003  # the socket's own signature
        self.parser = http.get_parser(self.cfg, self.sock, self.client)


class _Threads(ThreadPoolExecutor):
    """Threads that wait for clients."""

    def is_full(self) -> bool:
        """Tell whether connections wait for one."""
        return self._work_queue.qsize() > 0

    def _adjust_thread_count(self) -> None:
        """Start one more where it is needed; where the system gives none, those there are go on."""
        with contextlib.suppress(RuntimeError):
            super()._adjust_thread_count()


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
    wsgi: Any

    def get_thread_pool(self) -> ThreadPoolExecutor:
        """Return the threads that wait for clients; they hurry when they are too few."""
        threads = _Threads(self.cfg.threads, thread_name_prefix="client")
        sockets.Crowd.is_waiting = threads.is_full
        return threads

    def load_wsgi(self) -> None:
        """Let few threads run the application."""
        super().load_wsgi()
        self.wsgi = Applying(self.wsgi, APPLICATION_THREADS, settings.MOST_BODY)

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
            if error.errno in _NO_ROOM:
                # Whoever waits is taken when somebody else has gone.
                self._look_away()
            elif error.errno not in (errno.EAGAIN, errno.ECONNABORTED):
                raise
            return
        self.nr_conns += 1
        patient = PatientSocket(fileno=accepted.detach())
        server = listener.getsockname()
        if self.tls is not None and server == self.tls.address:
            connection = self.tls.connection(self.cfg, patient, client)
        else:
            connection = _Connection(self.cfg, patient, client, server)
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

    def handle(self, conn: _Connection) -> Any:  # noqa: ANN401  # gunicorn's own signature
        """Serve a request in a thread that waits for this client, to the very end."""
        kept = super().handle(conn)
        if not kept:
            conn.linger()
        return kept

    def _keepalive_after(self, conn: TConn, keepalive: bool) -> bool:  # noqa: FBT001  # gunicorn's own signature
        """Keep a connection for the next request, unless what is left of this one is broken.

        That is no error any more: an answer was given.
        """
        try:
            return bool(super()._keepalive_after(conn, keepalive))
        except ParseException:
            return False

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
