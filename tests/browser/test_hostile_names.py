"""In a real browser no hostile name runs a script, with the content security policy and without."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import requests

from enrollment.ca import encode
from tests.browser.conftest import picture, signed_in
from tests.gallery.scene import request_of
from tests.gallery.values import GALLERY
from tests.live import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page

    from tests.live import LiveSite

SHOWN = (
    "script",
    "script that ends another",
    "picture with a handler",
    "attribute breaker",
    "comment and title breaker",
    "address of a script",
    "template language",
    "right to left override",
    "combining tower",
    "homograph",
    "Punycode",
)
DESK = ("/admin/", "/admin/enrollment/enrollmentrequest/", "/admin/enrollment/certificate/")


@pytest.fixture(scope="module")
def asked(live_site: LiveSite) -> list[int]:
    """Requests with hostile names, sent as a script sends them; each waits for a manager."""
    return [_ask(live_site, GALLERY[what]) for what in SHOWN]


def _ask(site: LiveSite, value: str) -> int:
    fields = {
        "Mode": "newreq",
        "CertRequest": encode.pem_request(
            request_of(organization=value, common_name=value, beside=value)
        ),
        "CertAttrib": f"CertificateTemplate:SubCA\r\nHostile:{value}",
        "FriendlyType": value,
    }
    answer = requests.post(
        f"{site.url}/certsrv/certfnsh.asp", fields, auth=("alice", PASSWORD), timeout=30
    )
    found = re.search(r"Your Request Id is (\d+)", answer.text)
    assert found is not None, answer.text[-1500:]
    return int(found[1])


@pytest.mark.parametrize("guarded", [True, False], ids=["with the policy", "without it"])
def test_no_name_runs_a_script(
    chromium: Browser, live_site: LiveSite, asked: list[int], *, guarded: bool
) -> None:
    told: list[str] = []
    window = chromium.new_context(viewport={"width": 1280, "height": 900}, bypass_csp=not guarded)
    window.set_default_timeout(15_000)
    # The lists show every name; page by page it is told once, where nothing else would help.
    pages = [] if guarded else asked
    for name, addresses in {
        "alice": ["/certsrv/requests", *(f"/certsrv/status?id={one}" for one in pages)],
        "manager": [
            *DESK,
            *(f"/admin/enrollment/enrollmentrequest/{one}/change/" for one in pages),
        ],
    }.items():
        window.clear_cookies()
        page = signed_in(window, live_site, name)
        page.on("dialog", lambda dialog: _note(told, dialog))
        page.on("pageerror", lambda error: told.append(str(error)))
        page.on("console", lambda said: told.append(said.text) if said.type == "error" else None)
        for address in addresses:
            page.goto(live_site.url + address)
            _touch_everything(page)
            assert page.title() not in {"run", "1"}, address
        page.close()
    window.close()

    assert told == []


def _note(told: list[str], dialog: Dialog) -> None:
    told.append(dialog.message)
    dialog.dismiss()


def _touch_everything(page: Page) -> None:
    """Give every handler that a name could have brought its chance."""
    page.evaluate(
        """() => document.querySelectorAll("main *, #content *").forEach((one) => {
            for (const kind of ["mouseover", "focus", "error", "load", "click"])
                if (one.tagName !== "A" && one.tagName !== "BUTTON" || kind !== "click")
                    if (!one.closest("form") || kind !== "click")
                        one.dispatchEvent(new Event(kind));
        })"""
    )


def test_a_manager_sees_that_a_name_is_not_what_it_looks_like(
    chromium: Browser, live_site: LiveSite, asked: list[int]
) -> None:
    window = chromium.new_context(viewport={"width": 1280, "height": 900})
    window.set_default_timeout(15_000)
    page = signed_in(window, live_site, "manager")
    page.goto(f"{live_site.url}/admin/")
    picture(page, "hostile-1-queue")
    number = asked[SHOWN.index("homograph")]
    page.goto(f"{live_site.url}/admin/enrollment/enrollmentrequest/{number}/change/")

    assert page.get_by_text("Not what it looks like:").count() == 1
    assert page.get_by_text("U+0430 CYRILLIC SMALL LETTER A").first.is_visible()
    assert page.get_by_text("xn--pple-zq7-", exact=False).first.is_visible()
    picture(page, "hostile-2-review")

    window.clear_cookies()
    requester = signed_in(window, live_site)
    requester.goto(f"{live_site.url}/certsrv/requests")
    picture(requester, "hostile-3-my-requests")
    window.close()
