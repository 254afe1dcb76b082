"""How often something may happen, for each of very many, in memory that all workers share.

A library for such limits keeps a dictionary in each process: it allows each worker the whole rate,
and grows with whoever comes. This one is a table of fixed size, made before the fork (ADR 0029).

What is kept of each is one moment: when its allowance will be whole again. Whoever used all of it
has a moment that lies a whole period ahead. (This is known as the generic cell rate algorithm.)
"""

import hashlib
import mmap
import secrets
import struct
import threading
import time
from collections.abc import Callable
from typing import Final

from enrollment.conf_web import Rate

# 16 octets each. Whoever has the oldest moment of eight makes room: its allowance is whole, or the
# nearest to it.
SLOTS: Final = 64 * 1024
_WAYS: Final = 8
_SLOT: Final = struct.Struct("<Qd")
_SET: Final = struct.Struct("<" + "Qd" * _WAYS)
_NUMBER: Final = 8


class Allowances:
    """A bounded map from a key to the moment at which its allowance is whole again.

    Nothing is locked. Two workers that write the same slot at the same moment lose one of two
    counts, and nothing else.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, slots: int = SLOTS) -> None:
        self._clock = clock
        self._sets = slots // _WAYS
        self._memory = mmap.mmap(-1, self._sets * _SET.size)
        # Nobody outside can choose keys that fall together.
        self._secret = secrets.token_bytes(16)

    def wait(self, key: str, rate: Rate) -> float:
        """Return the seconds until `key` may go on; 0 for now."""
        _, ahead = self._look(key, rate)
        return max(0.0, ahead - rate.seconds + rate.seconds / rate.count)

    def charge(self, key: str, rate: Rate) -> None:
        """Take one from what `key` may."""
        place, ahead = self._look(key, rate)
        self._keep(place, ahead + rate.seconds / rate.count)

    def pay_back(self, key: str, rate: Rate, count: int) -> None:
        """Return some to what `key` may, but never more than the whole."""
        place, ahead = self._look(key, rate)
        if ahead > 0.0:
            self._keep(place, ahead - count * rate.seconds / rate.count)

    def forget_all(self) -> None:
        """Begin anew: everybody's allowance is whole."""
        self._memory[:] = bytes(len(self._memory))

    def _look(self, key: str, rate: Rate) -> tuple[tuple[int, int], float]:
        """Find the slot of a key, and how many seconds its moment lies ahead.

        A moment that cannot be, after a change of the settings, counts as all used.
        """
        octets = key.encode("utf-8", "replace")
        digest = hashlib.blake2b(octets, digest_size=8, key=self._secret).digest()
        tag = int.from_bytes(digest, "little") or 1
        start = (tag % self._sets) * _SET.size
        found = _SET.unpack_from(self._memory, start)
        tags, moments = found[::2], found[1::2]
        if tag not in tags:
            oldest = moments.index(min(moments))
            return (start + oldest * _SLOT.size, tag), 0.0
        number = tags.index(tag)
        ahead = min(moments[number] - self._clock(), rate.seconds)
        return (start + number * _SLOT.size, tag), max(0.0, ahead)

    def _keep(self, place: tuple[int, int], ahead: float) -> None:
        at, tag = place
        _SLOT.pack_into(self._memory, at, tag, self._clock() + ahead)


class Counters:
    """Numbers that every worker adds to, each in a row of its own, and anybody can read."""

    def __init__(self, names: tuple[str, ...], rows: int) -> None:
        self._names = names
        self._memory = mmap.mmap(-1, rows * len(names) * _NUMBER)
        self._numbers = memoryview(self._memory).cast("Q")
        self._lock = threading.Lock()
        self.row = 0

    def add(self, name: str) -> None:
        """Count one in the row of this process."""
        at = self.row * len(self._names) + self._names.index(name)
        with self._lock:
            self._numbers[at] += 1

    def read(self) -> dict[str, int]:
        """Return the sums of all rows."""
        width = len(self._names)
        return {name: sum(self._numbers[at::width]) for at, name in enumerate(self._names)}
