"""Fetch an address as a relying party does: in bounded time, up to a bounded size.

Only `self_check` and the asking of an OpenID provider call this, with addresses of our own settings
or of the provider that they name: no request, and no certificate of anybody, decides whom this
machine talks to.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from contextlib import closing, suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from enrollment import __version__

if TYPE_CHECKING:
    from urllib.parse import SplitResult

SECONDS: Final = 10.0
# A list of a million entries has 37 MB.
MOST_OCTETS: Final = 64 * 1024 * 1024
MOST_REDIRECTS: Final = 3
_CHUNK: Final = 64 * 1024
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_OK: Final = 200


class Fault(Enum):
    """Why nothing came."""

    UNRESOLVED = "unresolved"
    REFUSED = "refused"
    TOO_SLOW = "too slow"
    TOO_LONG = "too long"
    STATUS = "status"
    REDIRECT = "redirect"
    TLS = "tls"
    BROKEN = "broken"


class NotFetched(Exception):
    """An address did not give what it should; `detail` is for people."""

    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Fetch:
    """What to fetch, and the bounds.

    Attributes:
        url: http or https.
        post: octets to send; without them it is a GET.
        media_type: of `post`.
        trusted: CA certificates in PEM that are trusted beside those of the system.
        seconds: for everything together: the name, the connection, redirects and all octets.
        most_octets: more is not read.
        redirects: how many are followed.
        authorization: the header by which we say who we are; empty for none.
    """

    url: str
    post: bytes | None = None
    media_type: str = ""
    trusted: str = ""
    seconds: float = SECONDS
    most_octets: int = MOST_OCTETS
    redirects: int = MOST_REDIRECTS
    authorization: str = field(default="", repr=False)


def fetch(wanted: Fetch) -> bytes:
    """Return the octets at an address.

    Settings of the environment for proxies are not used: a relying party's are its own.

    Raises:
        NotFetched: and why.
    """
    # A socket's timeout starts anew with every octet, and the look-up of a name has none at all:
    # only somebody beside can watch the whole.
    attempt = _Attempt(wanted)
    attempt.start()
    attempt.join(wanted.seconds)
    if attempt.is_alive():
        attempt.give_up()
        raise NotFetched(Fault.TOO_SLOW, f"no complete answer within {wanted.seconds:.0f} seconds")
    if attempt.fault is not None:
        raise attempt.fault
    return attempt.body


class _Attempt(threading.Thread):
    """One fetch, in a thread that can be left behind."""

    def __init__(self, wanted: Fetch) -> None:
        super().__init__(name="fetch", daemon=True)
        self._wanted = wanted
        self._socket: socket.socket | None = None
        self.body = b""
        self.fault: NotFetched | None = None

    def run(self) -> None:
        """Fetch; what goes wrong is kept for who waits."""
        try:
            self.body = self._follow(self._wanted.url)
        except NotFetched as fault:
            self.fault = fault
        except Exception as error:  # noqa: BLE001 - a thread has nobody to raise it to
            self.fault = _fault_of(error)

    def give_up(self) -> None:
        """Wake the thread where it waits, so that it ends."""
        waiting_on = self._socket
        if waiting_on is not None:
            with suppress(OSError):
                waiting_on.shutdown(socket.SHUT_RDWR)

    def _follow(self, url: str) -> bytes:
        for _ in range(self._wanted.redirects + 1):
            with closing(self._connection(url)) as connection:
                connection.connect()
                self._socket = connection.sock
                with closing(self._ask(connection, urlsplit(url))) as response:
                    if response.status not in _REDIRECTS or self._wanted.post is not None:
                        return self._read(response)
                    url = urljoin(url, response.getheader("Location", ""))
        raise NotFetched(Fault.REDIRECT, f"more than {self._wanted.redirects} redirects")

    def _connection(self, url: str) -> http.client.HTTPConnection:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise NotFetched(Fault.REDIRECT, f"a redirect to '{url[:200]}', which is not http")
        timeout = self._wanted.seconds
        if parts.scheme == "http":
            return http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
        context = ssl.create_default_context()
        if self._wanted.trusted:
            context.load_verify_locations(cadata=self._wanted.trusted)
        return http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=timeout, context=context
        )

    def _ask(
        self, connection: http.client.HTTPConnection, parts: SplitResult
    ) -> http.client.HTTPResponse:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"User-Agent": f"certsrv/{__version__}", "Accept": "*/*"}
        if self._wanted.authorization:
            headers["Authorization"] = self._wanted.authorization
        if self._wanted.post is None:
            connection.request("GET", target, headers=headers)
        else:
            headers["Content-Type"] = self._wanted.media_type
            connection.request("POST", target, body=self._wanted.post, headers=headers)
        return connection.getresponse()

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        if response.status != _OK:
            raise NotFetched(Fault.STATUS, f"status {response.status} instead of 200")
        body = bytearray()
        while chunk := response.read1(_CHUNK):
            body += chunk
            if len(body) > self._wanted.most_octets:
                raise NotFetched(Fault.TOO_LONG, f"more than {self._wanted.most_octets:,} octets")
        return bytes(body)


def _fault_of(error: Exception) -> NotFetched:
    if isinstance(error, socket.gaierror | UnicodeError):
        return NotFetched(Fault.UNRESOLVED, "its host has no address here")
    if isinstance(error, ConnectionRefusedError):
        return NotFetched(Fault.REFUSED, "the connection was refused")
    if isinstance(error, TimeoutError):
        return NotFetched(Fault.TOO_SLOW, "no answer in time")
    if isinstance(error, ssl.SSLError):
        return NotFetched(Fault.TLS, f"TLS failed: {error.reason or error}")
    if isinstance(error, OSError):
        return NotFetched(Fault.BROKEN, f"the connection failed: {error.strerror or error}")
    return NotFetched(Fault.BROKEN, f"what answered is no HTTP ({type(error).__name__})")
