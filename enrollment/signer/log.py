"""The signer's own record of every use of a key: JSON lines, appended, never rewritten.

The file is opened anew for each line, so it can be moved away while the signer runs.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

_NAME: Final = "signer.log"
_OWNER_ONLY: Final = 0o600


class UseLog:
    """Appends one line for each use, before the use has any effect outside."""

    def __init__(self, home: Path) -> None:
        self._path = home / _NAME

    def write(self, **facts: Any) -> None:  # noqa: ANN401 - what JSON can hold
        """Append a line.

        Raises:
            OSError: it cannot be written; then nothing may be signed.
        """
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"at": at, **facts}, ensure_ascii=True) + "\n"
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self._path, flags, _OWNER_ONLY)
        try:
            os.write(descriptor, line.encode("ascii"))
        finally:
            os.close(descriptor)
