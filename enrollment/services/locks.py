"""Work that must happen once at a time, on one node or on many."""

from __future__ import annotations

import fcntl
import re
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import connection

from enrollment import conf

if TYPE_CHECKING:
    from collections.abc import Iterator


def hold(name: str) -> None:
    """Hold the lock `name` until the surrounding transaction ends.

    On PostgreSQL an advisory lock; on SQLite every transaction already has the one write lock,
    because it begins with BEGIN IMMEDIATE.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_number(name)])


@contextmanager
def exclusive(name: str, *, wait: bool = True) -> Iterator[bool]:
    """Hold the lock `name` on all nodes while the block runs, without a transaction around it.

    For work that reads, signs and stores, and must not hold the database up meanwhile. A process
    that is killed gives the lock back.

    Args:
        name: of the work.
        wait: whether to wait for whoever has it; the block runs in any case.

    Yields:
        Whether it is held: always, after waiting.
    """
    if connection.vendor == "postgresql":
        with _apart(name, wait=wait) as held:
            yield held
    else:
        with on_this_node(name, wait=wait) as held:
            yield held


@contextmanager
def on_this_node(name: str, *, wait: bool = True) -> Iterator[bool]:
    """Hold the lock `name` among the processes of this machine; otherwise as `exclusive`."""
    folder = conf.current().home / "locks"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / re.sub(r"\W", "-", name)).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


@contextmanager
def _apart(name: str, *, wait: bool) -> Iterator[bool]:
    """Hold an advisory lock in a transaction on a connection of its own.

    A lock of the session would be left on another's session where a pooler hands connections out by
    the transaction, and nobody could ever give it back.
    """
    own = connection.copy()
    verb = "pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock"
    try:
        own.set_autocommit(False)
        with own.cursor() as cursor:
            # It idles while the work is done; an administrator's limit on that is not meant for it.
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            cursor.execute(f"SELECT {verb}(%s)", [_number(name)])
            held = wait or bool(cursor.fetchone()[0])
        yield held
    finally:
        own.close()


def _number(name: str) -> int:
    return zlib.crc32(name.encode())
