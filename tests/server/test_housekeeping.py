"""What is done again and again while the site runs: by one process, whatever fails."""

import fcntl
import logging
from datetime import UTC, datetime

import pytest

from enrollment import conf
from enrollment.serving import housekeeping
from enrollment.serving.log import OneLine

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def test_what_is_due_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[datetime] = []
    monkeypatch.setattr(housekeeping, "ACTS", (("note the time", done.append),))

    assert housekeeping.run_once(NOW)
    assert done == [NOW]


def test_while_one_process_is_at_it_the_others_leave_it_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[datetime] = []
    monkeypatch.setattr(housekeeping, "ACTS", (("note the time", done.append),))
    with (conf.current().home / housekeeping.LOCK_NAME).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        assert not housekeeping.run_once(NOW)
    assert done == []


def test_an_act_that_fails_does_not_keep_the_next_from_being_done(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[datetime] = []

    def fail(_now: datetime) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(housekeeping, "ACTS", (("fail", fail), ("note", done.append)))

    assert housekeeping.run_once(NOW)
    assert done == [NOW]
    assert "housekeeping failed: fail" in caplog.text


def test_a_log_record_is_one_line_whatever_is_in_it(caplog: pytest.LogCaptureFixture) -> None:
    """A name with a line break in it must not write lines of its own."""
    with caplog.at_level(logging.INFO):
        logging.getLogger("enrollment").info("signed in: %s", "eve\n2026 INFO all is well\x1b[2J")

    text = OneLine().format(caplog.records[0])

    assert "\n" not in text
    assert "\x1b" not in text
