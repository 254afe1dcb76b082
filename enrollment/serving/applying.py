"""Many threads wait for clients, few run the application: a slow client keeps nobody from it.

A connection has a thread of the server while it sends a request and while it takes the answer. In
between, and only then, one of few threads of the application works for it; only these hold a
connection to the database. The body is read before. A table that is made while it is sent is made
by the waiting thread: its connection to the database ends with it.
"""

import io
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from errno import ECONNRESET
from typing import TYPE_CHECKING, Any

from django.db import connections
from django.http import StreamingHttpResponse

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
        answer = self._pool.submit(self._inner, environ, start_response).result()
        return _Made(answer) if isinstance(answer, StreamingHttpResponse) else answer


class _Made:
    """An answer that is made while it is sent."""

    def __init__(self, answer: StreamingHttpResponse) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._answer)

    def close(self) -> None:
        """Leave nothing open in a thread that may wait for clients for days."""
        try:
            self._answer.close()
        finally:
            connections.close_all()


def _read(read: Callable[[int], Any], length: int) -> bytes:
    body = bytearray()
    while len(body) < length:
        piece = read(length - len(body))
        if not piece:
            raise ConnectionResetError(ECONNRESET, "the client hung up")
        body += piece
    return bytes(body)
