"""A request waits; a manager looks; one is issued, one denied; the requester sees both."""

from __future__ import annotations

import base64
import http.client
import re
from typing import TYPE_CHECKING

from tests.browser.conftest import picture, saved_request, signed_in
from tests.live import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.live import LiveSite


def submit(page: Page, site: LiveSite, name: str) -> int:
    """Ask for a CA certificate, which always waits for a manager; return the request id."""
    page.goto(f"{site.url}/certsrv/certrqxt.asp")
    page.locator("#locTaRequest").fill(saved_request(name))
    page.locator("#lbCertTemplateID").select_option(label="Subordinate Certification Authority")
    page.locator("#btnSubmit").click()
    page.get_by_role("heading", name="Certificate Pending").wait_for()
    found = re.search(r"Your Request Id is (\d+)", page.content())
    assert found is not None
    return int(found[1])


def answer(site: LiveSite, address: str, name: str) -> str:
    """Return what a program of somebody is answered."""
    token = base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()
    connection = http.client.HTTPConnection("127.0.0.1", site.http_port, timeout=20)
    connection.request("GET", address, headers={"Authorization": f"Basic {token}"})
    body = connection.getresponse().read()
    connection.close()
    return body.decode("latin-1")


def test_one_is_issued_one_is_denied_and_the_requester_sees_both(
    page: Page, chromium: Browser, live_site: LiveSite
) -> None:
    wanted = submit(page, live_site, "wanted-ca.example.com")
    unwanted = submit(page, live_site, "unwanted-ca.example.com")

    # Somebody else finds neither, and cannot decide.
    for number in (wanted, unwanted):
        assert "The requested property value is empty" in answer(
            live_site, f"/certsrv/certnew.cer?ReqID={number}&Enc=b64", "bob"
        )
        assert "wanted-ca" not in answer(live_site, f"/certsrv/certnew.p7b?ReqID={number}", "bob")
    page.goto(f"{live_site.url}/admin/")
    assert page.get_by_text("This desk is for managers").count() == 1

    desk = chromium.new_context(viewport={"width": 1280, "height": 900})
    desk.set_default_timeout(15_000)
    manager = signed_in(desk, live_site, "manager")
    manager.goto(f"{live_site.url}/admin/")
    assert manager.get_by_text("wanted-ca.example.com").count() >= 2
    picture(manager, "desk-1-queue")
    manager.goto(f"{live_site.url}/admin/enrollment/enrollmentrequest/{wanted}/change/")
    picture(manager, "desk-2-review")
    manager.get_by_role("button", name="Issue").click()
    manager.get_by_text(f"Request {wanted} is issued to alice.").wait_for()
    manager.goto(f"{live_site.url}/admin/enrollment/enrollmentrequest/{unwanted}/change/")
    manager.get_by_label("Reason, which the requester will read").fill("We have a CA already.")
    picture(manager, "desk-3-deny")
    manager.get_by_role("button", name="Deny").click()
    manager.get_by_text(f"Request {unwanted} of alice is denied.").wait_for()
    picture(manager, "desk-4-decided")
    desk.close()

    page.goto(f"{live_site.url}/certsrv/certckpn.asp")
    page.get_by_role("link", name="My requests").first.click()
    picture(page, "desk-5-my-requests")
    seen = page.content()
    assert "unwanted-ca.example.com" in seen
    assert "BEGIN CERTIFICATE" in answer(
        live_site, f"/certsrv/certnew.cer?ReqID={wanted}&Enc=b64", "alice"
    )
    refused = answer(live_site, f"/certsrv/certnew.cer?ReqID={unwanted}&Enc=b64", "alice")
    assert "Denied by manager" in refused
    assert "We have a CA already." in refused


def test_a_requester_cannot_post_a_decision(page: Page, live_site: LiveSite) -> None:
    waiting = submit(page, live_site, "own-ca.example.com")

    response = page.request.post(
        f"{live_site.url}/admin/enrollment/enrollmentrequest/{waiting}/decide/",
        form={"act": "issue", "digest": "0" * 64},
    )

    assert response.status in (403, 404)
    assert "Taken Under Submission" in answer(
        live_site, f"/certsrv/certnew.cer?ReqID={waiting}&Enc=b64", "alice"
    )


def test_the_desk_fits_a_phone(page: Page, chromium: Browser, live_site: LiveSite) -> None:
    """Nothing has to be pushed sideways, and a review can be read and decided with a thumb."""
    waiting = submit(page, live_site, "phone-ca.example.com")
    pocket = chromium.new_context(viewport={"width": 390, "height": 800})
    pocket.set_default_timeout(15_000)
    manager = signed_in(pocket, live_site, "manager")

    pages = {
        "queue": "/admin/",
        "review": f"/admin/enrollment/enrollmentrequest/{waiting}/change/",
        "certificates": "/admin/enrollment/certificate/",
        "templates": "/admin/enrollment/template/",
        "template": "/admin/enrollment/template/1/change/",
    }
    rows = "[...document.querySelectorAll('.form-row')]"
    cut_off = f"{rows}.filter(row => row.scrollWidth > row.clientWidth + 1)"
    for name, address in pages.items():
        manager.goto(f"{live_site.url}{address}")
        too_wide = manager.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert too_wide <= 0, address
        assert manager.evaluate(f"{cut_off}.length") == 0, address
        picture(manager, f"desk-phone-{name}")
    pocket.close()


def test_the_desk_breaks_no_policy_of_its_own(
    page: Page, chromium: Browser, live_site: LiveSite
) -> None:
    """A style or a script that the Content-Security-Policy forbids says so on the console."""
    waiting = submit(page, live_site, "policy-ca.example.com")
    window = chromium.new_context()
    window.set_default_timeout(15_000)
    manager = signed_in(window, live_site, "manager")
    said: list[str] = []
    manager.on("console", lambda message: said.append(message.text))

    for address in ("/admin/", f"/admin/enrollment/enrollmentrequest/{waiting}/change/",
                    "/admin/enrollment/certificate/", "/admin/enrollment/template/"):  # fmt: skip
        manager.goto(f"{live_site.url}{address}")
        manager.wait_for_load_state("networkidle")

    window.close()
    assert said == []
