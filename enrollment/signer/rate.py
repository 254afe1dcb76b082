"""How often a key may be used: a bucket that fills evenly and is emptied by use."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_MINUTE: Final = 60.0


class Rate:
    """At most `per_minute` uses a minute, and no more than that at once."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._left = float(per_minute)
        self._seen = clock()
        self._lock = threading.Lock()

    def spend(self) -> bool:
        """Take one use; False when none is left."""
        with self._lock:
            now = self._clock()
            gained = (now - self._seen) * self._per_minute / _MINUTE
            self._left = min(self._left + gained, float(self._per_minute))
            self._seen = now
            if self._left < 1:
                return False
            self._left -= 1
            return True
