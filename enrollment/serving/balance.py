"""Which worker takes the next connection: the one that holds the fewest.

The kernel wakes every worker for a new connection, and whoever is quickest takes it. A burst of
connections that stay open can so end in one process while the others idle. The workers therefore
tell each other how many they hold, in memory they share; who holds more looks away for a moment.
"""

import mmap

MOST_WORKERS = 64
_NOBODY = 255


class Shares:
    """How many connections each worker holds: one byte each, made before the fork.

    Above 254 the number is not exact; by then the load spreads itself.
    """

    def __init__(self) -> None:
        self._counts = mmap.mmap(-1, MOST_WORKERS)
        self._counts.write(bytes([_NOBODY]) * MOST_WORKERS)

    def take_place(self, taken: set[int]) -> int:
        """Return a place of its own for a new worker; `taken` are those of living ones."""
        place = next(number for number in range(MOST_WORKERS) if number not in taken)
        self.tell(place, 0)
        return place

    def leave_place(self, place: int) -> None:
        """Forget a worker that is gone."""
        self._counts[place] = _NOBODY

    def tell(self, place: int, connections: int) -> None:
        """Note how many connections a worker holds."""
        self._counts[place] = max(0, min(connections, _NOBODY - 1))

    def somebody_holds_fewer(self, connections: int) -> bool:
        """Tell whether another worker is the better one to take the next connection."""
        return min(self._counts[:]) < min(connections, _NOBODY - 1)
