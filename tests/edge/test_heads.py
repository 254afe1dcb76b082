"""What is no whole request gets a sentence and a 4xx from the real listener, and no part of it."""

from __future__ import annotations

import base64

import pytest

from tests.edge.wire import ask, send
from tests.live import PASSWORD, LiveSite

ECHO = "echo4711"
HOST = "Host: localhost\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"
POST = f"POST /certsrv/certfnsh.asp HTTP/1.1\r\n{HOST}"


@pytest.fixture(scope="module")
def site(live_site: LiveSite) -> LiveSite:
    return live_site


UNREADABLE = [
    pytest.param(f"GET /{ECHO}{'a' * 9000} HTTP/1.1\r\n{HOST}\r\n", 414, id="huge address"),
    pytest.param(f"GET / HTTP/1.1\r\n{HOST}X: {ECHO}{'a' * 17000}\r\n\r\n", 431, id="huge header"),
    pytest.param(
        f"GET / HTTP/1.1\r\n{HOST}" + "".join(f"X{i}: {ECHO}\r\n" for i in range(80)) + "\r\n",
        431,
        id="many headers",
    ),
    pytest.param(f"GET / HTTP/1.1\r\n{HOST}X: a\r\n {ECHO}\r\n\r\n", 400, id="folded header"),
    pytest.param(f"GET / HTTP/1.1\nHost: localhost\nX: {ECHO}\n\n", 400, id="bare LF"),
    pytest.param(f"GET / HTTP/1.1\r\n{HOST}X: a\nY: {ECHO}\r\n\r\n", 400, id="bare LF in a header"),
    pytest.param(f"GET / HTTP/1.1\r\n{HOST}X : {ECHO}\r\n\r\n", 400, id="blank before the colon"),
    pytest.param(f"GET / HTTP/1.1\r\n{HOST}X: {ECHO}\0\r\n\r\n", 400, id="NUL in a header"),
    pytest.param(f"GET / HTTP/1.1\r\n{HOST}Host: {ECHO}\r\n\r\n", 400, id="two hosts"),
    pytest.param(f"get /{ECHO} HTTP/1.1\r\n{HOST}\r\n", 400, id="small letters"),
    pytest.param(f"GET /{ECHO} HTTP/9.9\r\n{HOST}\r\n", 400, id="unknown version"),
    pytest.param(f"{ECHO}\r\n\r\n", 400, id="no request at all"),
    pytest.param("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, id="HTTP/2"),
    pytest.param(f"GET / HTTP/1.1\r\n{HOST}Expect: {ECHO}\r\n\r\n", 417, id="unknown expectation"),
    pytest.param(f"{POST}{CHUNKED}Content-Length: 3\r\n\r\n0\r\n\r\n", 400, id="two lengths"),
    pytest.param(f"{POST}{CHUNKED}{CHUNKED}\r\n0\r\n\r\n", 400, id="chunked twice"),
    pytest.param(f"{POST}Transfer-Encoding: {ECHO}\r\n\r\n", 501, id="unknown coding"),
    pytest.param(f"{POST}Transfer-Encoding: gzip\r\n\r\n", 400, id="no end"),
    pytest.param(f"{POST}Content-Length: +3\r\n\r\nabc", 400, id="signed length"),
    pytest.param(f"{POST}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400, id="twice said"),
]
UNWANTED = [
    pytest.param(f"TRACE / HTTP/1.1\r\n{HOST}Cookie: {ECHO}\r\n", 405, id="TRACE"),
    pytest.param(f"CONNECT {ECHO}.example:443 HTTP/1.1\r\n{HOST}", 405, id="CONNECT"),
    pytest.param(f"PROPFIND /{ECHO} HTTP/1.1\r\n{HOST}", 405, id="PROPFIND"),
    pytest.param(f"PUT /{ECHO} HTTP/1.1\r\n{HOST}Content-Length: 0\r\n", 405, id="PUT"),
    pytest.param(f"{POST}{CHUNKED}\r\n3\r\nabc\r\n0\r\n\r\n", 411, id="chunked"),
    pytest.param(f"{POST}{CHUNKED}\r\n{ECHO}\r\n", 411, id="chunked and broken"),
    pytest.param(f"{POST}Content-Length: 99999999999999999999\r\n", 413, id="endless body"),
    pytest.param(f"GET / HTTP/1.1\r\nX: {ECHO}\r\n", 400, id="no host"),
    pytest.param(f"GET / HTTP/1.1\r\nHost: {ECHO}\r\n", 400, id="another's host"),
    pytest.param(f"GET http://{ECHO}/ HTTP/1.1\r\n{HOST}", 400, id="another's host in the address"),
    pytest.param(
        "GET http://localhost/ HTTP/1.1\r\nHost: 127.0.0.1\r\n", 400, id="two hosts, both ours"
    ),
]


@pytest.mark.parametrize(("octets", "status"), UNREADABLE)
def test_what_cannot_be_read_gets_a_sentence(site: LiveSite, octets: str, status: int) -> None:
    answer = send(site, octets.encode("latin-1"))

    assert answer.status == status
    assert answer.octets.count(b"Content-Length: ") == 1
    assert answer.text.count("<p>") == 2
    assert ECHO not in answer.octets.decode()
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.headers["Connection"] == "close"


@pytest.mark.parametrize(("octets", "status"), UNWANTED)
def test_what_no_client_sends_gets_a_sentence(site: LiveSite, octets: str, status: int) -> None:
    head, _, body = octets.partition("\r\n\r\n")
    head = head.removesuffix("\r\n")
    answer = send(site, f"{head}\r\nConnection: close\r\n\r\n{body}".encode("latin-1"))

    assert answer.status == status
    assert answer.octets.count(b"Content-Length: ") == 1
    assert answer.text.count("<p>") == 2
    assert ECHO not in answer.octets.decode()


def test_the_address_may_name_the_host_when_both_agree(site: LiveSite) -> None:
    assert ask(site, "GET", "http://LOCALHOST/healthz").status == 200


def test_an_old_client_names_no_host(site: LiveSite) -> None:
    """HTTP/1.0 has none."""
    assert send(site, b"GET /healthz HTTP/1.0\r\n\r\n").status == 200


@pytest.mark.parametrize(
    "line",
    ["X-Forwarded-Host: evil.example", "Forwarded: host=evil.example", "X-Original-URL: /admin/"],
)
def test_no_header_but_host_names_the_site(site: LiveSite, line: str) -> None:
    answer = ask(site, "GET", "/accounts/login/", line)

    assert answer.status == 200
    assert "evil.example" not in answer.octets.decode()


def multipart(site: LiveSite, address: str, fields: int, files: int, size: int) -> tuple[int, str]:
    parts = [f'name="f{number}"\r\n\r\nx' for number in range(fields)]
    parts += [
        f'name="certfile"; filename="{number}"\r\n\r\n{"x" * size}' for number in range(files)
    ]
    body = "".join(f"--b\r\nContent-Disposition: form-data; {part}\r\n" for part in parts)
    kind = "Content-Type: multipart/form-data; boundary=b"
    token = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
    answer = ask(
        site,
        "POST",
        address,
        kind,
        f"Authorization: Basic {token}",
        body=f"{body}--b--\r\n".encode(),
    )
    return answer.status, answer.text


@pytest.mark.parametrize(
    ("fields", "files", "size"),
    [
        pytest.param(500, 0, 0, id="many fields"),
        pytest.param(0, 50, 1, id="many files"),
        pytest.param(0, 1, 400_000, id="a long file"),
        pytest.param(0, 2, 500_000, id="two long files"),
    ],
)
def test_a_form_beyond_all_forms_is_refused_at_each_door(
    site: LiveSite, fields: int, files: int, size: int
) -> None:
    """certfnsh.asp answers with status 200, whatever was sent (contract section 1.4)."""
    status, text = multipart(site, "/certsrv/certfnsh.asp", fields, files, size)
    assert status == 200
    assert "Certificate Issued" not in text

    status, text = multipart(site, "/accounts/password/", fields, files, size)
    assert status in (200, 400, 403)
    assert "Something went wrong" not in text


def test_parts_within_parts_are_one_part(site: LiveSite) -> None:
    lines = (
        "--b",
        "Content-Disposition: form-data; name=f",
        "Content-Type: multipart/mixed; boundary=b",
        "",
    )
    body = "".join(f"{line}\r\n" for line in (*(lines * 50), "--b--")).encode()

    answer = ask(
        site,
        "POST",
        "/accounts/login/",
        "Content-Type: multipart/form-data; boundary=b",
        body=body,
    )

    assert 200 <= answer.status < 500


def test_none_of_it_was_a_fault(site: LiveSite) -> None:
    assert "Traceback" not in site.log()
