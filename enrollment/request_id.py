"""The id of a request, by which a visitor and an operator can speak of the same one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from django.http import HttpRequest

KEY: Final = "certsrv.request_id"


def of(request: HttpRequest) -> str:
    """Return the id of a request; empty where nobody gave it one."""
    return str(request.META.get(KEY, ""))
