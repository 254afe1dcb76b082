"""A site with a million certificates, written into its database in a minute.

What a list and an answer need is true: serial numbers, times, reasons, one row each with the octets
of a certificate of usual length. They were never signed, and nobody looks at that here.
"""

from __future__ import annotations

import hashlib
import random
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_COLUMNS: Final = (
    *("authority_id", "serial_number", "der", "subject", "requester", "template_name"),
    *("not_before", "not_after", "issued_at"),
    *("thumbprint_sha1", "thumbprint_sha256", "spki_sha256"),
    *("crl_partition", "revoked_at", "revocation_reason", "invalidity_date", "status_changed_at"),
)
_OCTETS: Final = 950
_AGE: Final = timedelta(days=200)
_LIFE: Final = timedelta(days=730)
_REASONS: Final = (0, 1, 4, 5)


def fill(home: Path, certificates: int, revoked: int) -> list[str]:
    """Add certificates, the first `revoked` of them revoked; return the last serial numbers."""
    with closing(sqlite3.connect(home / "db.sqlite3", isolation_level=None)) as database:
        # A measurement that is cut off is begun anew.
        database.execute("PRAGMA synchronous=OFF")
        database.execute("PRAGMA cache_size=-1000000")
        (authority,) = database.execute("SELECT id FROM enrollment_authority").fetchone()
        marks = ", ".join("?" * len(_COLUMNS))
        database.execute("BEGIN")
        database.executemany(
            f"INSERT INTO enrollment_certificate ({', '.join(_COLUMNS)}) VALUES ({marks})",  # noqa: S608 - our own columns
            _rows(authority, certificates, revoked),
        )
        database.execute("COMMIT")
        last = "SELECT serial_number FROM enrollment_certificate ORDER BY id DESC LIMIT 10"
        return [serial for (serial,) in database.execute(last)]


def _rows(authority: int, certificates: int, revoked: int) -> Iterator[tuple[Any, ...]]:
    chance = random.Random(7)  # noqa: S311 - the same list in every run
    octets = chance.randbytes(_OCTETS)
    begin = datetime.now(UTC).replace(microsecond=0, tzinfo=None) - _AGE
    for number in range(certificates):
        serial = f"{chance.getrandbits(127):x}"
        digest = hashlib.sha256(serial.encode()).hexdigest()
        issued = begin + timedelta(seconds=number * 10 % 8_640_000)
        revoked_at = begin + timedelta(seconds=chance.randrange(190 * 86_400))
        status = (
            (str(revoked_at), chance.choice(_REASONS), None, f"{revoked_at}.000001")
            if number < revoked
            else (None, None, None, None)
        )
        names = (f"CN=host{number}.example.com", "alice", "WebServer")
        times = (str(issued), str(issued + _LIFE), str(issued))
        digests = (digest[:40], digest, digest[::-1])
        yield (authority, serial, octets, *names, *times, *digests, 0, *status)
