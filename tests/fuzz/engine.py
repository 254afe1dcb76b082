"""One target in a process of its own: `python -m tests.fuzz.engine NAME FOLDER OPTION …`.

`tests.fuzz.runs` starts it and reads what it leaves in the folder.
"""

from __future__ import annotations

import hashlib
import random
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fuzz.target import Target

_TELL_EVERY = 0.1
BY_CHANCE = "--by-chance"
# What is not ours is not counted: libraries are fuzzed by their own people.
_COUNTED = ["enrollment"]


class _Run:
    """Counts what was run, and keeps an input that is a finding."""

    def __init__(self, target: Target, folder: Path) -> None:
        self.target = target
        self.folder = folder
        self.slowest = 0.0
        self.count = 0
        self.told = 0.0

    def once(self, octets: bytes) -> None:
        """Judge one input; a finding is kept as a file before it ends the process."""
        from tests.fuzz.target import judge

        self.count += 1
        try:
            seconds = judge(self.target, octets[: self.target.most_octets])
        except Exception:
            digest = hashlib.sha256(octets).hexdigest()[:16]
            kept = self.folder / f"{self.target.name}-{digest}"
            kept.write_bytes(octets)
            self._tell(f"finding {kept}\n{traceback.format_exc(limit=-8)}")
            raise
        self.slowest = max(self.slowest, seconds)
        # libFuzzer ends the process without a last word.
        if time.monotonic() > self.told + _TELL_EVERY:
            self._tell(f"ran {self.count} {self.slowest * 1000:.1f}")
            self.told = time.monotonic()

    def _tell(self, words: str) -> None:
        (self.folder / f"{self.target.name}.result").write_text(words, encoding="utf-8")


def changed(target: Target, octets: bytes, most: int, seed: int) -> bytes:
    """Change an input in one of the ways of its target."""
    chance = random.Random(seed)  # noqa: S311 - chance that can be had again
    return chance.choice(target.mutators)(octets, chance)[:most]


def _count_branches(name: str, folder: Path, options: list[str]) -> None:
    """Let libFuzzer choose what to change, by the branches that it has not seen."""
    import atheris

    with atheris.instrument_imports(include=_COUNTED):
        from tests.fuzz.runs import TARGETS
    run = _Run(TARGETS[name], folder)
    with atheris.instrument_imports(include=_COUNTED):
        # A site imports most of itself with the first input.
        run.once(next(iter(run.target.seeds())))

    def mutated(octets: bytes, most: int, seed: int) -> bytes:
        if seed % 3 == 0:
            return bytes(atheris.Mutate(octets, most))
        return changed(run.target, octets, most, seed)

    atheris.Setup([sys.argv[0], *options], run.once, custom_mutator=mutated)
    atheris.Fuzz()


def _by_chance(name: str, folder: Path, options: list[str]) -> None:
    """Change the seeds by chance alone."""
    from tests.fuzz.runs import TARGETS

    said = dict(option.partition("=")[::2] for option in options)
    chance = random.Random(int(said["-seed"]))  # noqa: S311 - chance that can be had again
    run = _Run(TARGETS[name], folder)
    seeds = list(run.target.seeds())
    for octets in seeds:
        run.once(octets)
    end = time.monotonic() + int(said["-max_total_time"])
    while time.monotonic() < end:
        octets = chance.choice(seeds)
        for _ in range(chance.randint(1, 3)):
            octets = changed(run.target, octets, run.target.most_octets, chance.getrandbits(32))
        run.once(octets)


def main() -> None:
    """Fuzz until the options say stop."""
    name, folder, *options = sys.argv[1:]
    if BY_CHANCE in options:
        _by_chance(name, Path(folder), options)
    else:
        _count_branches(name, Path(folder), options)


if __name__ == "__main__":
    main()
