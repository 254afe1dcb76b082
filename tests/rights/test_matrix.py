"""docs/reference/rights.md, played: every address, every role, own and other people's objects."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.urls import get_resolver

from tests.docs.pages import Row, page
from tests.docs.test_addresses import _walk
from tests.rights.acts import FIELDS, KEPT_WHEN_REFUSED, LOOKS, Case, play
from tests.rights.scene import ROLES
from tests.undone import undone

if TYPE_CHECKING:
    from tests.rights.scene import Scene

PAGE = page("docs/reference/rights.md")
SECTIONS = [line for line in PAGE.text.splitlines() if line.startswith("## ")]
# The last table says how a stand-alone CA differs.
ROWS: list[Row] = [row for section in SECTIONS[:-1] for row in PAGE.rows(section)]


def cases(row: Row, role: str) -> list[Case]:
    """Return each address of a row as something to play."""
    found = []
    for written in row.code("address"):
        method, address = written.split(" ", 1)
        found.append(Case(row.cells["act"], method, address, row.cells["object"], role))
    return found


def _bare(address: str) -> str:
    """Write every argument of an address alike, and leave a query out."""
    return re.sub(r"<[^>]*>\)?", "<>", address.partition("?")[0]).replace("<>/<>/", "<>/")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.cells['act']}-{row.cells['object']}")
def test_a_role_may_do_what_the_page_says_and_nothing_else(
    row: Row, role: str, scene: Scene
) -> None:
    answers = {}
    for case in cases(row, role):
        with undone():
            answers[f"{case.method} {case.address}"] = play(case, scene)

    assert answers == dict.fromkeys(row.code("address"), row.cells[role])


def test_every_address_stands_on_the_page_and_no_other() -> None:
    written = {_bare(case.address) for row in ROWS for case in cases(row, "stranger")}
    table = {_bare(address) for address, _ in _walk(get_resolver().url_patterns, "/")}

    assert table - written == set()
    assert written - table == set()


def test_every_act_that_is_prepared_stands_on_the_page() -> None:
    acts = {row.cells["act"] for row in ROWS}

    assert FIELDS.keys() | LOOKS | KEPT_WHEN_REFUSED <= acts


def test_every_kind_of_post_of_ours_is_played_by_somebody_who_may() -> None:
    """A matrix of refusals alone would pass on a site where nothing works."""
    done = {
        row.cells["act"]
        for row in ROWS
        if any(row.cells[role] == "yes" for role in ROLES)
        and all(written.startswith("POST") for written in row.code("address"))
    }

    assert FIELDS.keys() <= done
