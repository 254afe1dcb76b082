"""Chromium, driven by Playwright: one driver for a whole run, which bears no second beside it."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Final

import pytest

from tests.tools import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Playwright

CHROMIUM: Final = os.environ.get("CERTSRV_CHROMIUM") or shutil.which("chromium") or ""
ARGUMENTS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """The driver, where there is a browser to drive."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is not installed")
    if not CHROMIUM:
        missing("chromium is not installed")
    with sync_playwright() as driver:
        yield driver
