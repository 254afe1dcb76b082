"""Whose fault it is when the database does not do its work, and what its keeper types."""

from __future__ import annotations

import pytest
from django.db import (
    DataError,
    IntegrityError,
    InterfaceError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
)

from enrollment.services import outage


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (OperationalError('connection to server at "db", port 5432 failed: refused'), "runs"),
        (OperationalError('FATAL:  password authentication failed for user "x"'), "percent-enc"),
        (OperationalError('FATAL:  role "x" does not exist'), "name and the password"),
        (OperationalError('FATAL:  database "x" does not exist'), "Make it"),
        (OperationalError("FATAL:  sorry, too many clients already"), "CERTSRV_WORKERS"),
        (OperationalError("database or disk is full"), "Make room"),
        (OperationalError("no such table: enrollment_template"), "manage.py setup"),
        (ProgrammingError('relation "enrollment_template" does not exist'), "manage.py setup"),
        (ProgrammingError('column "grade" does not exist'), "manage.py setup"),
        (NotSupportedError("PostgreSQL 14 or later is required (found 13.4)."), "that version"),
        (InterfaceError("connection already closed"), "goes on by itself"),
    ],
    ids=str,
)
def test_the_operator_is_told_what_was_found_and_what_to_do(error: Exception, remedy: str) -> None:
    sentence = outage.explain(error)

    assert sentence is not None
    assert " ".join(str(error).split()).rstrip(".") in sentence
    assert remedy in sentence


@pytest.mark.parametrize(
    "error",
    [IntegrityError("duplicate key"), ProgrammingError("syntax error"), DataError("NUL")],
    ids=str,
)
def test_a_fault_of_ours_keeps_its_trace(error: Exception) -> None:
    assert outage.explain(error) is None
