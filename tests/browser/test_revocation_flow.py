"""A manager holds a certificate, releases it, and revokes two at once; the requester sees it."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import picture, saved_request, signed_in
from tests.tools import require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.live import LiveSite

CERTIFICATES = "/admin/enrollment/certificate/"


def enroll(page: Page, site: LiveSite, name: str, number: int = 0) -> int:
    """Ask for a server certificate, which is issued at once; return the request id."""
    page.goto(f"{site.url}/certsrv/certrqxt.asp")
    page.locator("#locTaRequest").fill(saved_request(name, number))
    page.locator("#lbCertTemplateID").select_option(label="Web Server")
    page.locator("#btnSubmit").click()
    page.get_by_role("heading", name="Certificate Issued").wait_for()
    found = re.search(r"Request Id</dt><dd>(\d+)", page.content())
    assert found is not None
    return int(found[1])


def open_certificate(page: Page, site: LiveSite, name: str) -> None:
    """Find a certificate by its name, as a manager does, and open it."""
    page.goto(f"{site.url}{CERTIFICATES}?q={name}")
    page.locator("#result_list").get_by_role("link", name=name).first.click()
    page.get_by_role("heading", name="Content").wait_for()


def too_wide(page: Page) -> int:
    """Return by how many pixels a page has to be pushed sideways."""
    width: int = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return width


@pytest.fixture
def manager(chromium: Browser, live_site: LiveSite) -> Iterator[Page]:
    """The desk, with a manager at it."""
    window = chromium.new_context(viewport={"width": 1280, "height": 900})
    window.set_default_timeout(15_000)
    yield signed_in(window, live_site, "manager")
    window.close()


def test_a_certificate_is_held_and_released_and_the_requester_sees_both(
    page: Page, manager: Page, live_site: LiveSite
) -> None:
    number = enroll(page, live_site, "pause.example.com")
    open_certificate(manager, live_site, "pause.example.com")
    picture(manager, "desk-6-certificate")

    manager.get_by_role("button", name="Hold…", exact=True).click()
    manager.get_by_text("Until it is released.").wait_for()
    picture(manager, "desk-7-hold")
    manager.get_by_role("button", name="Hold", exact=True).click()
    manager.get_by_text("issued to alice, is on hold; CRL").wait_for()
    picture(manager, "desk-8-on-hold")

    page.goto(f"{live_site.url}/certsrv/requests")
    picture(page, "my-requests-on-hold")
    row = page.locator("tr", has_text=f"Request Id {number}")
    assert "On hold" in row.inner_text()
    page.goto(f"{live_site.url}/certsrv/status?id={number}")
    picture(page, "status-on-hold")
    assert "is on hold since" in page.content()

    manager.get_by_role("button", name="Release…", exact=True).click()
    manager.get_by_role("button", name="Release", exact=True).click()
    manager.get_by_text("issued to alice, is valid again; CRL").wait_for()
    page.goto(f"{live_site.url}/certsrv/requests")
    assert "Issued" in page.locator("tr", has_text=f"Request Id {number}").inner_text()


def test_two_are_selected_and_revoked_and_openssl_agrees(
    page: Page, manager: Page, live_site: LiveSite, tmp_path: Path
) -> None:
    require("openssl")
    names = ("first.lost.example.com", "second.lost.example.com")
    numbers = [enroll(page, live_site, name, at + 1) for at, name in enumerate(names)]
    manager.goto(f"{live_site.url}{CERTIFICATES}")
    for name in names:
        manager.get_by_label(f"Select {name}").check()
    assert manager.get_by_text("2 certificates selected:").count() == 1
    picture(manager, "desk-9-selection")

    manager.get_by_role("button", name="Revoke…", exact=True).first.click()
    manager.get_by_role("button", name="Revoke", exact=True).click()
    manager.get_by_text("Choose why").wait_for()
    manager.get_by_label("Key compromise").check()
    manager.get_by_label("Not to be trusted since").fill("2026-01-02T03:04")
    picture(manager, "desk-10-revoke")
    manager.get_by_role("button", name="Revoke", exact=True).click()
    manager.get_by_text("2 certificates are revoked; CRL").wait_for()
    picture(manager, "desk-11-revoked")

    octets = live_site.fetch(f"/certsrv/certnew.cer?ReqID={numbers[0]}&Enc=b64", name="alice")
    (tmp_path / "lost.pem").write_bytes(octets)
    crl = live_site.fetch("/certsrv/certcrl.crl?Type=base&Enc=b64", name="alice")
    (tmp_path / "ca.crl").write_bytes(crl)
    verdict = subprocess.run(
        ["openssl", "verify", "-crl_check", "-CAfile", str(live_site.ca_file), "-CRLfile",
         "ca.crl", "lost.pem"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "certificate revoked" in verdict.stderr


def test_a_key_that_was_lost_gets_no_certificate_again(
    page: Page, manager: Page, live_site: LiveSite
) -> None:
    enroll(page, live_site, "leak.example.com", 3)
    open_certificate(manager, live_site, "leak.example.com")
    manager.get_by_role("button", name="Revoke…", exact=True).click()
    manager.get_by_label("Key compromise").check()
    manager.get_by_role("button", name="Revoke", exact=True).click()
    manager.get_by_text("is revoked; CRL").wait_for()

    page.goto(f"{live_site.url}/certsrv/certrqxt.asp")
    page.locator("#locTaRequest").fill(saved_request("leak.example.com", 3))
    page.locator("#lbCertTemplateID").select_option(label="Web Server")
    page.locator("#btnSubmit").click()

    page.get_by_role("heading", name="Certificate Request Denied").wait_for()
    picture(page, "denied-lost-key")
    assert "others may have it" in page.content()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_taking_back_fits_a_phone(
    scheme: str, page: Page, chromium: Browser, live_site: LiveSite
) -> None:
    """Nothing has to be pushed sideways, by day and by night."""
    enroll(page, live_site, f"{scheme}.pocket.example.com", 4)
    pocket = chromium.new_context(
        viewport={"width": 390, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    pocket.set_default_timeout(15_000)
    desk = signed_in(pocket, live_site, "manager")
    said: list[str] = []
    desk.on("console", lambda message: said.append(message.text))

    desk.goto(f"{live_site.url}{CERTIFICATES}?q=alice")
    picture(desk, f"desk-phone-{scheme}-list")
    widths = {"list": too_wide(desk)}
    open_certificate(desk, live_site, f"{scheme}.pocket.example.com")
    picture(desk, f"desk-phone-{scheme}-certificate")
    widths["certificate"] = too_wide(desk)
    desk.get_by_role("button", name="Revoke…", exact=True).click()
    desk.get_by_label("Superseded").wait_for()
    picture(desk, f"desk-phone-{scheme}-revoke")
    widths["revoke"] = too_wide(desk)
    pocket.close()

    assert {name: width for name, width in widths.items() if width > 0} == {}
    # A style or a script that the policy forbids says so on the console.
    assert said == []
