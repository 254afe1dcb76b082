"""What was selected in a list of the desk, or named in its address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from django.http import HttpRequest

# As many as one page of a list shows; preparing each request costs a lint.
MOST: Final = 50
_LONGEST: Final = 18


def number(text: str) -> int | None:
    """Return an id of a row, or None for what was not on our page."""
    is_one = text.isascii() and text.isdigit() and len(text) <= _LONGEST
    return int(text) if is_one else None


def ids(request: HttpRequest, field: str) -> list[int]:
    """Return the ids that were selected under this name, each once."""
    found = (number(text) for text in request.POST.getlist(field)[:MOST])
    return list(dict.fromkeys(one for one in found if one is not None))
