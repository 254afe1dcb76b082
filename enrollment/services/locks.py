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
def exclusive(name: str) -> Iterator[None]:
    """Hold the lock `name` while the block runs, without a transaction.

    For work that reads, signs and stores, and must not hold the database up meanwhile. A process
    that is killed gives the lock back.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [_number(name)])
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_number(name)])
        return
    folder = conf.current().home / "locks"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / re.sub(r"\W", "-", name)).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _number(name: str) -> int:
    return zlib.crc32(name.encode())
