"""How a time is taken, and on what."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_ROUNDS: Final = 7
_ROUND_SECONDS: Final = 0.15


@dataclass(frozen=True, slots=True)
class Pair:
    """Seconds of processor time for one call of each."""

    floor: float
    ours: float

    @property
    def ratio(self) -> float:
        """How many of ours fit where one of the floor's did; 1.0 is as fast as the floor."""
        return self.floor / self.ours


def seconds_per_call(act: Callable[[], object]) -> float:
    """Measure the best of several rounds, in processor time, so that neighbors count little."""
    return _interleaved([act])[0]


def compare(floor: Callable[[], object], ours: Callable[[], object]) -> Pair:
    """Measure two acts in turns, so that a slow moment of the machine meets both."""
    return Pair(*_interleaved([floor, ours]))


def _interleaved(acts: Sequence[Callable[[], object]]) -> list[float]:
    counts = [_calls_for(act, _ROUND_SECONDS) for act in acts]
    best = [float("inf")] * len(acts)
    for _ in range(_ROUNDS):
        for index, act in enumerate(acts):
            best[index] = min(best[index], _round(act, counts[index]))
    return best


def _calls_for(act: Callable[[], object], seconds: float) -> int:
    act()
    return max(3, int(seconds / max(_round(act, 3), 1e-7)))


def _round(act: Callable[[], object], calls: int) -> float:
    start = time.process_time()
    for _ in range(calls):
        act()
    return (time.process_time() - start) / calls


def machine() -> list[str]:
    """Describe the machine and the versions in lines; nothing that names it."""
    from cryptography.hazmat.backends.openssl import backend  # noqa: PLC0415 - only for its text

    names = ("cryptography", "Django", "gunicorn", "pkilint", "pyasn1-fasder")
    return [
        f"{os.cpu_count()} cores, {_processor()}, {_memory()}, {platform.system()}",
        f"Python {platform.python_version()}, {backend.openssl_version_text()}",
        ", ".join(f"{name} {version(name)}" for name in names),
    ]


def _processor() -> str:
    for line in _lines("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory() -> str:
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemTotal"):
            return f"{int(line.split()[1]) / 2**20:.0f} GiB of memory"
    return "memory unknown"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Draw a Markdown table, so that a run can be pasted into RESULTS.md."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        return f"| {' | '.join(padded)} |"

    rule = f"|{'|'.join('-' * (width + 2) for width in widths)}|"
    return "\n".join((line(head), rule, *(line(row) for row in rows)))
