"""Octets to a live site and back, without a client that would mend them."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.live import LiveSite

_SECONDS = 20


@dataclass(frozen=True)
class Answer:
    """What came back, until the server hung up or went quiet."""

    octets: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """The status; 0 for no answer at all."""
        return int(self.octets.split(b" ", 2)[1]) if self.octets else 0

    @property
    def text(self) -> str:
        """The body."""
        return self.octets.partition(b"\r\n\r\n")[2].decode()


def send(site: LiveSite, octets: bytes) -> Answer:
    """Send octets as they are; return all that comes back."""
    found = bytearray()
    with (
        socket.create_connection(("127.0.0.1", site.http_port), timeout=_SECONDS) as connection,
        contextlib.suppress(ConnectionError),
    ):
        connection.sendall(octets)
        while piece := connection.recv(65536):
            found += piece
    head = bytes(found).partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
    return Answer(bytes(found), dict(line.split(": ", 1) for line in head))


def ask(site: LiveSite, method: str, target: str, *lines: str, body: bytes | None = None) -> Answer:
    """Send one request of HTTP/1.1 with these header lines; the server closes after it."""
    head = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close", *lines]
    if body is not None:
        head.append(f"Content-Length: {len(body)}")
    text = "".join(f"{line}\r\n" for line in head)
    return send(site, text.encode("latin-1") + b"\r\n" + (body or b""))
