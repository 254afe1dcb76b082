"""A manager's second factors in a real browser: an app, a passkey, and what they look like."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import picture, send_password, set_up_app
from tests.signin.second_factors import code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.live import LiveSite


@pytest.fixture(scope="module")
def newcomer(live_site: LiveSite) -> str:
    """A manager who has no second factor yet."""
    file = str(live_site.home / "password")
    live_site.manage(
        "user", "add", "zoe", "--password-file", file, "--group", "Certificate Managers"
    )
    return "zoe"


@pytest.fixture
def window(chromium: Browser) -> Iterator[BrowserContext]:
    """A window that can make passkeys: Chromium's own authenticator for tests."""
    fresh = chromium.new_context(viewport={"width": 1100, "height": 850})
    fresh.set_default_timeout(15_000)
    yield fresh
    fresh.close()


def with_authenticator(window: BrowserContext) -> Page:
    page = window.new_page()
    chrome = window.new_cdp_session(page)
    chrome.send("WebAuthn.enable")
    chrome.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return page


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").first.click()
    page.get_by_role("heading", name="Sign in").wait_for()


def on_a_phone(chromium: Browser, here: str, name: str, codes: list[str]) -> None:
    """Sign in with a recovery code; nothing has to be pushed sideways."""
    pocket = chromium.new_context(viewport={"width": 390, "height": 800}, color_scheme="dark")
    pocket.set_default_timeout(15_000)
    page = pocket.new_page()
    again = "/accounts/second-factor/?again=1&next=/accounts/factors/app/"
    send_password(page, f"{here}/accounts/factors/", name)
    for sent, shown in ((codes[0], "list"), (codes[1], "app")):
        page.get_by_label("Code").fill(sent)
        page.get_by_role("button", name="Go on").click()
        page.wait_for_url("**/accounts/factors/**")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, shown
        picture(page, f"phone-dark-second-factor-{shown}")
        page.goto(f"{here}{again}")
    picture(page, "phone-dark-second-factor")
    pocket.close()


def test_a_manager_sets_up_an_app_then_a_passkey_and_signs_in_with_each(
    window: BrowserContext, live_site: LiveSite, newcomer: str, chromium: Browser
) -> None:
    here = f"http://localhost:{live_site.http_port}"
    page = with_authenticator(window)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))

    # Led from the desk to the set-up, and back.
    send_password(page, f"{here}/admin/", newcomer)
    page.get_by_role("heading", name="Second factor").wait_for()
    picture(page, "second-factor-1-needed")
    page.get_by_role("link", name="Set up an authenticator app").click()
    picture(page, "second-factor-2-app")
    began = time.time()
    secret = set_up_app(page)
    picture(page, "second-factor-3-recovery-codes")
    codes = page.locator("pre").inner_text().split()
    page.get_by_role("link", name="I have them: go to the desk").click()
    page.get_by_role("link", name="Second factor").click()
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_role("heading", name="Set up a passkey").wait_for()
    picture(page, "second-factor-4-passkey")
    page.get_by_role("button", name="Make a passkey").click()
    page.get_by_text("It is added.").wait_for()
    picture(page, "second-factor-5-list")
    sign_out(page)

    # With the passkey.
    send_password(page, f"{here}/admin/", newcomer)
    page.get_by_role("button", name="Use the passkey").wait_for()
    picture(page, "second-factor-6-asked")
    page.get_by_role("button", name="Use the passkey").click()
    page.get_by_role("heading", name="Queue").wait_for()
    page.goto(f"{here}/certsrv/")
    sign_out(page)

    # With a code of the app: the one that set it up counts no more, the next one does.
    send_password(page, f"{here}/admin/", newcomer)
    page.get_by_label("Code").fill(code(secret, at=began))
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("This code is not right").wait_for()
    page.get_by_label("Code").fill(code(secret, steps=1))
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("heading", name="Queue").wait_for()
    # The form comes as the body of a 401, which Chromium notes; nothing broke a policy.
    assert [words for words in said if "401" not in words] == []
    on_a_phone(chromium, here, newcomer, codes)
