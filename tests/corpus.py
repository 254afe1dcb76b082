"""The corpus of published requests: outside the project, read and never kept.

`CERTSRV_CORPUS` says where it lies (default `../shared/corpus`). Without it the tests that need it
are skipped by name, or fail where `CERTSRV_TEST_REQUIRE=all` says that nothing may be missing.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parent.parent


def folder() -> Path:
    """Return where the corpus should lie."""
    return Path(os.environ.get("CERTSRV_CORPUS") or _ROOT / ".." / "shared" / "corpus").resolve()


def is_required() -> bool:
    """Whether a missing corpus is a failure."""
    return os.environ.get("CERTSRV_TEST_REQUIRE") == "all"


def manifest() -> dict[str, dict[str, Any]]:
    """Return what is known of each file, by file name; empty without a corpus."""
    listing = folder() / "manifest.jsonl"
    if not listing.is_file():
        return {}
    entries = (json.loads(line) for line in listing.read_text(encoding="utf-8").splitlines())
    return {Path(entry["file"]).name: entry for entry in entries}


def read(file_name: str) -> bytes:
    """Return a file as it was published."""
    return (folder() / "requests" / file_name).read_bytes()
