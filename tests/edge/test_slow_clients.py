"""Slow clients are let go after a while, and keep nobody else waiting meanwhile."""

from __future__ import annotations

import contextlib
import resource
import socket
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from enrollment.serving.connections import APPLICATION_THREADS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.live import LiveSite

# More than there are threads of the application in the one process of this site.
MANY = 3 * APPLICATION_THREADS
SECONDS = 1
# With the threads of before, somebody else waited for nine seconds or more.
MOST_WAITED = 2.0
STYLES = "/static/certsrv/bootstrap/bootstrap.min.css"
BEGUN = {
    "headers byte by byte": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ",
    "a body byte by byte": b"POST /accounts/login/ HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nusername=",
    "a chunk byte by byte": b"POST /accounts/login/ HTTP/1.1\r\nHost: localhost\r\n"
    b"Transfer-Encoding: chunked\r\n\r\nff\r\n",
}

# The head of a record of 512 octets, and of the hello in it.
HANDSHAKE = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


@pytest.fixture(scope="module")
def site(edge_home: LiveSite) -> Iterator[LiveSite]:
    """A site of one process with little patience."""
    edge_home.settings = {
        "CERTSRV_READ_SECONDS": str(SECONDS),
        "CERTSRV_WRITE_SECONDS": str(SECONDS),
    }
    edge_home.launch()
    yield edge_home
    edge_home.stop()


@pytest.fixture
def open_many(site: LiveSite) -> Iterator[Callable[..., list[socket.socket]]]:
    """Open many connections that have sent the same."""
    found: list[socket.socket] = []

    def open_them(octets: bytes, port: int = site.http_port) -> list[socket.socket]:
        begun = len(found)
        for _ in range(MANY):
            connection = socket.socket()
            # A window so small that the server cannot write an answer and forget it.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            connection.connect(("127.0.0.1", port))
            connection.sendall(octets)
            found.append(connection)
        return found[begun:]

    yield open_them
    for connection in found:
        connection.close()


def how_long(site: LiveSite) -> float:
    """Return how many seconds somebody else waits for an answer."""
    began = time.monotonic()
    assert site.fetch("/healthz") == b"alive\n"
    return time.monotonic() - began


def is_let_go(connection: socket.socket) -> bool:
    """Tell whether the server hung up: nothing can be sent any more."""
    try:
        connection.send(b"a", socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return False


def test_slow_requests_keep_nobody_waiting_and_end(
    site: LiveSite, open_many: Callable[..., list[socket.socket]]
) -> None:
    """Each kind alone takes all threads of the application, if it can take one."""
    slow = {kind: open_many(octets) for kind, octets in BEGUN.items()}
    slow["a handshake byte by byte"] = open_many(HANDSHAKE, site.https_port)
    waited = 0.0
    give_up = time.monotonic() + 8 * SECONDS
    while any(slow.values()) and time.monotonic() < give_up:
        waited = max(waited, how_long(site))
        slow = {kind: [one for one in ones if not is_let_go(one)] for kind, ones in slow.items()}
        time.sleep(0.2)

    assert {kind: len(ones) for kind, ones in slow.items()} == dict.fromkeys(slow, 0)
    assert waited < MOST_WAITED


def test_who_takes_an_answer_slowly_keeps_nobody_waiting_and_is_let_go(
    site: LiveSite, open_many: Callable[..., list[socket.socket]]
) -> None:
    whole = len(site.fetch(STYLES))
    slow = open_many(f"GET {STYLES} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    began = time.monotonic()
    waited, read = 0.0, 0
    while time.monotonic() < began + 2 * SECONDS:
        waited = max(waited, how_long(site))
        for one in slow:
            with contextlib.suppress(OSError):
                read += len(one.recv(50, socket.MSG_DONTWAIT))
        time.sleep(0.1)

    assert waited < MOST_WAITED
    assert 0 < read < whole
    rest = 0
    slow[0].settimeout(2)
    with contextlib.suppress(OSError):
        while piece := slow[0].recv(65536):
            rest += len(piece)
    assert 0 < rest < whole


def test_more_clients_than_the_system_has_room_for_wait_and_end_nothing(site: LiveSite) -> None:
    """64 descriptors, and 100 clients; the process that serves is the same afterwards."""
    site.stop()
    site.run_as["preexec_fn"] = partial(resource.setrlimit, resource.RLIMIT_NOFILE, (64, 64))
    site.launch()
    del site.run_as["preexec_fn"]
    workers = children(site)
    waiting = [socket.create_connection(("127.0.0.1", site.http_port)) for _ in range(100)]
    time.sleep(0.5)
    for one in waiting:
        one.close()

    assert how_long(site) < 5 * MOST_WAITED
    assert children(site) == workers


def children(site: LiveSite) -> str:
    assert site.process is not None
    number = site.process.pid
    return Path(f"/proc/{number}/task/{number}/children").read_text()


def test_a_slow_client_is_no_fault(site: LiveSite) -> None:
    assert [line for line in site.log().splitlines() if "Traceback" in line] == []
