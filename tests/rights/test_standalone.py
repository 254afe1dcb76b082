"""The same on a stand-alone CA, whose pages are open to people without an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from enrollment import conf
from tests.rights.acts import play
from tests.rights.test_matrix import PAGE, ROWS, cases
from tests.undone import undone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.docs.pages import Row
    from tests.rights.scene import Scene

OPENED = {
    (row.cells["act"], row.cells["object"]): row.cells["stranger"]
    for row in PAGE.rows("## Strangers on a stand-alone CA")
}


@pytest.fixture
def standalone(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setenv("CERTSRV_CA_TYPE", "standalone")
    conf.current.cache_clear()
    yield scene
    monkeypatch.undo()
    conf.current.cache_clear()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.cells['act']}-{row.cells['object']}")
def test_a_stranger_may_do_what_the_page_says_and_nothing_else(row: Row, standalone: Scene) -> None:
    expected = OPENED.get((row.cells["act"], row.cells["object"]), row.cells["stranger"])
    answers = {}
    for case in cases(row, "stranger"):
        with undone():
            answers[f"{case.method} {case.address}"] = play(case, standalone)

    assert answers == dict.fromkeys(row.code("address"), expected)


def test_what_is_opened_stands_in_the_tables_above() -> None:
    rows = {(row.cells["act"], row.cells["object"]) for row in ROWS}

    assert OPENED
    assert OPENED.keys() <= rows
