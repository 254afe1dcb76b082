"""No hidden character reaches a page of the desk as it is, whoever wrote it.

Most of what the desk shows is drawn by Django's own templates: lists, filters, crumbs, messages. So
this looks at the page that is ready, not at each place (ADR 0031). What stands in a field to be
edited stays as it is: saving it again must change nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from django.http import HttpResponse
from django.urls import reverse

from enrollment.ca.names import visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponseBase

# As `names.visible`, without the blanks that pages may hold.
_HIDDEN: Final = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ue000-\uf8ff\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\ufffb\U000e0000-\U0010ffff"
)
_MARKS: Final = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_ODD: Final = re.compile(f"[{_HIDDEN}]|(?<=[{_MARKS}]{{3}})[{_MARKS}]")
_EDITED: Final = r"<textarea\b.*?</textarea>|\bvalue=\"[^\"]*\""
_PIECE: Final = re.compile(f"({_EDITED})|({_ODD.pattern})", re.DOTALL)


class ReadableMiddleware:
    """Show hidden characters on the desk's pages by their numbers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self._desk = reverse("admin:index")

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, readably."""
        response = self.get_response(request)
        if isinstance(response, HttpResponse) and request.path.startswith(self._desk):
            _make_readable(response)
        return response


def _make_readable(response: HttpResponse) -> None:
    if not response.headers.get("Content-Type", "").startswith("text/html"):
        return
    text = response.content.decode()
    if _ODD.search(text):
        response.content = _PIECE.sub(_shown, text).encode()


def _shown(piece: re.Match[str]) -> str:
    return piece[1] or "".join(map(_number, piece[2]))


def _number(sign: str) -> str:
    number = visible(sign)
    return number if number != sign else f"\\u{ord(sign):04x}"
