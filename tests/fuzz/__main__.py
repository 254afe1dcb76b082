"""`make fuzz`: run the targets one after the other, or one input again."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.fuzz import runs


def main() -> int:
    """Return 1 when there is a finding."""
    asked = _arguments()
    if asked.input:
        return _again(asked.target, Path(asked.input))
    names = asked.target or list(runs.TARGETS)
    seed = asked.seed or time.time_ns() % 2**31
    how = "" if runs.has_atheris() else ", by chance alone: atheris is not installed"
    print(f"fuzz: {len(names)} targets, {asked.seconds} s each, seed {seed}{how}", flush=True)
    found = False
    for name in names:
        if not runs.TARGETS[name].is_possible:
            print(f"fuzz: {name}: left out, {runs.TARGETS[name].package} is not installed")
            continue
        outcome = runs.run(name, seconds=asked.seconds, seed=seed)
        print(f"fuzz: {outcome}", flush=True)
        found = found or bool(outcome.finding)
    return int(found)


def _again(names: list[str], path: Path) -> int:
    if len(names) != 1:
        print("Name the one target that the input is for, such as F=pkcs10.", file=sys.stderr)
        return 2
    wrong = runs.repeat(names[0], path)
    print(wrong or f"fuzz: {names[0]} takes this input as documented")
    return 1 if wrong else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fuzz")
    parser.add_argument("target", nargs="*", choices=[[], *runs.TARGETS])
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--input", default="")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
