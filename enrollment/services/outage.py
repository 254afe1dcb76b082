"""What it means when the database does not do its work: who can wait, and what its keeper types."""

from __future__ import annotations

import re
from typing import Final

from django.db import (
    DataError,
    InterfaceError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
)

# The server cannot be reached, does not let us in, is too old, or the disk below it is full.
OUTAGES: Final = (OperationalError, InterfaceError, NotSupportedError)
_SETUP: Final = "Run: python manage.py setup"
_REMEDIES: Final = (
    (
        r"password authentication failed|no password supplied|role .* does not exist",
        "Check the name and the password in DATABASE_URL; characters such as @ : / are "
        "percent-encoded.",
    ),
    (
        r"database .* does not exist",
        "Make it, or name another one in DATABASE_URL (docs/howto/postgresql.md).",
    ),
    (
        r"too many clients|connection slots",
        "Lower CERTSRV_WORKERS, or raise max_connections of the server.",
    ),
    (r"or later is required", "Use a server of that version."),
    (r"no such (table|column)|(relation|column) .* does not exist", _SETUP),
    (r"disk is full|No space left", "Make room on its disk."),
)
_WAIT: Final = (
    "See that the server runs and that DATABASE_URL names it. A site that serves goes on by itself "
    "as soon as the server answers."
)


def is_outage(error: BaseException | None) -> bool:
    """Whether the database failed, and not our way of asking it."""
    return isinstance(error, OUTAGES)


def is_unstorable(error: BaseException | None) -> bool:
    """Whether somebody sent what no database stores: NUL in a text, a number beyond all numbers."""
    return isinstance(error, DataError)


def explain(error: Exception) -> str | None:
    """Return a sentence for the operator; None for what only its trace explains."""
    found = " ".join(str(error).split())
    remedy = next((words for known, words in _REMEDIES if re.search(known, found)), "")
    if not is_outage(error) and not (isinstance(error, ProgrammingError) and remedy == _SETUP):
        return None
    return f"The database cannot be used: {found.rstrip('.')}. {remedy or _WAIT}"
