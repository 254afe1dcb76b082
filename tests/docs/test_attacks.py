"""docs/reference/attacks.md names every attack that is played, and where."""

from __future__ import annotations

from tests.docs.pages import ROOT, page

PAGE = page("docs/reference/attacks.md")


def test_every_attack_that_is_played_stands_on_the_page() -> None:
    linked = {(PAGE.path.parent / link).resolve() for link in PAGE.links()}
    played = set((ROOT / "tests" / "attacks").glob("test_*.py"))

    assert played
    assert played - linked == set()


def test_every_attack_of_the_list_is_played_or_says_why_not() -> None:
    told = " ".join(row.cells["attack"] for row in PAGE.rows("## One by one"))
    numbers = {word.strip(",") for word in told.split()}

    assert numbers == {f"ESC{number}" for number in range(1, 18)}
