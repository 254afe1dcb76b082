"""The roll-over as an operator sees it: two renewals with a new key, at a desk and on a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import picture, saved_request, signed_in
from tests.live import LiveSite

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def renewed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSite]:
    """A site of its own: the others must not meet a CA that changes under them."""
    site = LiveSite(tmp_path_factory.mktemp("rollover"), {"CERTSRV_CA_KEY": "ec:p256"})
    site.set_up()
    site.start()
    yield site
    site.stop()


def test_the_page_leads_through_a_roll_over(chromium: Browser, renewed: LiveSite) -> None:
    desk = chromium.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    desk.set_default_timeout(15_000)
    alice = signed_in(desk, renewed)
    alice.goto(f"{renewed.url}/certsrv/certrqxt.asp")
    alice.locator("#locTaRequest").fill(saved_request("www.example.com"))
    alice.locator("#lbCertTemplateID").select_option(label="Web Server")
    alice.locator("#btnSubmit").click()
    alice.get_by_role("heading", name="Certificate Issued").wait_for()
    desk.clear_cookies()
    renewed.manage("ca", "renew", "--new-key")
    renewed.manage("ca", "renew")
    renewed.manage("ca", "renew", "--new-key")

    page = signed_in(desk, renewed, "manager")
    page.goto(f"{renewed.url}/admin/enrollment/authority/")
    page.get_by_role("link", name="Keys and roll-over").click()
    page.get_by_role("heading", name="Keys and roll-over").wait_for()
    picture(page, "desk-rollover")
    with page.expect_download() as download:
        page.get_by_role("link", name="(0-1)", exact=True).click()
    assert download.value.suggested_filename == "localhost_Example Issuing CA(0-1).crt"
    page.goto(f"{renewed.url}/certsrv/certcarc.asp")
    picture(page, "today-certcarc-renewed")
    desk.close()

    phone = chromium.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    phone.set_default_timeout(15_000)
    small = signed_in(phone, renewed, "manager")
    small.goto(f"{renewed.url}/admin/rollover/")
    picture(small, "desk-phone-rollover")
    width = small.evaluate("document.documentElement.scrollWidth")
    phone.close()
    assert width <= 390
