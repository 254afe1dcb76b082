"""Every relative link on our pages leads somewhere, headings included."""

from __future__ import annotations

import pytest

from tests.docs.pages import ROOT, Page, every_page

PAGES = every_page()
_ELSEWHERE = ("http://", "https://", "mailto:")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path.relative_to(ROOT).as_posix())
def test_links_lead_to_files_and_headings(page: Page) -> None:
    broken = [link for link in page.links() if not _leads_somewhere(page, link)]

    assert broken == []


def _leads_somewhere(page: Page, link: str) -> bool:
    if link.startswith(_ELSEWHERE):
        return True
    path, _, heading = link.partition("#")
    target = (page.path.parent / path).resolve() if path else page.path
    if not target.exists() or not target.is_relative_to(ROOT):
        return False
    return not heading or heading in Page(target).anchors()


def test_every_page_below_docs_can_be_reached_from_the_index() -> None:
    index = ROOT / "docs" / "index.md"
    reached, waiting = {index}, [index]
    while waiting:
        page = Page(waiting.pop())
        for link in page.links():
            target = (page.path.parent / link.partition("#")[0]).resolve()
            if target.suffix == ".md" and target.exists() and target not in reached:
                reached.add(target)
                waiting.append(target)
    written = {path.resolve() for path in (ROOT / "docs").rglob("*.md")}

    assert written - reached == set()
