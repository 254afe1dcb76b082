"""How our pages are written: plain words, no path of somebody's machine."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import ROOT, Page, every_page

_UNWANTED = re.compile(r"\b(simply|obviously|of course|please note)\b", re.IGNORECASE)
_OF_A_MACHINE = re.compile(r"(/root/|/home/[a-z]+/|/work/|/tmp/[a-z])")


@pytest.fixture(params=every_page(), ids=lambda page: page.path.relative_to(ROOT).as_posix())
def page(request: pytest.FixtureRequest) -> Page:
    """Each of our pages in turn."""
    assert isinstance(request.param, Page)
    return request.param


def test_no_word_talks_down_to_the_reader(page: Page) -> None:
    assert _UNWANTED.findall(page.prose) == []


def test_no_path_of_somebodys_machine(page: Page) -> None:
    assert _OF_A_MACHINE.findall(page.text) == []
