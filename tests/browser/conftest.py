"""A person's browser: Chromium, driven by Playwright, on a site that is served as in production."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from tests import make, messages, renewals
from tests.chromium import ARGUMENTS, CHROMIUM
from tests.live import PASSWORD, ROOT, live_site
from tests.signin.second_factors import code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright._impl._api_structures import SetCookieParam
    from playwright.sync_api import Browser, BrowserContext, Page, Playwright

    from tests.live import LiveSite

__all__ = ["live_site"]

# Who may enter the desk, and so needs a second factor.
DESK = ("admin", "manager")
_SESSIONS: dict[tuple[str, str], list[SetCookieParam]] = {}
# Pictures go here when they are asked for; otherwise a run changes no file of the project.
SHOTS = ROOT / "docs" / "screenshots" if os.environ.get("CERTSRV_SCREENSHOTS") else None


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """One browser for all tests; the first start takes seconds."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
    yield browser
    browser.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A window of somebody who was never here."""
    fresh = chromium.new_context(viewport={"width": 1100, "height": 850}, accept_downloads=True)
    fresh.set_default_timeout(15_000)
    yield fresh
    fresh.close()


@pytest.fixture
def page(context: BrowserContext, live_site: LiveSite) -> Page:
    """A page on which Alice has just signed in, by the form that any address shows her."""
    return signed_in(context, live_site)


def signed_in(context: BrowserContext, site: LiveSite, name: str = "alice") -> Page:
    """Open the site as an article says, and sign in on the form it shows.

    Whoever works at the desk sets up an authenticator app, the first time; the next windows go on
    with that session, as a person's do.
    """
    page = context.new_page()
    if cookies := _SESSIONS.get((site.url, name)):
        context.add_cookies(cookies)
        page.goto(f"{site.url}/certsrv")
        page.get_by_role("heading", name="Welcome").wait_for()
        return page
    send_password(page, f"{site.url}/certsrv", name)
    if name in DESK:
        page.get_by_role("link", name="Set up an authenticator app").click()
        set_up_app(page)
        _SESSIONS[site.url, name] = cast("list[SetCookieParam]", context.cookies())
        page.goto(f"{site.url}/certsrv")
    page.get_by_role("heading", name="Welcome").wait_for()
    return page


def send_password(page: Page, address: str, name: str) -> None:
    """Open an address, and fill in the form that it shows."""
    page.goto(address)
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Password").press("Enter")


def set_up_app(page: Page) -> bytes:
    """Do what the page says with an app of our own; return its secret."""
    shown = page.locator(".secret-key").inner_text()
    secret = base64.b32decode(shown.replace(" ", ""))
    page.get_by_label("Code").fill(code(secret))
    page.get_by_role("button", name="Add the app").click()
    page.get_by_role("heading", name="Recovery codes").wait_for()
    return secret


def saved_request(name: str, number: int = 0) -> str:
    """Return the file that the key manager of IIS writes, for a key made in this run."""
    octets = messages.pkcs10(
        make.key("rsa:2048", number),
        messages.common_name(name),
        [
            messages.os_version(),
            messages.provider(),
            messages.client_info(process="InetMgr.exe"),
            messages.extension_request(messages.dns_names(name)),
        ],
    )
    return renewals.pem(octets).decode()


def picture(page: Page, name: str) -> None:
    """Keep what the page looks like, when pictures were asked for."""
    if SHOTS is not None:
        path = Path(SHOTS) / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=path, full_page=True)
