"""Programs and a browser of the realm, at a site that is served as in production."""

from __future__ import annotations

import http.client
import importlib.util
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from enrollment.signin.channel import binding_of
from tests.chromium import ARGUMENTS, CHROMIUM
from tests.clients import asking
from tests.clients.asking import request_pem
from tests.kerberos.realm import context_for, negotiate
from tests.live import LiveSite, clean_environment
from tests.tools import missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Playwright

    from tests.kerberos.realm import Realm

PAGE = "/certsrv/certrqus.asp"


def curl(site: LiveSite, realm: Realm, name: str, *words: str) -> tuple[str, str]:
    """Ask as somebody; return status and page."""
    return asking.curl(site, "--negotiate", "-u", ":", *words, **realm.environment(name))


@pytest.mark.parametrize("secure", [True, False], ids=["TLS", "plain"])
def test_curl_gets_a_certificate_by_a_ticket(
    kerberos_site: LiveSite,
    realm: Realm,
    tmp_path: Path,
    secure: bool,  # noqa: FBT001  # pytest's way
) -> None:
    url = kerberos_site.secure_url if secure else f"http://localhost:{kerberos_site.http_port}"
    request = tmp_path / "request.pem"
    request.write_text(request_pem("curl.example.com" if secure else "plain.example.com"))

    status, page = curl(
        *(kerberos_site, realm, "alice", f"{url}/certsrv/certfnsh.asp", "-d", "Mode=newreq"),
        *("-d", "CertAttrib=CertificateTemplate:WebServer"),
        *("--data-urlencode", f"CertRequest@{request}"),
    )

    assert status == "200"
    assert "certnew.cer?ReqID=" in page


@pytest.mark.parametrize("name", ["nobody", "stranger", "mallory"])
def test_curl_without_a_ticket_for_an_account_is_refused(
    kerberos_site: LiveSite, realm: Realm, name: str
) -> None:
    """Nobody has no ticket, the stranger has no account, Mallory is of another realm."""
    status, page = curl(kerberos_site, realm, name, kerberos_site.secure_url + PAGE)

    assert status == "401"
    assert "<title>401 - Unauthorized" in page


def challenges(
    site: LiveSite, token: bytes | None = None, *, secure: bool = True
) -> tuple[int, list[str]]:
    """Ask with a token; return status and the lines that ask for another."""
    connection: http.client.HTTPConnection
    if secure:
        context = ssl.create_default_context(cafile=str(site.ca_file))
        connection = http.client.HTTPSConnection("localhost", site.https_port, context=context)
    else:
        connection = http.client.HTTPConnection("localhost", site.http_port)
    connection.request("GET", PAGE, headers=negotiate(token) if token else {})
    answer = connection.getresponse()
    lines = answer.headers.get_all("WWW-Authenticate", [])
    connection.close()
    return answer.status, lines


def own_binding(site: LiveSite) -> bytes | None:
    """Return the binding to the certificate that the site shows."""
    pem = ssl.get_server_certificate(("localhost", site.https_port))
    return binding_of(ssl.PEM_cert_to_DER_cert(pem))


def test_the_first_line_is_negotiate_and_nothing_else(kerberos_site: LiveSite) -> None:
    """As gokrb5 wants it (contract, section 3)."""
    assert challenges(kerberos_site) == (401, ["Negotiate", 'Basic realm="localhost"'])


@pytest.mark.usefixtures("joined")
def test_a_ticket_that_was_overheard_is_worth_nothing(
    kerberos_site: LiveSite, realm: Realm
) -> None:
    token = context_for(realm).step()

    assert challenges(kerberos_site, token)[0] == 200
    assert challenges(kerberos_site, token)[0] == 401
    assert challenges(kerberos_site, token, secure=False)[0] == 401


@pytest.mark.usefixtures("joined")
def test_a_ticket_relayed_from_another_tls_server_is_refused(
    kerberos_site: LiveSite, realm: Realm
) -> None:
    """The client named the connection to the thief, and the thief cannot change that (ESC8)."""
    elsewhere = binding_of(ssl.PEM_cert_to_DER_cert(kerberos_site.ca_file.read_text()))

    for secure in (True, False):
        token = context_for(realm, binding=elsewhere).step()
        assert challenges(kerberos_site, token, secure=secure)[0] == 401

    mine = context_for(realm, binding=own_binding(kerberos_site)).step()
    assert challenges(kerberos_site, mine)[0] == 200
    assert "channel bindings" in kerberos_site.log()


