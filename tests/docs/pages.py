"""Reading our own Markdown: tables, links, headings and blocks of code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[2]

_FENCE: Final = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"!?\[[^\]]*\]\(<?([^)>\s]+)>?\)")
_HEADING: Final = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
_CODE: Final = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the words after it, and its text."""

    language: str
    marks: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Row:
    """One line of a table, its cells by the heading of their column."""

    cells: dict[str, str]

    def code(self, column: str) -> tuple[str, ...]:
        """Return what stands between backticks in a cell."""
        return tuple(_CODE.findall(self.cells[column]))


@dataclass(frozen=True)
class Page:
    """A Markdown file of ours."""

    path: Path

    @property
    def text(self) -> str:
        """The whole file."""
        return self.path.read_text(encoding="utf-8")

    @property
    def prose(self) -> str:
        """The file without its blocks of code."""
        return _FENCE.sub("", self.text)

    def blocks(self) -> list[Block]:
        """Return the fenced blocks in order."""
        found = []
        for match in _FENCE.finditer(self.text):
            language, *marks = match["info"].split() or [""]
            found.append(Block(language, tuple(marks), match["text"]))
        return found

    def links(self) -> list[str]:
        """Return the targets of all links and pictures."""
        return _LINK.findall(re.sub(r"`[^`\n]*`", "", self.prose))

    def anchors(self) -> set[str]:
        """Return the names by which headings can be linked, as code hosts make them."""
        return {_anchor(heading) for heading in _HEADING.findall(self.prose)}

    def rows(self, section: str) -> list[Row]:
        """Return the rows of the first table under the heading `section`."""
        _, found, rest = self.text.partition(f"\n{section}\n")
        assert found, f"{self.path.name} has no heading {section!r}"
        lines = list(_table(rest.split("\n## ")[0]))
        assert len(lines) > 1, f"{self.path.name} has no table under {section!r}"
        head = _cells(lines[0])
        return [Row(dict(zip(head, _cells(line), strict=True))) for line in lines[2:]]


def page(name: str) -> Page:
    """Return a page by its path from the root of the project."""
    return Page(ROOT / name)


def every_page() -> list[Page]:
    """Return every Markdown file of ours: those at the top, and all under docs."""
    return [Page(path) for path in (*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md")))]


def _table(text: str) -> Iterator[str]:
    started = False
    for line in text.splitlines():
        if line.startswith("|"):
            started = True
            yield line
        elif started:
            return


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    return [cell.replace(r"\|", "|").strip() for cell in re.split(r"(?<!\\)\|", inner)]


def _anchor(heading: str) -> str:
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").replace("*", "")
    return re.sub(r"[^\w\- ]", "", plain).strip().lower().replace(" ", "-")
