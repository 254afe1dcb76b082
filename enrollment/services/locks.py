"""Work that must happen once at a time, on one node or on many."""

from __future__ import annotations

import zlib

from django.db import connection


def hold(name: str) -> None:
    """Hold the lock `name` until the surrounding transaction ends.

    On PostgreSQL an advisory lock; on SQLite every transaction already has the one write lock,
    because it begins with BEGIN IMMEDIATE.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [zlib.crc32(name.encode())])
