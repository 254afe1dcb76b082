"""The source tree, read as text and as syntax."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[2]


class Source(NamedTuple):
    """One module of ours."""

    name: str
    text: str
    tree: ast.Module


@cache
def modules(*folders: str) -> tuple[Source, ...]:
    """Return every Python module below the folders, migrations left out."""
    files = sorted(
        file
        for folder in folders
        for file in (ROOT / folder).rglob("*.py")
        if "migrations" not in file.parts
    )
    return tuple(
        Source(file.relative_to(ROOT).as_posix(), text, ast.parse(text))
        for file in files
        for text in [file.read_text()]
    )
