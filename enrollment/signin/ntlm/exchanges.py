"""Which challenge was given on which connection; each is good for one answer, and for seconds.

The key is the connection itself, not an address that the next one may have: what is remembered goes
when the connection does.
"""

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

LIFETIME_SECONDS: Final = 30.0
# More than a process holds connections; a bound all the same.
CAPACITY: Final = 2048


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was said until now.

    Attributes:
        negotiate: the client's message, as it came.
        challenge: ours, as it went.
        nonce: the server challenge in it.
        timestamp: the time in it, as its octets.
        began_at: by a clock that never goes back.
    """

    negotiate: bytes
    challenge: bytes
    nonce: bytes
    timestamp: bytes
    began_at: float


class Exchanges:
    """The exchanges of this process that wait for their last message."""

    def __init__(self, clock: Callable[[], float], capacity: int = CAPACITY) -> None:
        self._clock = clock
        self._capacity = capacity
        self._open: WeakKeyDictionary[socket.socket, Exchange] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def begin(self, connection: socket.socket, exchange: Exchange) -> None:
        """Note the only exchange of a connection; where there are too many, the oldest goes."""
        with self._lock:
            self._open.pop(connection, None)
            while len(self._open) >= self._capacity:
                del self._open[next(iter(self._open.keys()))]
            self._open[connection] = exchange

    def take(self, connection: socket.socket) -> Exchange | None:
        """Return the exchange of a connection, once."""
        with self._lock:
            found = self._open.pop(connection, None)
        if found is None or self._clock() - found.began_at > LIFETIME_SECONDS:
            return None
        return found

    def __len__(self) -> int:
        return len(self._open)
