"""Acts that are taken back afterwards, so that many tests can share one site."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from django.db import transaction

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def undone() -> Iterator[None]:
    """Run what is inside and take it back, as Django's TestCase does for one test."""
    everything = transaction.atomic()
    # Transactions below may then call themselves durable.
    everything._from_testcase = True  # type: ignore[attr-defined]  # noqa: SLF001 - what Django's TestCase does
    with everything:
        try:
            yield
        finally:
            transaction.set_rollback(True)
