"""Every target for some seconds, always from the same seed: a minute in all."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from enrollment.ca import der
from tests.fuzz import doors, engine, mutate, runs, seeds, target
from tests.tools import missing

if TYPE_CHECKING:
    from pathlib import Path

# Half a minute on each of two cores; the other half is spent on starting.
SECONDS = float(os.environ.get("CERTSRV_FUZZ_SECONDS", "30"))


@pytest.mark.parametrize("name", runs.TARGETS)
def test_no_input_breaks(name: str, tmp_path: Path) -> None:
    if not runs.has_atheris():
        missing("atheris is not installed")
    if not runs.TARGETS[name].is_possible:
        missing(f"the Python package {runs.TARGETS[name].package} is not installed")

    outcome = runs.run(
        name,
        seconds=SECONDS / len(runs.TARGETS),
        seed=1,
        corpus=None,
        is_counted=name not in {door.name for door in doors.TARGETS},
    )

    assert not outcome.finding, outcome
    assert outcome.inputs > 1


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A parser that three octets in a row break, of the kinds that a harness must notice."""

    def parse(octets: bytes) -> None:
        if octets[:2] == b"cr":
            raise KeyError
        if octets[:2] == b"sl":
            sum(number % 7 for number in range(1_000_000))
        if octets[:2] == b"me":
            bytearray(200 * 1024**2)
        if octets[:2] == b"no":
            raise ValueError

    monkeypatch.setattr(target, "MOST_SECONDS", 0.02)
    monkeypatch.setitem(runs.TARGETS, "ber", target.Target("ber", parse, lambda: (), (ValueError,)))


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"good", ""),
        (b"no request", ""),
        (b"crash", "KeyError"),
        (b"slow", "4 octets took"),
        (b"memory", "MiB of memory"),
    ],
)
def test_the_harness_notices(octets: bytes, words: str, tmp_path: Path) -> None:
    kept = tmp_path / "input"
    kept.write_bytes(octets)

    said = runs.repeat("ber", kept)

    assert words in said
    assert bool(said) is bool(words)


def test_a_finding_is_kept_and_tells_how_to_see_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ber.result").write_text(f"finding {tmp_path}/ber-1\nKeyError", encoding="utf-8")

    outcome = runs.outcome_of("ber", tmp_path, 77, "")

    assert f"make fuzz F=ber INPUT={tmp_path}/ber-1" in str(outcome)


def test_one_input_is_run_again_by_command(tmp_path: Path) -> None:
    kept = tmp_path / "input"
    kept.write_bytes(b"\x30\x00")
    command = [sys.executable, "-m", "tests.fuzz", "ber", "--input", str(kept)]

    done = subprocess.run(command, cwd=runs.ROOT, capture_output=True, text=True, check=False)

    assert done.stdout == "fuzz: ber takes this input as documented\n", done.stderr
    assert done.returncode == 0


def test_a_process_that_died_is_a_finding(tmp_path: Path) -> None:
    assert "-11" in runs.outcome_of("ber", tmp_path, -11, "died").finding


@pytest.mark.parametrize("name", runs.TARGETS)
def test_changes_are_the_same_for_the_same_seed(name: str) -> None:
    one = runs.TARGETS[name]
    octets = next(iter(one.seeds()))

    first = [engine.changed(one, octets, 4096, number) for number in range(30)]

    assert first == [engine.changed(one, octets, 4096, number) for number in range(30)]
    assert len(set(first)) > 15


def test_a_request_that_was_changed_inside_is_signed_again() -> None:
    from enrollment.ca.errors import EnrollmentError, SignatureInvalid
    from enrollment.ca.request import parse_certification_request

    accepted = 0
    for octets in seeds.signed_requests():
        for number in range(150):
            changed = mutate.signed(octets, random.Random(number))  # noqa: S311 - not for secrets
            try:
                parse_certification_request(changed)
            except SignatureInvalid:
                pytest.fail("an input with a broken signature never gets behind it")
            except EnrollmentError:
                continue
            accepted += changed != octets

    assert accepted > 30


@pytest.mark.skipif(sys.platform != "linux", reason="processor time is read as Linux keeps it")
def test_slow_is_told_by_the_processor_not_by_the_clock() -> None:
    import time

    patient = target.Target("patient", lambda _: time.sleep(0.2), lambda: ())

    assert target.judge(patient, b"") < 0.1


def test_changes_of_changes_stay_within_bounds() -> None:
    """Repeated values were repeated again until the fuzzer itself ran out of memory."""
    chance = random.Random(1)  # noqa: S311 - chance that can be had again
    data = der.sequence(der.octet_string(bytes(40_000)))

    longest = max(len(mutate.values(data, chance)) for _ in range(300))

    assert len(data) < longest < 3 * mutate.MOST
