"""What failed a moment ago is not tried again at the next stranger's wish."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Hashable

PAUSE_SECONDS: Final = 60.0


class Pause:
    """Remembers, in this process and for a while, which work failed and why.

    Lists and OCSP answers are asked for by anybody, as often as they like, and a signer that is
    down costs ten seconds a try.
    """

    def __init__(self, seconds: float = PAUSE_SECONDS) -> None:
        self._seconds = seconds
        self._faults: dict[Hashable, tuple[float, Exception]] = {}
        self._lock = threading.Lock()

    def fault(self, work: Hashable) -> Exception | None:
        """Return what `work` failed with a short while ago."""
        with self._lock:
            until, fault = self._faults.get(work, (0.0, None))
            if fault is not None and until <= time.monotonic():
                del self._faults[work]
                return None
            return fault

    def begin(self, work: Hashable, fault: Exception) -> None:
        """Let `work` rest, for `fault`."""
        with self._lock:
            self._faults[work] = (time.monotonic() + self._seconds, fault)

    def end_all(self) -> None:
        """Forget every failure: somebody who acts by hand wants to know how it is now."""
        with self._lock:
            self._faults.clear()
