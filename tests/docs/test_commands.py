"""Every verb of every command stands on its page, and no other."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from enrollment.management import commands
from tests.docs.pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (ROOT / "docs/reference/commands.md").read_text()


def verbs() -> Iterator[str]:
    """Yield each command, or each command with each of its verbs."""
    for file in sorted(Path(next(iter(commands.__path__))).glob("[a-z]*.py")):
        name = file.stem
        command = import_module(f"enrollment.management.commands.{name}").Command()
        parser = command.create_parser("manage.py", name)
        found = [
            f"{name} {verb}"
            for action in parser._actions  # noqa: SLF001 - argparse tells its verbs nowhere else
            if action.dest == "verb"
            for verb in action.choices or ()
        ]
        yield from found or [name]


def test_every_verb_has_a_row() -> None:
    rows = set(re.findall(r"^\| `([a-z]+(?: [a-z-]+)?)", PAGE, re.MULTILINE))

    assert rows == set(verbs())
