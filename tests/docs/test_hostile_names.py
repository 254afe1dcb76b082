"""docs/reference/hostile-names.md lists the gallery that is tested."""

from __future__ import annotations

from tests.docs.pages import page
from tests.gallery.values import GALLERY


def test_every_value_of_the_gallery_stands_in_the_table() -> None:
    rows = page("docs/reference/hostile-names.md").rows("## The gallery")

    assert [row.cells["name"] for row in rows] == list(GALLERY)
    assert all(row.cells["what becomes of it"] for row in rows)
