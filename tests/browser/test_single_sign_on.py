"""Single sign-on in a real browser, which has its own mind about cookies across sites.

The provider is at 127.0.0.1 and the site at localhost: two sites to a browser.
"""

from __future__ import annotations

import importlib.util
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.live import LiveSite, free_port
from tests.openid.conftest import CLIENT_ID, CLIENT_SECRET, GROUPS, Provider
from tests.tools import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext, Page


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSite]:
    """A site that believes a provider, and the provider with people in it."""
    if importlib.util.find_spec("oauth2_provider") is None:
        missing("the Python package django-oauth-toolkit is not installed")
    port = free_port()
    back = f"http://localhost:{port}/accounts/oidc/callback/"
    provider = Provider(tmp_path_factory.mktemp("provider"), callback=back)
    provider.start()
    provider.people(alice=["PKI Users"], maria=["PKI Managers"], dave=["Staff"])
    made = LiveSite(
        tmp_path_factory.mktemp("believing"),
        settings={
            "CERTSRV_OIDC_ISSUER": provider.issuer,
            "CERTSRV_OIDC_CLIENT_ID": CLIENT_ID,
            "CERTSRV_OIDC_CLIENT_SECRET": CLIENT_SECRET,
            "CERTSRV_OIDC_GROUPS": "; ".join(f"{theirs} = {ours}" for theirs, ours in GROUPS),
            "CERTSRV_OIDC_LABEL": "your company account",
        },
        http_port=port,
    )
    made.manage("setup")
    made.launch()
    yield made
    made.stop()
    provider.stop()


def go(context: BrowserContext, site: LiveSite, path: str, name: str) -> Page:
    """Open a page of the site, press its button, and say one's name at the provider."""
    page = context.new_page()
    page.goto(f"http://localhost:{site.http_port}{path}")
    page.get_by_role("link", name="Sign in with your company account").click()
    page.wait_for_url("http://127.0.0.1:*/login?**")
    page.get_by_label("Who?").fill(name)
    page.get_by_label("Who?").press("Enter")
    page.wait_for_url("http://localhost:*/**")
    return page


def test_a_person_comes_back_to_the_page_they_asked_for_and_stays_signed_in(
    context: BrowserContext, site: LiveSite
) -> None:
    page = go(context, site, "/certsrv/certrqxt.asp", "alice")

    expect(page).to_have_url(re.compile(r"/certsrv/certrqxt\.asp$"))
    page.get_by_label("Saved Request").wait_for()
    page.goto(f"http://localhost:{site.http_port}/certsrv/")
    expect(page.get_by_text("alice").first).to_be_visible()
    # What stood for the way there and back is gone; the session is for no other site's posts.
    kept = {cookie["name"]: cookie for cookie in context.cookies(page.url)}
    assert "oidc" not in kept
    assert kept["sessionid"]["httpOnly"]
    assert kept["sessionid"]["sameSite"] == "Lax"


def test_whoever_signs_out_is_asked_again(context: BrowserContext, site: LiveSite) -> None:
    page = go(context, site, "/certsrv/", "alice")
    page.get_by_role("button", name="Sign out").first.click()
    page.get_by_role("heading", name="Sign in").wait_for()

    page.goto(f"http://localhost:{site.http_port}/certsrv/certrqxt.asp")

    page.get_by_role("link", name="Sign in with your company account").wait_for()


def test_a_manager_is_led_to_a_second_factor(context: BrowserContext, site: LiveSite) -> None:
    page = go(context, site, "/admin/", "maria")

    page.get_by_role("heading", name="Second factor").wait_for()
    page.get_by_role("link", name="Set up an authenticator app").wait_for()


def test_whoever_is_in_no_group_is_told_what_to_do(context: BrowserContext, site: LiveSite) -> None:
    page = go(context, site, "/certsrv/", "dave")

    page.get_by_text("You were not signed in").wait_for()
    page.get_by_text("ask a CA administrator").wait_for()
