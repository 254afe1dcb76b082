"""What script adds to the paste page, and what must never leave the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests import make
from tests.browser.conftest import saved_request

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request

ISSUE = "The CA would issue this certificate at once"


@pytest.fixture
def paste(page: Page) -> Page:
    """The paste page, with Alice in front of it."""
    page.goto(page.url.split("/certsrv")[0] + "/certsrv/certrqxt.asp")
    return page


def drop(page: Page, name: str, content: bytes) -> None:
    """Drop a file on the box, as a hand with a mouse does."""
    transfer = page.evaluate_handle(
        """([name, octets]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(octets)], name));
            return transfer;
        }""",
        [name, list(content)],
    )
    page.dispatch_event("#locTaRequest", "drop", {"dataTransfer": transfer})


FILES = {
    "text": saved_request("file.example.com").encode(),
    "UTF-16, as Windows saves it": saved_request("file.example.com").encode("utf-16"),
    "binary": make.request_der("file.example.com", dns=("file.example.com",)),
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES.keys())
def test_a_chosen_file_is_read_into_the_box(paste: Page, content: bytes) -> None:
    paste.set_input_files(
        "#locFile", {"name": "a.req", "mimeType": "application/pkcs10", "buffer": content}
    )

    paste.get_by_text(ISSUE).wait_for()
    assert "MII" in paste.input_value("#locTaRequest")


@pytest.mark.parametrize("content", FILES.values(), ids=FILES.keys())
def test_a_dropped_file_is_read_into_the_box(paste: Page, content: bytes) -> None:
    drop(paste, "server.req", content)

    paste.get_by_text(ISSUE).wait_for()
    paste.locator("#btnSubmit").click()
    paste.locator("#locPageTitle").get_by_text("Certificate Issued").wait_for()


def test_a_private_key_never_leaves_the_browser(paste: Page) -> None:
    key = make.key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    sent: list[Request] = []
    paste.on("request", lambda request: sent.append(request))  # noqa: PLW0108 - Playwright wraps functions only

    paste.fill("#locTaRequest", key)
    paste.locator("#locTaRequest").blur()
    paste.locator("#btnSubmit").click()

    paste.get_by_text("It was not sent.").wait_for()
    assert [request.url for request in sent if request.method == "POST"] == []


def test_the_template_that_the_request_names_is_chosen(paste: Page) -> None:
    """Certreq writes the template into its requests; the list follows, unless it was touched."""
    from tests import messages, renewals

    octets = messages.pkcs10(
        make.key(),
        messages.common_name("chosen.example.com"),
        [messages.extension_request(messages.template_name("CodeSigning"))],
    )
    paste.fill("#locTaRequest", renewals.pem(octets).decode())
    paste.locator("#locTaRequest").blur()

    paste.get_by_text("This request would wait for a certificate manager").wait_for()
    chosen = paste.locator("#lbCertTemplateID option:checked")
    assert chosen.inner_text() == "Code Signing"


def test_the_keyboard_alone_goes_from_the_box_to_the_certificate(paste: Page) -> None:
    paste.locator("#locTaRequest").focus()
    paste.keyboard.insert_text(saved_request("tab.example.com"))
    for _ in range(8):
        paste.keyboard.press("Tab")
        if paste.evaluate("document.activeElement.id") == "btnSubmit":
            break
    paste.keyboard.press("Enter")

    paste.locator("#locPageTitle").get_by_text("Certificate Issued").wait_for()
    paste.keyboard.press("Tab")
    assert paste.evaluate("document.activeElement.className") == "skip-link"


def test_the_certificate_can_be_copied_as_text(paste: Page) -> None:
    paste.context.grant_permissions(["clipboard-read", "clipboard-write"])
    paste.fill("#locTaRequest", saved_request("copy.example.com"))
    paste.locator("#btnSubmit").click()

    paste.get_by_role("button", name="Copy as text").click()

    paste.get_by_role("button", name="Copied").wait_for()
    text = paste.evaluate("navigator.clipboard.readText()")
    assert text.startswith("-----BEGIN CERTIFICATE-----")


def test_the_choice_of_encoding_is_followed_by_the_buttons(paste: Page) -> None:
    paste.fill("#locTaRequest", saved_request("encoding.example.com"))
    paste.locator("#btnSubmit").click()
    paste.get_by_label("Base 64 encoded").check()

    with paste.expect_download() as waiting:
        paste.locator("#locDownloadCert3").click()

    assert waiting.value.path().read_bytes().startswith(b"-----BEGIN CERTIFICATE-----\r\n")


def test_nothing_on_the_pages_breaks_the_policy_of_the_site(paste: Page) -> None:
    """Neither inline script nor inline style: the console would tell."""
    told: list[str] = []
    paste.on("console", lambda message: told.append(message.text))
    paste.on("pageerror", lambda error: told.append(str(error)))
    site = paste.url.rsplit("/", 1)[0]

    paste.fill("#locTaRequest", saved_request("policy.example.com"))
    paste.locator("#locTaRequest").blur()
    paste.get_by_text(ISSUE).wait_for()
    paste.locator("#btnSubmit").click()
    paste.locator("#locPageTitle").wait_for()
    for address in ("requests", "certcarc.asp", "certckpn.asp", "certrqma.asp?names=a.example.com"):
        paste.goto(f"{site}/{address}")

    assert told == []
