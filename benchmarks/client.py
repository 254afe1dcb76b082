"""A load client that costs little: raw sockets, kept alive, one process for each connection."""

from __future__ import annotations

import multiprocessing
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from benchmarks.site import AUTHORIZATION

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.synchronize import Barrier

_HEAD: Final = (
    "{method} {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: Mozilla/5.0\r\n"
    "Authorization: Basic {authorization}\r\n"
)
_PATIENCE_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it; times in seconds, sorted."""

    seconds: float
    times: tuple[float, ...]
    wrong: int

    @property
    def per_second(self) -> float:
        """Right answers per second."""
        return (len(self.times) - self.wrong) / self.seconds

    def share(self, of_all: float) -> float:
        """The time that this share of the answers stayed below, in milliseconds."""
        return self.times[min(len(self.times) - 1, int(len(self.times) * of_all))] * 1e3


def get(path: str) -> bytes:
    """Write a GET."""
    return (_head("GET", path) + "\r\n").encode()


def post(path: str, fields: dict[str, str]) -> bytes:
    """Write a form as a program would."""
    body = urlencode(fields).encode()
    head = _head("POST", path) + (
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _head(method: str, path: str) -> str:
    return _HEAD.format(method=method, path=path, authorization=AUTHORIZATION)


class Connection:
    """One kept-alive connection."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = bytearray()

    def ask(self, message: bytes, *, body: bool = True) -> bytes:
        """Send a request and return the whole answer, head and body; no body after HEAD."""
        self._socket.sendall(message)
        while (end := self._rest.find(b"\r\n\r\n")) < 0:
            self._receive()
        head = self._rest[:end].lower()
        at = head.index(b"content-length:") + len(b"content-length:")
        whole = end + 4 + (int(head[at:].split(b"\r\n", 1)[0]) if body else 0)
        while len(self._rest) < whole:
            self._receive()
        answer = bytes(self._rest[:whole])
        del self._rest[:whole]
        return answer

    def _receive(self) -> None:
        received = self._socket.recv(1 << 16)
        if not received:
            raise ConnectionError("the server closed the connection")
        self._rest += received


def run(
    port: int, messages: Sequence[bytes], wanted: bytes, *, seconds: float, connections: int = 8
) -> Load:
    """Send `messages` in turns over several connections; right is one with `wanted` in it."""
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(connections)
    with context.Pool(connections, _remember, (barrier,)) as pool:
        parts = pool.starmap(
            _work,
            [(port, messages[index::connections], wanted, seconds) for index in range(connections)],
            chunksize=1,
        )
    times = sorted(item for part, _ in parts for item in part)
    return Load(seconds, tuple(times), sum(wrong for _, wrong in parts))


_barrier: Barrier | None = None


def _remember(barrier: Barrier) -> None:
    global _barrier  # noqa: PLW0603 - the one way to hand a barrier to a pool
    _barrier = barrier


def _work(
    port: int, messages: Sequence[bytes], wanted: bytes, seconds: float
) -> tuple[list[float], int]:
    connection = Connection(port)
    connection.ask(messages[0])
    assert _barrier is not None  # noqa: S101 - `_remember` ran
    _barrier.wait()
    times, wrong, index = [], 0, 0
    begin = now = time.perf_counter()
    while now - begin < seconds:
        index += 1
        answer = connection.ask(messages[index % len(messages)])
        wrong += wanted not in answer
        before, now = now, time.perf_counter()
        times.append(now - before)
    return times, wrong
