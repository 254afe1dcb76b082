"""The key that signs sessions and form tokens: made once, kept where the data are."""

import os
import secrets
from pathlib import Path

FILE_NAME = "secret-key"


def read_or_make(home: Path) -> str:
    """Return the key kept in `home`, making it at first run.

    Two processes that start at once end with the same key: only one of them can create the file.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = home / FILE_NAME
    if not path.exists():
        draft = home / f".{FILE_NAME}.{os.getpid()}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(64))
            file.flush()
            os.fsync(descriptor)
        try:
            # A link appears whole or not at all, and refuses to replace one that is there.
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="ascii")
