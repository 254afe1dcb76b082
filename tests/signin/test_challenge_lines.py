"""The 401 as bytes on a socket: a client library would join what must stay apart."""

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest

from certsrv.wsgi import application, expand
from enrollment.conf_ntlm import Ntlm


class Quiet(WSGIRequestHandler):
    """A handler that tells nobody what it does."""

    def log_message(self, *_: object) -> None:
        """Keep the output of tests clean."""


@pytest.fixture
def server() -> Iterator[WSGIServer]:
    def with_connection(environ: dict[str, Any], start: Any) -> Any:
        # As the site's own server does, so that NTLM can be offered.
        return application(environ | {"gunicorn.socket": made.socket}, start)

    with make_server("127.0.0.1", 0, with_connection, handler_class=Quiet) as made:
        thread = threading.Thread(target=made.handle_request)
        thread.start()
        yield made
        thread.join()


def ask(server: WSGIServer) -> bytes:
    with socket.create_connection(("127.0.0.1", server.server_port)) as connection:
        connection.sendall(b"GET /accounts/password/ HTTP/1.0\r\nHost: localhost\r\n\r\n")
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_challenges_are_lines_of_their_own_in_the_order_clients_need(
    server: WSGIServer, configure: Callable[..., None]
) -> None:
    """gokrb5 compares the first line for equality with `Negotiate` (contract, section 3)."""
    forced = Ntlm("off", plain_http=True)
    configure(sign_in=("basic", "ntlm", "negotiate"), ntlm=forced, realm="ca.example.com")

    head = ask(server).partition(b"\r\n\r\n")[0].split(b"\r\n")

    assert head[0] == b"HTTP/1.0 401 Unauthorized"
    assert [line for line in head if line.lower().startswith(b"www-authenticate")] == [
        b"WWW-Authenticate: Negotiate",
        b"WWW-Authenticate: NTLM",
        b'WWW-Authenticate: Basic realm="ca.example.com"',
    ]


def test_only_what_the_setting_names_is_offered(
    server: WSGIServer, configure: Callable[..., None]
) -> None:
    configure(sign_in=("basic",), realm="ca.example.com")

    answer = ask(server)

    assert answer.lower().count(b"www-authenticate:") == 1
    assert b"Negotiate" not in answer


def test_the_length_of_the_body_is_told(server: WSGIServer, configure: Callable[..., None]) -> None:
    configure(sign_in=("basic",))

    head, _, body = ask(server).partition(b"\r\n\r\n")

    assert f"content-length: {len(body)}".encode() in head.lower()


def test_lines_replace_the_header_that_django_joined() -> None:
    headers = [("Content-Length", "0"), ("WWW-Authenticate", "A, B")]
    lines = [("WWW-Authenticate", "A"), ("WWW-Authenticate", "B")]

    assert expand(headers, lines) == [("Content-Length", "0"), *lines]
