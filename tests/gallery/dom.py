"""What a page is made of, without its words: a name may change words only."""

from __future__ import annotations

from functools import lru_cache
from html.parser import HTMLParser
from typing import Final

# They end by themselves.
_VOID: Final = frozenset({"br", "hr", "img", "input", "link", "meta", "path", "circle", "source"})


class _Parts(HTMLParser):
    """Collects each kind of element with its attributes and where it stands."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.above: list[str] = ["page"]
        self.kinds: set[str] = set()
        self.addresses: set[str] = set()
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the element; go into it unless it is void."""
        names = " ".join(sorted(name for name, _ in attrs))
        self.kinds.add(f"{self.above[-1]} > {tag}[{names}]")
        for name, value in attrs:
            if name in {"href", "src", "action", "formaction"}:
                self.addresses.add(value or "")
        if tag not in _VOID:
            self.above.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Go back to where the element began."""
        if tag in self.above:
            while self.above.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        """Keep the words."""
        self.words.append(data)


@lru_cache(maxsize=2048)
def read(page: str) -> _Parts:
    """Take a page apart."""
    parts = _Parts()
    parts.feed(page)
    parts.close()
    return parts
