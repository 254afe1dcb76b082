"""Writers of all processes queue for SQLite's write lock instead of asking for it again and again.

SQLite has no queue: who finds the lock taken sleeps 1, 2, 5, 10 … ms and asks again, while others
pass. Under load the processors idle in these naps. A file lock of the kernel wakes the next writer
the moment the last one has committed, and the kernel frees it when a process is killed.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3 import base


class DatabaseWrapper(base.DatabaseWrapper):
    """SQLite with a gate: one file lock for each transaction that may write."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Django's arguments
        super().__init__(*args, **kwargs)
        self._gate: int | None = None

    def _start_transaction_under_autocommit(self) -> None:
        self._enter()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # not in the stubs
        except BaseException:
            self._leave()
            raise

    def _commit(self) -> None:
        try:
            super()._commit()  # type: ignore[misc]  # not in the stubs
        finally:
            self._leave_unless_open()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]  # not in the stubs
        finally:
            self._leave_unless_open()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]  # not in the stubs
        finally:
            self._leave()

    def _enter(self) -> None:
        name = str(self.settings_dict["NAME"])
        # A database in memory belongs to one process, and its name is no path.
        if name.startswith("file:") or ":memory:" in name or self._gate is not None:
            return
        gate = os.open(Path(f"{name}-gate"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _mode(name))
        try:
            fcntl.flock(gate, fcntl.LOCK_EX)
        except BaseException:
            os.close(gate)
            raise
        self._gate = gate

    def _leave_unless_open(self) -> None:
        # A commit that failed because the disk is full leaves the transaction, and the lock, open.
        if self.connection is None or not self.connection.in_transaction:
            self._leave()

    def _leave(self) -> None:
        gate, self._gate = self._gate, None
        if gate is not None:
            os.close(gate)


def _mode(name: str) -> int:
    """Return who may use the gate: whoever may use the database, as with SQLite's own files."""
    try:
        return Path(name).stat().st_mode & 0o666
    except OSError:
        return 0o600
