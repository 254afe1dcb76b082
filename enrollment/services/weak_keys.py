"""Published lists of weak keys, where the machine has them."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Final

# Where Debian's package openssl-blacklist puts its lists: one fingerprint a line.
FOLDER: Final = Path("/usr/share/openssl-blacklist")
_LINE: Final = re.compile(r"[0-9a-f]{20}")


@lru_cache(maxsize=1)
def known() -> frozenset[str]:
    """Return the fingerprints of RSA keys that anybody can compute; empty without the lists."""
    return frozenset(
        line
        for file in sorted(FOLDER.glob("blacklist.RSA-*"))
        for line in file.read_text(encoding="ascii", errors="replace").splitlines()
        if _LINE.fullmatch(line)
    )
