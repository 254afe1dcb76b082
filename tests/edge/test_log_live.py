"""Every kind of secret and of hostile text, sent to a live site: none of it is in its log."""

from __future__ import annotations

import base64
import json
import re

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from tests.edge.wire import ask, send
from tests.live import PASSWORD, LiveSite

# Each secret holds this, and its base64 at any of the three offsets one of the others.
MARK = "hunter2Hunter2hunter2"
_PRIVATE = ec.generate_private_key(ec.SECP256R1())
KEY = _PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
LOCKED_KEY = _PRIVATE.private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(MARK.encode())
).decode()
BIDI = "%E2%80%AE"


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def marks() -> list[str]:
    """Return what would give a secret away: itself, or a part of it as base64."""
    whole = [b64("x" * offset + MARK)[4:24] for offset in range(3)]
    return [MARK, *whole, *KEY.splitlines()[1:-1], *LOCKED_KEY.splitlines()[1:-1]]


def form(site: LiveSite, address: str, *lines: str, **fields: str) -> int:
    body = "&".join(f"{name}={quote(value)}" for name, value in fields.items()).encode()
    kind = "Content-Type: application/x-www-form-urlencoded"
    return ask(site, "POST", address, kind, *lines, body=body).status


def quote(text: str) -> str:
    return "".join(f"%{octet:02x}" for octet in text.encode())


def submit_secrets(site: LiveSite) -> list[int]:
    """Send each kind of secret where it belongs, and where people send it by mistake."""
    admin = f"Authorization: Basic {b64(f'admin:{PASSWORD}')}"
    found = [
        ask(site, "GET", "/certsrv/", f"Authorization: {scheme} {sent}").status
        for scheme, sent in {
            "Basic": b64(f"guest:{MARK}"),
            "basic": b64(f"guest:{MARK}2"),
            "Bearer": MARK,
            "NTLM": b64("NTLMSSP\0" + MARK),
            "Negotiate": b64(MARK),
            MARK: MARK,
        }.items()
    ]
    found += [
        ask(site, "GET", "/certsrv/", f"{name}: {MARK}").status
        for name in ("Cookie: sessionid=", "Client-Cert", "Remote-User", "X-API-Key", "Referer")
    ]
    found += [
        form(site, "/accounts/login/", username="guest", password=MARK, code=MARK, otp=MARK),
        form(site, "/accounts/login/", username=MARK, password="admin"),
        form(site, "/accounts/login/", username=MARK, password="admin"),
        form(site, "/accounts/password/", admin, old_password=MARK, new_password1=MARK),
        form(site, "/certsrv/certfnsh.asp", admin, Mode="newreq", CertRequest=KEY),
        form(site, "/certsrv/preview", admin, CertRequest=LOCKED_KEY, CertAttrib=f"x:{MARK}"),
        form(site, "/certsrv/certfnsh.asp", admin, CertAttrib=f"challenge:{MARK}"),
        ask(site, "GET", f"/certsrv/?password={MARK}&token={MARK}&{MARK}=1", admin).status,
        ask(site, "GET", f"/accounts/login/?next=/x?token={MARK}").status,
        ask(site, "GET", "/metrics", f"Authorization: Bearer {MARK}").status,
    ]
    return found + [
        send(site, octets.encode()).status
        for octets in (
            f"GET /?password={MARK} HTTP/9.9\r\n\r\n",
            f"GET /?password={MARK} and a blank HTTP/1.1\r\n\r\n",
            f"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization : Basic {MARK}\r\n\r\n",
            f"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic\r\n {MARK}\r\n\r\n",
            f"GET / HTTP/1.1\r\nHost: localhost\r\n{MARK} no colon\r\n\r\n",
            f"GET / HTTP/1.1\r\nHost: localhost\r\nExpect: {MARK}\r\n\r\n",
            f"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: {MARK}\r\n\r\n",
            f"POST /certsrv/certfnsh.asp HTTP/1.1\r\nHost: localhost\r\n{admin}\r\n"
            f"Transfer-Encoding: chunked\r\n\r\n{MARK}\r\n",
        )
    ]


def submit_hostile_text(site: LiveSite) -> list[int]:
    """Send what would move a terminal, forge a line or turn a text around."""
    agents = ("\x9b2J\x9b31m", "%n", "\u00ad", '" 200 "')
    found = [ask(site, "GET", "/healthz", f"User-Agent: {agent}").status for agent in agents]
    found += [
        ask(site, "GET", f"/certsrv/{path}?ReqID={path}").status
        for path in ("%0a%0dforged", "%1b%5b2J", BIDI, "%00", "%c2%9b", "%e2%80%a8x", "%ff")
    ]
    names = ("a\nb\x1b[2J", "\u202eadmin\u2028\x85")
    return found + [
        ask(site, "GET", "/", f"Authorization: Basic {b64(f'{name}:guess')}").status
        for name in names
    ]


@pytest.fixture(scope="module", params=["line", "json"])
def spoken(request: pytest.FixtureRequest, edge_home: LiveSite) -> tuple[str, str]:
    """The form of the log, and all that a site wrote to it while everything was sent."""
    edge_home.settings = {
        "CERTSRV_LOG_FORMAT": request.param,
        "CERTSRV_ACCESS_LOG": "on",
        "CERTSRV_SIGN_IN": "basic,token",
        "CERTSRV_LIMIT_PASSWORDS": "1/h",
    }
    (edge_home.home / "serve.log").unlink(missing_ok=True)
    edge_home.launch()
    try:
        found = submit_secrets(edge_home) + submit_hostile_text(edge_home)
    finally:
        edge_home.stop()
    assert max(found) < 500 or max(found) == 501
    # What `serve` says on standard output stands in the same file.
    lines = edge_home.log().split("\n")
    return request.param, "\n".join(one for one in lines if not one.startswith("Serving http"))


def test_no_secret_is_in_the_log(spoken: tuple[str, str]) -> None:
    _, text = spoken

    assert [mark for mark in marks() if mark in text] == []
    assert PASSWORD not in text


def test_the_log_was_written(spoken: tuple[str, str]) -> None:
    """Or else the test above could not fail."""
    _, text = spoken

    assert text.count("enrollment.access") > 30
    assert "limit met: CERTSRV_LIMIT_PASSWORDS" in text
    assert "is no request (InvalidHeader)" in text
    assert "admin" in text


def test_no_line_moves_a_terminal_or_was_forged(spoken: tuple[str, str]) -> None:
    form, text = spoken
    lines = text.rstrip("\n").split("\n")

    assert [line for line in lines if not line.isprintable()] == []
    if form == "json":
        told = [json.loads(line) for line in lines]
        assert all(one.keys() >= {"time", "level", "logger", "message"} for one in told)
        assert {one.get("account") for one in told} == {None, "admin"}
    else:
        begin = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [A-Z]+ [a-z._]+: ")
        assert [line for line in lines if not begin.match(line)] == []
