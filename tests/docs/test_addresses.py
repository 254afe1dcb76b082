"""docs/reference/addresses.md lists the addresses that resolve, and who may reach them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.urls import Resolver404, URLPattern, get_resolver, resolve

from tests.docs.pages import page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from django.urls import URLResolver

PAGE = page("docs/reference/addresses.md")
ROWS = {row.code("address")[0]: row for row in PAGE.rows("## What there is")}
RESERVED = [row.code("address")[0] for row in PAGE.rows("## Reserved")]
DESK = "/admin/"


def _plain(pattern: str) -> str:
    """Write a pattern as a person would: no anchors, no letters in two cases, `<name>`."""
    bare = pattern.replace("^", "").removesuffix("$").removesuffix("/?")
    text = re.sub(r"\[(\w)\w\]", r"\1", bare)
    return re.sub(r"\(\?P(<\w+>)[^)]*\)", r"\1", text).replace("\\", "")


def _walk(
    patterns: list[URLPattern | URLResolver], before: str
) -> Iterator[tuple[str, Callable[..., Any]]]:
    for pattern in patterns:
        address = before + _plain(str(pattern.pattern))
        if isinstance(pattern, URLPattern):
            yield address, pattern.callback
        else:
            yield from _walk(pattern.url_patterns, address)


def addresses() -> dict[str, Callable[..., Any]]:
    """Return every address with its view; the desk's many pages count as one."""
    found = dict(_walk(get_resolver().url_patterns, "/"))
    return {address: view for address, view in found.items() if not address.startswith(DESK)} | {
        DESK: found[DESK]
    }


def test_every_address_that_resolves_stands_on_the_page_and_no_other() -> None:
    assert set(ROWS) == set(addresses())


@pytest.mark.parametrize("address", sorted(set(ROWS) - {DESK}))
def test_the_page_says_who_may_reach_an_address(address: str) -> None:
    is_closed = getattr(addresses()[address], "login_required", True)

    assert ROWS[address].cells["for"] == ("account" if is_closed else "open")


@pytest.mark.parametrize("address", RESERVED)
def test_a_reserved_address_is_not_taken(address: str) -> None:
    with pytest.raises(Resolver404):
        resolve(address)
