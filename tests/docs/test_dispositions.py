"""docs/reference/dispositions.md draws exactly the moves that exist."""

from __future__ import annotations

import re

from enrollment.ca.disposition import TRANSITIONS, Disposition, Step
from tests.docs.pages import page

PAGE = page("docs/reference/dispositions.md")
_ARROW = re.compile(r"^\s*(\w+) --> (\w+): (\w+)$", re.MULTILINE)


def test_the_table_equals_the_program() -> None:
    written = {
        (Disposition[row.code("from")[0]], Step(row.code("step")[0])): Disposition[
            row.code("to")[0]
        ]
        for row in PAGE.rows("## Moves")
    }

    assert written == dict(TRANSITIONS)


def test_the_drawing_equals_the_program() -> None:
    (drawing,) = (block.text for block in PAGE.blocks() if block.language == "mermaid")
    drawn = {
        (Disposition[before], Step(step)): Disposition[after]
        for before, after, step in _ARROW.findall(drawing)
    }

    assert drawn == dict(TRANSITIONS)


def test_the_numbers_equal_the_program() -> None:
    written = {row.code("name")[0]: int(row.cells["number"]) for row in PAGE.rows("## Numbers")}

    assert written == {member.name: member.value for member in Disposition}
