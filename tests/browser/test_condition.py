"""What is wrong with the CA stands above every page of the desk, and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import picture, signed_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.live import LiveSite

BANNER = "Certificates name an address that nobody on another machine can fetch"


@pytest.fixture(scope="module")
def looked_at(live_site: LiveSite) -> LiveSite:
    """A site that was looked at: it is called `localhost`, which is worth a warning."""
    live_site.manage("ca", "check")
    return live_site


def test_a_manager_sees_it_and_finds_the_whole_list(
    context: BrowserContext, looked_at: LiveSite
) -> None:
    desk = signed_in(context, looked_at, "manager")
    desk.goto(f"{looked_at.url}/admin/")
    assert desk.get_by_text(BANNER).is_visible()

    desk.get_by_role("status").get_by_role("link", name="Condition").click()

    desk.get_by_role("heading", name="Condition").wait_for()
    assert desk.get_by_text("The CA works, and something needs attention.").is_visible()
    assert desk.get_by_text(BANNER).count() == 1
    assert desk.get_by_role("cell", name="In order").count() >= 14
    assert desk.get_by_role("button", name="Check now").count() == 0
    picture(desk, "desk-12-condition")


def test_a_requester_sees_nothing_of_it(page: Page, looked_at: LiveSite) -> None:
    for address in ("/certsrv/", "/certsrv/certcarc.asp", "/admin/"):
        page.goto(looked_at.url + address)
        assert page.get_by_text(BANNER).count() == 0


def test_an_operator_has_everything_looked_at_again(
    context: BrowserContext, looked_at: LiveSite
) -> None:
    desk = signed_in(context, looked_at, "admin")
    desk.goto(f"{looked_at.url}/admin/condition/")

    desk.get_by_role("button", name="Check now").click()

    told = desk.get_by_text("Everything was looked at again.").or_(
        desk.get_by_text("less than half a minute ago")
    )
    told.wait_for()


@pytest.mark.parametrize("address", ["/admin/", "/admin/condition/"])
def test_a_phone_at_night_shows_it_without_scrolling_sideways(
    address: str, chromium: Browser, looked_at: LiveSite
) -> None:
    phone = chromium.new_context(viewport={"width": 390, "height": 800}, color_scheme="dark")
    desk = signed_in(phone, looked_at, "manager")

    desk.goto(looked_at.url + address)

    assert desk.get_by_text(BANNER).is_visible()
    assert desk.evaluate("document.documentElement.scrollWidth") <= 390
    if address.endswith("condition/"):
        picture(desk, "desk-phone-dark-condition")
    phone.close()
