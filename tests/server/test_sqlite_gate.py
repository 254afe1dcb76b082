"""Writers of the default database queue; see ADR 0009."""

from __future__ import annotations

import fcntl
import os
import stat
import threading
from typing import TYPE_CHECKING

import pytest

from certsrv.sqlite.base import DatabaseWrapper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.django_db


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Callable[[], DatabaseWrapper]]:
    opened: list[DatabaseWrapper] = []

    def make() -> DatabaseWrapper:
        settings = {
            "ENGINE": "certsrv.sqlite",
            "NAME": str(tmp_path / "db.sqlite3"),
            "OPTIONS": {"transaction_mode": "IMMEDIATE"},
            "ATOMIC_REQUESTS": False,
            "AUTOCOMMIT": True,
            "CONN_MAX_AGE": None,
            "CONN_HEALTH_CHECKS": False,
            "TIME_ZONE": None,
            "TEST": {},
        }
        wrapper = DatabaseWrapper(settings, "gate")
        wrapper.inc_thread_sharing()
        opened.append(wrapper)
        return wrapper

    yield make
    for wrapper in opened:
        wrapper.close()


def _is_free(folder: Path) -> bool:
    with (folder / "db.sqlite3-gate").open() as gate:
        try:
            fcntl.flock(gate, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _begin(wrapper: DatabaseWrapper) -> None:
    wrapper.ensure_connection()
    wrapper.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)


def test_the_gate_is_held_until_the_commit(
    connect: Callable[[], DatabaseWrapper], tmp_path: Path
) -> None:
    wrapper = connect()
    _begin(wrapper)
    held = not _is_free(tmp_path)

    wrapper.commit()

    assert held
    assert _is_free(tmp_path)


@pytest.mark.parametrize("mode", [0o600, 0o660])
def test_whoever_may_use_the_database_may_use_the_gate(
    mode: int, connect: Callable[[], DatabaseWrapper], tmp_path: Path
) -> None:
    """As with the files that SQLite makes beside it: a signer may run as another user."""
    (tmp_path / "db.sqlite3").touch()
    (tmp_path / "db.sqlite3").chmod(mode)
    before = os.umask(0o007)
    try:
        _begin(connect())
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "db.sqlite3-gate").stat().st_mode) == mode


def test_a_rollback_opens_the_gate(connect: Callable[[], DatabaseWrapper], tmp_path: Path) -> None:
    wrapper = connect()
    _begin(wrapper)

    wrapper.rollback()

    assert _is_free(tmp_path)


def test_a_connection_that_is_closed_inside_a_transaction_opens_the_gate(
    connect: Callable[[], DatabaseWrapper], tmp_path: Path
) -> None:
    wrapper = connect()
    _begin(wrapper)

    wrapper.close()

    assert _is_free(tmp_path)


def test_a_second_writer_waits_for_the_first(connect: Callable[[], DatabaseWrapper]) -> None:
    first, second = connect(), connect()
    _begin(first)
    order: list[str] = []

    def write() -> None:
        _begin(second)
        order.append("second")
        second.commit()

    other = threading.Thread(target=write)
    other.start()
    other.join(0.2)
    order.append("first")
    first.commit()
    other.join(10)

    assert order == ["first", "second"]
