"""The article's steps, typed by a person's hands, in the words of three generations of pages."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from tests.browser.conftest import picture, saved_request
from tests.tools import require

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

TODAY = (
    "Submit a certificate request by using a base-64-encoded CMC or PKCS #10 file, or submit a "
    "renewal request by using a base-64-encoded PKCS #7 file."
)
WINDOWS_2000 = (
    "Submit a certificate request using a base64 encoded PKCS #10 file or a renewal request using "
    "a base64 encoded PKCS #7 file"
)


def today(page: Page) -> None:
    """Links, as since Windows Server 2003."""
    page.get_by_role("link", name="Request a certificate").click()
    picture(page, "today-2-request")
    page.get_by_role("link", name="advanced certificate request").click()
    picture(page, "today-3-advanced")
    submit = page.get_by_role("link", name=TODAY)
    if submit.count():
        submit.first.click()


def windows_2000(page: Page) -> None:
    """Radio buttons and Next, as the article says."""
    page.get_by_label("Request a certificate", exact=True).check()
    picture(page, "windows-2000-1-home")
    page.get_by_role("button", name="Next >").click()
    page.get_by_label("Advanced request", exact=True).check()
    picture(page, "windows-2000-2-type")
    page.get_by_role("button", name="Next >").click()
    page.get_by_label(WINDOWS_2000, exact=True).check()
    picture(page, "windows-2000-3-advanced")
    page.get_by_role("button", name="Next >").click()


def certificate_server_1(page: Page) -> None:
    """Certificate enrollment tools, Process a certificate request."""
    page.get_by_role("link", name="Certificate enrollment tools").click()
    picture(page, "certificate-server-1-2-tools")
    page.get_by_role("link", name="Process a certificate request").click()


def download(page: Page, button: str, folder: Path) -> Path:
    with page.expect_download() as waiting:
        page.locator(button).click()
    target = folder / waiting.value.suggested_filename
    waiting.value.save_as(target)
    return target


@pytest.mark.parametrize(
    ("walk", "name", "box", "submit"),
    [
        pytest.param(today, "today", "Saved Request", "Submit >", id="today"),
        pytest.param(windows_2000, "windows-2000", "Saved Request", "Submit >", id="Windows 2000"),
        pytest.param(
            certificate_server_1,
            "certificate-server-1",
            "Saved request",
            "Next >",
            id="Certificate Server 1.0",
        ),
    ],
)
def test_a_pasted_request_becomes_an_installed_certificate(  # noqa: PLR0913, PLR0917 - one walk
    page: Page, tmp_path: Path, walk: object, name: str, box: str, submit: str
) -> None:
    host = f"{name}.example.com"
    picture(page, f"{name}-1-home")
    assert callable(walk)
    walk(page)

    page.get_by_label(box, exact=True).fill(saved_request(host))
    page.locator("#lbCertTemplateID").select_option(label="Web Server")
    page.get_by_text("The CA would issue this certificate at once").wait_for()
    picture(page, f"{name}-4-saved-request")
    page.get_by_role("button", name=submit).click()
    page.locator("#locPageTitle").get_by_text("Certificate Issued").wait_for()
    picture(page, f"{name}-5-issued")
    leaf = download(page, "#locDownloadCert3", tmp_path)
    chain = download(page, "#locDownloadCertChain3", tmp_path)
    page.goto(page.url.rsplit("/", 1)[0] + "/certcarc.asp")
    picture(page, f"{name}-6-ca-certificate")
    page.get_by_label("Base 64").check()
    authority = download(page, "#locDownloadCert2", tmp_path / "ca")

    assert (leaf.name, chain.name, authority.name) == ("certnew.cer", "certnew.p7b", "certnew.cer")
    certificate = x509.load_der_x509_certificate(leaf.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [host]
    assert verified(leaf, authority, tmp_path) == f"{tmp_path / 'leaf.pem'}: OK"
    assert listed(chain) == 2


def verified(leaf: Path, authority: Path, folder: Path) -> str:
    pem = folder / "leaf.pem"
    openssl = require("openssl")
    subprocess.run([openssl, "x509", "-inform", "DER", "-in", leaf, "-out", pem], check=True)
    run = subprocess.run(
        [openssl, "verify", "-x509_strict", "-CAfile", authority, pem],
        capture_output=True,
        text=True,
        check=False,
    )
    return run.stdout.strip() or run.stderr


def listed(chain: Path) -> int:
    run = subprocess.run(
        [require("openssl"), "pkcs7", "-inform", "DER", "-in", chain, "-print_certs"],
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.count("BEGIN CERTIFICATE")


def test_the_preview_says_what_is_read_before_anything_is_sent(page: Page) -> None:
    page.get_by_role("link", name="Request a certificate").click()
    page.get_by_role("link", name=TODAY).first.click()

    page.get_by_label("Saved Request").fill(saved_request("preview.example.com"))
    page.get_by_label("Saved Request").blur()

    page.get_by_text("The CA would issue this certificate at once").wait_for()
    assert page.get_by_text("InetMgr.exe").count()


def test_nothing_is_submitted_by_a_preview_without_script(
    page: Page, context: object, chromium: object
) -> None:
    state = page.context.storage_state()
    address = page.url
    silent = page.context.browser
    assert silent is not None
    window = silent.new_context(java_script_enabled=False, storage_state=state)
    plain = window.new_page()
    plain.goto(f"{address.rstrip('/')}/certrqxt.asp")
    plain.locator("#locTaRequest").fill(saved_request("plain.example.com"))
    plain.locator("#lbCertTemplateID").select_option(label="Web Server")

    plain.get_by_role("button", name="Preview").click()

    assert plain.get_by_text("The CA would issue this certificate at once").count() == 1
    picture(plain, "without-script-preview")
    window.close()


def test_a_keyboard_alone_is_enough(page: Page) -> None:
    page.goto(f"{page.url.rstrip('/')}/certrqxt.asp")
    page.locator("#locTaRequest").focus()
    page.keyboard.insert_text(saved_request("keyboard.example.com"))
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "btnSubmit":
            break
    page.locator("#lbCertTemplateID").select_option(label="Web Server")
    page.locator("#btnSubmit").focus()

    page.keyboard.press("Enter")

    page.locator("#locPageTitle").get_by_text("Certificate Issued").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_phone(page: Page, scheme: str) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for address in ("", "/certrqus.asp", "/certrqxt.asp", "/certckpn.asp", "/certcarc.asp"):
        page.goto(page.url.split("/certsrv")[0] + f"/certsrv{address}")

        assert page.evaluate("document.documentElement.scrollWidth") <= 390, address
        picture(page, f"phone-{scheme}-{address.strip('/').removesuffix('.asp') or 'home'}")
