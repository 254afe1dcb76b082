"""docs/howto/fuzz.md lists the targets there are."""

from __future__ import annotations

from tests.docs.pages import page
from tests.fuzz.runs import TARGETS


def test_every_target_stands_in_the_table() -> None:
    rows = page("docs/howto/fuzz.md").rows("## Targets")

    assert [row.code("target")[0] for row in rows] == list(TARGETS)
