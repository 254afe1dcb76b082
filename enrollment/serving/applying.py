"""Many threads wait for clients, few run the application: a slow client keeps nobody from it.

A connection has a thread of the server while it sends a request and while it takes the answer. In
between, and only then, one of few threads of the application works for it; only these hold a
connection to the database. The body is read before.
"""

import io
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from errno import ECONNRESET
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Applying:
    """A WSGI application that runs in a few threads of its own."""

    def __init__(self, inner: "WSGIApplication", threads: int, most_octets: int) -> None:
        """Take the application, how many requests it works on at once, and the longest body.

        A body that is longer is left where it is; the application refuses it by its length.
        """
        self._inner = inner
        self._most_octets = most_octets
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="application")

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Read the body, then wait for a thread of the application and its answer.

        Raises:
            ConnectionResetError: the client hung up, or took too long.
        """
        length = environ.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and 0 < int(length) <= self._most_octets:
            body = _read(environ["wsgi.input"].read, int(length))
            environ["wsgi.input"] = io.BytesIO(body)
        return self._pool.submit(self._inner, environ, start_response).result()


def _read(read: Callable[[int], Any], length: int) -> bytes:
    body = bytearray()
    while len(body) < length:
        piece = read(length - len(body))
        if not piece:
            raise ConnectionResetError(ECONNRESET, "the client hung up")
        body += piece
    return bytes(body)
