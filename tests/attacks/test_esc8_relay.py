"""ESC8: a sign-in of somebody else, relayed to the pages of enrollment.

What a relay needs is a sign-in without a binding to its connection, and NTLM is the one that every
relay speaks. Kerberos relayed from another TLS server is played in `tests/kerberos/test_live.py`.
"""

from __future__ import annotations

import base64
import http.client
import ssl
import struct
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from enrollment import conf
from tests import make
from tests.live import PASSWORD
from tests.live import live_site as live_site  # noqa: PLC0414 - a fixture, for this module

if TYPE_CHECKING:
    from tests.live import LiveSite

# What every relay forwards first: NEGOTIATE_MESSAGE of MS-NLMP 2.2.1.1, with the flags of Windows.
NTLM = (
    b"NTLMSSP\x00" + struct.pack("<II", 1, 0xE2088297) + bytes(16) + b"\x0a\x00\x61\x4a\0\0\0\x0f"
)
PAGE = "/certsrv/certfnsh.asp"


def relay(site: LiveSite, *headers: tuple[str, str], secure: bool) -> tuple[int, list[str], str]:
    """Ask for a certificate with somebody's sign-in; return status, challenges and page."""
    connection: http.client.HTTPConnection
    if secure:
        context = ssl.create_default_context(cafile=str(site.ca_file))
        connection = http.client.HTTPSConnection("localhost", site.https_port, context=context)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", site.http_port)
    fields = {
        "Mode": "newreq",
        "CertRequest": make.request_pem("relay.example.com", kind="ec:p256").decode(),
        "CertAttrib": "CertificateTemplate:WebServer",
    }
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", PAGE, urlencode(fields), form | dict(headers))
    answer = connection.getresponse()
    page = answer.read().decode()
    lines = answer.headers.get_all("WWW-Authenticate", [])
    connection.close()
    return answer.status, lines, page


@pytest.mark.parametrize("secure", [True, False], ids=["TLS", "plain"])
@pytest.mark.parametrize("word", ["NTLM", "Negotiate", "ntlm", "NEGOTIATE"])
def test_a_new_site_answers_no_relayed_sign_in_with_a_challenge(
    live_site: LiveSite,
    word: str,
    secure: bool,  # noqa: FBT001 - pytest's way
) -> None:
    token = ("Authorization", f"{word} {base64.b64encode(NTLM).decode()}")

    status, lines, page = relay(live_site, token, secure=secure)

    assert status == 401
    assert lines == ['Basic realm="localhost"']
    assert "certnew.cer" not in page


@pytest.mark.parametrize("secure", [True, False], ids=["TLS", "plain"])
def test_a_connection_that_somebody_signed_in_on_signs_in_nobody_else(
    live_site: LiveSite,
    secure: bool,  # noqa: FBT001 - pytest's way
) -> None:
    """Relays keep the connection open after the sign-in: here it is worth nothing."""
    basic = base64.b64encode(f"alice:{PASSWORD}".encode()).decode()
    context = ssl.create_default_context(cafile=str(live_site.ca_file))
    connection = (
        http.client.HTTPSConnection("localhost", live_site.https_port, context=context)
        if secure
        else http.client.HTTPConnection("127.0.0.1", live_site.http_port)
    )
    statuses = []
    for headers in ({"Authorization": f"Basic {basic}"}, {}):
        connection.request("GET", "/certsrv/certrqxt.asp", headers=headers)
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    connection.close()

    assert statuses == [200, 401]


def test_names_of_accounts_in_headers_of_a_proxy_are_nobody_s_word(live_site: LiveSite) -> None:
    headers = [
        ("Remote-User", "alice"),
        ("X-Remote-User", "alice"),
        ("X-Forwarded-User", "alice"),
        ("Client-Cert", ":AAAA:"),
    ]
    for header in headers:
        assert relay(live_site, header, secure=True)[0] == 401


@pytest.mark.parametrize("secure", [True, False], ids=["TLS", "plain"])
def test_alice_herself_is_issued_the_same_certificate(
    live_site: LiveSite,
    secure: bool,  # noqa: FBT001 - pytest's way
) -> None:
    basic = base64.b64encode(f"alice:{PASSWORD}".encode()).decode()

    status, _, page = relay(live_site, ("Authorization", f"Basic {basic}"), secure=secure)

    assert status == 200
    assert "certnew.cer?ReqID=" in page


def test_the_plain_listener_of_a_new_site_is_reached_by_nobody_else() -> None:
    """Passwords in the clear can be relayed by whoever hears them."""
    settings = conf.read({})

    assert settings.http is not None
    assert settings.http.host == "127.0.0.1"
    assert "ntlm" not in settings.sign_in
