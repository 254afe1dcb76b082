"""The production server: worker processes around one application that was loaded once.

Source: ADR 0003 has the measurements that chose gunicorn.
"""

import contextlib
import gc
import os
import resource
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.db import connections
from django.template import engines
from django.urls import get_resolver
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from enrollment import conf, conf_clients
from enrollment.ca import lint
from enrollment.environment import Listener
from enrollment.services import client_authorities
from enrollment.services.site_certificate import SiteCertificate
from enrollment.serving import housekeeping, limited, log, sockets
from enrollment.serving.connections import ServerLog, SiteWorker, TLSListener
from enrollment.serving.tls import CertificateFiles

# Connections that a process reads from or writes to at once; they are made as they are needed.
THREADS = 256
# Bounds on the head of a request. Kerberos tickets of members of many groups need long lines.
LIMIT_REQUEST_LINE = 8190
LIMIT_REQUEST_FIELDS = 64
LIMIT_REQUEST_FIELD_SIZE = 16384
KEEP_ALIVE_SECONDS = 30
MOST_DESCRIPTORS = 8192
GRACE_SECONDS = 15


class ListenerTaken(Exception):
    """An address cannot be listened on; the text says which, why and what to do."""


@dataclass(frozen=True, slots=True)
class Listeners:
    """The sockets of the site, bound before anything else is done."""

    plain: socket.socket | None
    tls: socket.socket | None

    def all(self) -> list[socket.socket]:
        """Return those that are on."""
        return [one for one in (self.plain, self.tls) if one is not None]


def bind(settings: conf.Settings) -> Listeners:
    """Take the addresses of the settings.

    Raises:
        ListenerTaken: one of them is not to be had.
    """
    return Listeners(
        plain=_bind("CERTSRV_HTTP", settings.http), tls=_bind("CERTSRV_HTTPS", settings.https)
    )


def _bind(setting: str, at: Listener | None) -> socket.socket | None:
    if at is None:
        return None
    family = socket.AF_INET6 if ":" in at.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((at.host, at.port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise ListenerTaken(
            f"Cannot listen on {at}: {error.strerror}. Stop the program that uses it, "
            f"or choose another address with {setting}=ADDRESS:PORT."
        ) from error
    return listener


class Site(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """The application and gunicorn's settings for it."""

    def __init__(self, bound: Listeners, workers: int, ready: Callable[[], None]) -> None:
        self._bound = bound
        self._workers = workers
        self._ready = ready
        self._proxies = conf.current().clients.proxies
        super().__init__()

    def load_config(self) -> None:
        """Set what differs from gunicorn's defaults."""
        for name, value in self._settings().items():
            self.cfg.set(name, value)

    def load(self) -> Any:  # noqa: ANN401  # a WSGI callable
        """Import everything a request may need, before the fork, so that workers share it."""
        application = import_module("certsrv.wsgi").application
        # What is loaded on first use is loaded now: a fault in it stops the start, not a request.
        _ = get_resolver().url_patterns
        for engine in engines.all():
            _ = engine.engine.template_context_processors  # type: ignore[attr-defined]  # Django's own
        lint.load()
        connections.close_all()
        gc.collect()
        gc.freeze()
        return application

    def _settings(self) -> dict[str, Any]:
        return {
            "bind": [f"fd://{listener.detach()}" for listener in self._bound.all()],
            "workers": self._workers,
            "worker_class": SiteWorker,
            "threads": THREADS,
            "preload_app": True,
            "keepalive": KEEP_ALIVE_SECONDS,
            "graceful_timeout": GRACE_SECONDS,
            "limit_request_line": LIMIT_REQUEST_LINE,
            "limit_request_fields": LIMIT_REQUEST_FIELDS,
            "limit_request_field_size": LIMIT_REQUEST_FIELD_SIZE,
            # Lists of many megabytes go from the file to the wire; a TLS socket reads and encrypts
            # them piece by piece.
            "sendfile": True,
            # Only these may say that a client came over TLS; a proxy on this machine always may.
            "forwarded_allow_ips": ",".join(("127.0.0.1", "::1", *map(str, self._proxies))),
            # `Client_Cert` would become `Client-Cert` on its way into the application.
            "header_map": "drop",
            "forwarder_headers": "",
            "control_socket_disable": True,
            "worker_tmp_dir": "/dev/shm" if os.access("/dev/shm", os.W_OK) else None,  # noqa: S108  # gunicorn makes its own names in it
            "logger_class": ServerLog,
            "when_ready": lambda _arbiter: self._ready(),
            "pre_fork": _give_place,
            "child_exit": lambda _arbiter, worker: worker.shares.leave_place(worker.place),
            "post_worker_init": _begin,
        }


def _give_place(arbiter: Arbiter, worker: SiteWorker) -> None:
    worker.place = worker.shares.take_place({other.place for other in arbiter.WORKERS.values()})


def _begin(worker: SiteWorker) -> None:
    limited.counters.row = worker.place
    housekeeping.start()


class _GracefulArbiter(Arbiter):  # type: ignore[misc]  # gunicorn has no types
    """An interrupt from the terminal lets requests finish, as a stop by the system does.

    Whoever the site depends on is watched each time the workers are looked after.
    """

    watch: Callable[[], None]

    def manage_workers(self) -> None:
        """Look after the workers, and after the signer."""
        super().manage_workers()
        self.watch()

    def handle_int(self) -> None:
        """Stop as on SIGTERM."""
        self.handle_term()


def _clients(settings: conf.Settings) -> Callable[[], tuple[bytes, ...]] | None:
    """Return what tells whose certificates clients may show, where they may show any."""
    return client_authorities.trusted if conf_clients.CERTIFICATE in settings.sign_in else None


def _take_descriptors() -> None:
    """Raise the number of open files to what the system allows: each client is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


def serve(
    bound: Listeners,
    own: SiteCertificate | None,
    workers: int,
    ready: Callable[[], None],
    watch: Callable[[], None],
) -> None:
    """Serve until told to stop; returns by SystemExit, with gunicorn's status.

    Args:
        bound: the sockets to accept from.
        own: the TLS certificate of the site; needed when `bound.tls` is on.
        workers: processes.
        ready: called once, when connections are accepted.
        watch: called every second or so.
    """
    if bound.tls is not None and own is not None:
        files = CertificateFiles(own.certificate, own.key, _clients(conf.current()))
        SiteWorker.tls = TLSListener(bound.tls.getsockname(), files)
    log.catch_all()
    _take_descriptors()
    web = conf.current().web
    sockets.READ_SECONDS, sockets.WRITE_SECONDS = web.read_seconds, web.write_seconds
    # gunicorn reads its own environment variable for more; ours is the only one that counts.
    os.environ.pop("GUNICORN_CMD_ARGS", None)
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    arbiter = _GracefulArbiter(Site(bound, workers, ready))
    arbiter.watch = watch
    arbiter.run()
