"""What the signer process and those who ask it say to each other: one frame each way.

A frame is four octets of length, a JSON object of that length, and as many octets of content as
its member `content` says. Every length has a bound that is checked before anything is read.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import socket

MAXIMUM_HEAD: Final = 4096
# A list of a million entries has some 40 MB.
MAXIMUM_CONTENT: Final = 256 * 1024 * 1024
_LENGTH: Final = struct.Struct(">I")

Head = dict[str, Any]


class BrokenFrame(Exception):
    """What came is no frame, or ended in its middle."""


def send(connection: socket.socket, head: Head, content: bytes = b"") -> None:
    """Send one frame."""
    encoded = json.dumps(head | {"content": len(content)}).encode()
    connection.sendall(_LENGTH.pack(len(encoded)) + encoded)
    if content:
        connection.sendall(content)


def receive(connection: socket.socket) -> tuple[Head, bytes] | None:
    """Return the next frame, or None when the other side has closed between two frames.

    Raises:
        BrokenFrame: it is too long, is not JSON, or ended early.
    """
    first = connection.recv(_LENGTH.size)
    if not first:
        return None
    prefix = first + _exactly(connection, _LENGTH.size - len(first))
    (length,) = _LENGTH.unpack(prefix)
    if not 0 < length <= MAXIMUM_HEAD:
        raise BrokenFrame(f"A head of {length} octets is not read.")
    try:
        head = json.loads(_exactly(connection, length))
    except ValueError as error:
        raise BrokenFrame("The head is no JSON.") from error
    size = head.get("content") if isinstance(head, dict) else None
    if not isinstance(size, int) or not 0 <= size <= MAXIMUM_CONTENT:
        raise BrokenFrame(f"The head does not say how much follows, at most {MAXIMUM_CONTENT}.")
    return head, _exactly(connection, size)


def _exactly(connection: socket.socket, count: int) -> bytes:
    """Read without believing the length: memory grows with what came, not with what was said."""
    parts = bytearray()
    while len(parts) < count:
        part = connection.recv(min(count - len(parts), 1024 * 1024))
        if not part:
            raise BrokenFrame("The other side closed in the middle of a frame.")
        parts += part
    return bytes(parts)