REQUESTS = """
import sys, requests, requests_gssapi
url, trusted, bindings = sys.argv[1:]
sign_in = requests_gssapi.HTTPSPNEGOAuth(
    mutual_authentication=requests_gssapi.REQUIRED, channel_bindings=bindings or None
)
print(requests.get(url, auth=sign_in, verify=trusted).status_code)
"""


def requests_gssapi(site: LiveSite, realm: Realm, bindings: str) -> str:
    """Return the status that a Python program gets, which insists on the site's own proof."""
    if importlib.util.find_spec("requests_gssapi") is None:
        missing("the Python package requests-gssapi is not installed")
    done = subprocess.run(
        [sys.executable, "-c", REQUESTS, site.secure_url + PAGE, str(site.ca_file), bindings],
        env=clean_environment(**realm.environment("alice")),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout.strip() or done.stderr


@pytest.mark.parametrize("bindings", ["", "tls-server-end-point"], ids=["unbound", "bound"])
def test_requests_gssapi_is_believed_and_believes(
    kerberos_site: LiveSite, realm: Realm, bindings: str
) -> None:
    assert requests_gssapi(kerberos_site, realm, bindings) == "200"


def shown_by_chromium(
    playwright: Playwright, site: LiveSite, realm: Realm, name: str, profile: Path
) -> str:
    """Return what a browser shows on a workstation of the realm, in a page of the site.

    With a profile of its own: in private windows, Chromium sends no tickets. On Linux it loads
    the library of Kerberos when a site first asks, and answers from the second time on.
    """
    browser = playwright.chromium.launch_persistent_context(
        profile,
        executable_path=CHROMIUM,
        args=[*ARGUMENTS, "--auth-server-allowlist=localhost"],
        env={**clean_environment(**realm.environment(name))},
        ignore_https_errors=True,
    )
    page = browser.new_page()
    page.goto(f"{site.secure_url}/certsrv/")
    page.reload()
    text = page.locator("body").inner_text()
    browser.close()
    return text


def test_a_browser_of_the_realm_passes_silently(
    playwright: Playwright, kerberos_site: LiveSite, realm: Realm, tmp_path: Path
) -> None:
    text = shown_by_chromium(playwright, kerberos_site, realm, "alice", tmp_path)

    assert "Welcome" in text
    assert "alice" in text


@pytest.mark.parametrize("name", ["nobody", "stranger"])
def test_another_browser_is_shown_the_form(
    playwright: Playwright, kerberos_site: LiveSite, realm: Realm, name: str, tmp_path: Path
) -> None:
    text = shown_by_chromium(playwright, kerberos_site, realm, name, tmp_path)

    assert "Sign in" in text
    assert "Password" in text


@pytest.fixture
def strict_site(kerberos_site: LiveSite) -> Iterator[LiveSite]:
    """Another node of the site, where who names no connection is refused."""
    required = {"CERTSRV_CHANNEL_BINDING": "required"}
    node = LiveSite(kerberos_site.home, kerberos_site.settings | required)
    node.launch()
    yield node
    node.stop()


@pytest.mark.usefixtures("joined")
def test_where_binding_is_required_only_bound_clients_are_believed(
    playwright: Playwright, strict_site: LiveSite, realm: Realm, tmp_path: Path
) -> None:
    plain = f"http://localhost:{strict_site.http_port}{PAGE}"

    assert requests_gssapi(strict_site, realm, "tls-server-end-point") == "200"
    assert "401" in requests_gssapi(strict_site, realm, "")
    assert curl(strict_site, realm, "alice", plain)[0] == "401"
    mine = context_for(realm, binding=own_binding(strict_site)).step()
    assert challenges(strict_site, mine, secure=False)[0] == 401
    # Chromium on Linux names none, on Windows it does.
    assert "Password" in shown_by_chromium(playwright, strict_site, realm, "alice", tmp_path)
