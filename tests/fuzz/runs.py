"""Runs of a target: each in a process of its own, ended by time, with what it found named."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.fuzz import doors, engine, hostile, readers
from tests.fuzz.target import Target, judge

ROOT: Final = Path(__file__).resolve().parent.parent.parent
CACHE: Final = ROOT / ".cache" / "fuzz"
FINDINGS: Final = CACHE / "findings"
# What led somewhere new is kept, so that the next run goes on from there.
CORPUS: Final = CACHE / "corpus"
TARGETS: Final = {target.name: target for target in (*readers.TARGETS, *doors.TARGETS)}
RESULT: Final = "result"

# To start, to run the seeds, and for one input that hangs until libFuzzer's own alarm.
_LONGER: Final = 180
_HANGS: Final = 60
_MOST_MEBIBYTES: Final = 2048


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run; `finding` is empty where all is well."""

    name: str
    inputs: int
    slowest: float
    finding: str

    def __str__(self) -> str:
        """One line; with a finding, how to see it again."""
        if self.finding:
            return f"{self.name}: FINDING\n{self.finding}"
        return f"{self.name}: {self.inputs:,} inputs, the slowest {self.slowest:.1f} ms, no finding"


def has_atheris() -> bool:
    """Whether branches can be counted; without it, inputs are changed by chance alone."""
    return importlib.util.find_spec("atheris") is not None


def run(  # noqa: PLR0913 - what a run is made of
    name: str,
    *,
    seconds: float,
    seed: int,
    findings: Path = FINDINGS,
    corpus: Path | None = CORPUS,
    is_counted: bool = True,
) -> Outcome:
    """Fuzz one target for so long; the same seed goes the same way on the same corpus.

    Args:
        name: which one.
        seconds: how long, without the start.
        seed: of every choice made by chance.
        findings: where an input that is one is kept.
        corpus: what led somewhere new, before and after; None to begin anew.
        is_counted: branches are counted, where atheris is installed. It takes a site seconds more
            to start.
    """
    findings.mkdir(parents=True, exist_ok=True)
    (findings / f"{name}.{RESULT}").unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="certsrv-fuzz-") as scratch:
        kept = corpus / name if corpus is not None else Path(scratch) / "corpus"
        begun = Path(scratch) / "seeds"
        for folder in (kept, begun):
            folder.mkdir(parents=True, exist_ok=True)
        target = TARGETS[name]
        for number, octets in enumerate(target.seeds()):
            (begun / f"{number:03}").write_bytes(octets)
        command = [sys.executable, "-m", "tests.fuzz.engine", name, str(findings)]
        command += [*_options(target, seconds, seed, Path(scratch)), str(kept), str(begun)]
        if not is_counted or not has_atheris():
            command.append(engine.BY_CHANCE)
        done = subprocess.run(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds + _LONGER,
            check=False,
        )
    return outcome_of(name, findings, done.returncode, done.stdout.decode(errors="replace"))


def _options(target: Target, seconds: float, seed: int, scratch: Path) -> list[str]:
    words = scratch / "words"
    tokens = [word.encode("utf-8", "surrogatepass") for word in hostile.WORDS if word]
    lines = ("".join(f"\\x{octet:02x}" for octet in token[:60]) for token in tokens)
    words.write_text("".join(f'"{line}"\n' for line in lines), encoding="ascii")
    return [
        f"-max_total_time={max(1, round(seconds))}",
        f"-seed={seed or 1}",
        f"-max_len={target.most_octets}",
        f"-rss_limit_mb={_MOST_MEBIBYTES}",
        f"-timeout={_HANGS}",
        f"-artifact_prefix={scratch}/",
        f"-dict={words}",
        "-print_final_stats=1",
    ]


def outcome_of(name: str, findings: Path, code: int, said: str) -> Outcome:
    """Read what a process left behind, and how it ended."""
    result = findings / f"{name}.{RESULT}"
    told = result.read_text(encoding="utf-8") if result.is_file() else ""
    kind, _, rest = told.partition(" ")
    if kind == "finding":
        path, _, trace = rest.partition("\n")
        return Outcome(name, 0, 0, f"{trace}\nAgain: make fuzz F={name} INPUT={path}")
    if code or kind != "ran":
        # libFuzzer itself ended it: a hang, memory, or a crash below Python.
        return Outcome(name, 0, 0, f"The process ended with {code}:\n{said[-4000:]}")
    count, slowest = rest.split()
    return Outcome(name, int(count), float(slowest), "")


def repeat(name: str, path: Path) -> str:
    """Run one input as the site would, without counting branches; return what is wrong, if any."""
    try:
        judge(TARGETS[name], path.read_bytes())
    except Exception:  # noqa: BLE001 - whatever it is, it is what was asked for
        return traceback.format_exc()
    return ""
