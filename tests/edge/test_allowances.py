"""How often something may happen: exact for each, bounded for all, shared by the workers."""

from __future__ import annotations

import subprocess
import sys

import pytest

from enrollment.conf_web import Rate
from enrollment.serving.allowances import Allowances, Counters
from tests.gates.source import ROOT

TEN = Rate(10, 60.0)


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def allowances(clock: Clock) -> Allowances:
    return Allowances(clock, slots=64)


def use(allowances: Allowances, key: str, times: int) -> int:
    """Try so often; return how often it was allowed."""
    done = 0
    for _ in range(times):
        if not allowances.wait(key, TEN):
            allowances.charge(key, TEN)
            done += 1
    return done


def test_all_of_the_allowance_may_be_used_at_once(allowances: Allowances) -> None:
    assert use(allowances, "alice", 50) == 10


def test_it_comes_back_one_by_one(allowances: Allowances, clock: Clock) -> None:
    use(allowances, "alice", 10)
    clock.now += 6.1

    assert use(allowances, "alice", 50) == 1


def test_whoever_waits_as_long_as_told_may_go_on(allowances: Allowances, clock: Clock) -> None:
    use(allowances, "alice", 10)
    wait = allowances.wait("alice", TEN)
    assert wait == pytest.approx(6.0)
    clock.now += wait - 0.1
    assert allowances.wait("alice", TEN) > 0
    clock.now += 0.2

    assert not allowances.wait("alice", TEN)


def test_each_has_an_allowance_of_their_own(allowances: Allowances) -> None:
    use(allowances, "alice", 50)

    assert use(allowances, "bob", 50) == 10


def test_what_is_paid_back_can_be_used_again_and_no_more(allowances: Allowances) -> None:
    use(allowances, "alice", 10)
    allowances.pay_back("alice", TEN, 4)
    assert use(allowances, "alice", 50) == 4
    allowances.pay_back("alice", TEN, 400)

    assert use(allowances, "alice", 50) == 10


@pytest.mark.parametrize("size", [1, 64, 1000])
def test_any_crowd_fits_in_and_the_last_that_used_all_is_remembered(size: int) -> None:
    """A stranger with many addresses makes the table forget who did least, not who did most."""
    allowances = Allowances(Clock(), slots=64)
    use(allowances, "mallory", 10)
    for number in range(size):
        allowances.charge(f"one of a crowd: {number}", TEN)

    assert allowances.wait("mallory", TEN) > 0


def test_a_slower_rate_than_before_locks_nobody_out_for_longer_than_its_period(
    allowances: Allowances,
) -> None:
    allowances.charge("alice", Rate(1, 3600.0))

    assert allowances.wait("alice", TEN) <= 6.0


def test_a_process_sees_what_another_has_used() -> None:
    """Workers are forked from one process; a dictionary in each would allow each the whole."""
    program = (
        "import os\n"
        "from enrollment.conf_web import Rate\n"
        "from enrollment.serving.allowances import Allowances, Counters\n"
        "ten, shared, counters = Rate(10, 60.0), Allowances(), Counters(('a', 'b'), 2)\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    counters.row = 1\n"
        "    counters.add('b')\n"
        "    for _ in range(10): shared.charge('alice', ten)\n"
        "    os._exit(0)\n"
        "os.waitpid(child, 0)\n"
        "counters.add('b')\n"
        "print(shared.wait('alice', ten) > 0, counters.read())\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "True {'a': 0, 'b': 2}"


def test_numbers_of_one_name_add_up_over_all_rows() -> None:
    counters = Counters(("one", "other"), rows=3)
    for row in (0, 2, 2):
        counters.row = row
        counters.add("other")

    assert counters.read() == {"one": 0, "other": 3}
