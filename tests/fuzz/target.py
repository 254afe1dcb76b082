"""What a target is, and what counts as a finding."""

from __future__ import annotations

import contextlib
import importlib.util
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from enrollment.ca.errors import EnrollmentError
from tests.fuzz import mutate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.fuzz.mutate import Mutator

# Processor time for one input, with every branch counted, which takes several times as long. An
# honest request takes a hundredth of it.
MOST_SECONDS: Final = 1.0
# How much further the memory of the process may grow for one input.
MOST_MEBIBYTES: Final = 64
# Somebody else may have had the processor: the fastest of so many readings counts.
_READINGS: Final = 3
_UNIT: Final = 1024 if sys.platform.startswith("linux") else 1


class Finding(AssertionError):
    """An input that is no refusal but a crash, slow, large, or read in two ways."""


@dataclass(frozen=True, slots=True)
class Target:
    """One parser.

    Attributes:
        run: takes any octets; asserts what must hold of what was read.
        seeds: good inputs to begin with.
        refusals: the documented answers to bad input; all else that is raised is a finding.
        most_octets: as many as its door lets in.
        mutators: how inputs are changed beside what the fuzzer does by itself.
        package: one that not every machine has, without which there is no such target.
    """

    name: str
    run: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]
    refusals: tuple[type[Exception], ...] = ()
    most_octets: int = 4096
    mutators: tuple[Mutator, ...] = (mutate.octets,)
    package: str = ""

    @property
    def is_possible(self) -> bool:
        """Whether this machine has what the target needs."""
        return not self.package or importlib.util.find_spec(self.package) is not None


def judge(target: Target, octets: bytes) -> float:
    """Run a target once and return its processor time.

    Raises:
        Finding: it took too long or too much, or raised what is no documented refusal.
    """
    seconds, grown = _measured(target, octets)
    if grown > MOST_MEBIBYTES:
        # The first input of all also makes the site, and imports what it needs.
        seconds, grown = _measured(target, octets)
    if grown > MOST_MEBIBYTES:
        raise Finding(f"{target.name}: {len(octets):,} octets took {grown:.0f} MiB of memory.")
    if seconds > MOST_SECONDS:
        seconds = min(_timed(target, octets) for _ in range(_READINGS))
    if seconds > MOST_SECONDS:
        raise Finding(f"{target.name}: {len(octets):,} octets took {seconds:.1f} s.")
    return seconds


def _measured(target: Target, octets: bytes) -> tuple[float, float]:
    """Return the processor time of one input, and the memory it took in MiB."""
    _forget_peak()
    before = _peak()
    seconds = _timed(target, octets)
    return seconds, (_peak() - before) / 1024**2


def _timed(target: Target, octets: bytes) -> float:
    start = time.process_time()
    try:
        target.run(octets)
    except target.refusals as refusal:
        _check_words(refusal)
    return time.process_time() - start


def _check_words(refusal: Exception) -> None:
    """A refusal says what is wrong and what to do, in a line that a client can read back."""
    if isinstance(refusal, EnrollmentError):
        assert refusal.detail, "a refusal says what is wrong"
        assert refusal.remedy, "a refusal says what to do"
        assert not set('"\r\n') & set(refusal.disposition_message), "one line without quotes"


def _forget_peak() -> None:
    """Begin to measure anew where Linux lets us; elsewhere only what is larger than ever counts."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak() -> int:
    """Return how much memory the process has used at most, in octets."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT
