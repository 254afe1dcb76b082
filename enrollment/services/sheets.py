"""Tables as CSV, for programs and for spreadsheets that would take a cell for a formula.

Source: RFC 4180; OWASP, CSV Injection.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from enrollment.ca.names import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# What begins a formula in some spreadsheet; the wide ones are taken for the plain ones.
_FORMULA: Final = tuple("=+-@\t\r\n|%\uff1d\uff0b\uff0d\uff20")
# Where commas are for fractions, spreadsheets part cells at semicolons, and quotes that do not
# begin a cell hold nothing together.
_INNER_FORMULA: Final = re.compile(r"(; *)(?=[=+\-@|%\uff1d\uff0b\uff0d\uff20])")
# Excel takes UTF-8 for Latin-1 without it.
BYTE_ORDER_MARK: Final = "\ufeff"


def csv(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield one line after the other: all cells quoted, none of them a formula."""
    yield _line(headings)
    for row in rows:
        yield _line(row)


def _line(cells: Sequence[object]) -> str:
    return ",".join(f'"{_cell(cell)}"' for cell in cells) + "\r\n"


def _cell(value: object) -> str:
    """Return a cell as text on one line; an apostrophe keeps a formula from being one."""
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    is_formula = text.lstrip(" ").startswith(_FORMULA)
    written = _INNER_FORMULA.sub(r"\1'", visible(text))
    return ("'" if is_formula else "") + written.replace('"', '""')
