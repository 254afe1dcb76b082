"""Fetching as a relying party does, from servers that behave badly."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from enrollment.services.fetch import Fault, Fetch, NotFetched, fetch
from tests.loopback import serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.loopback import Handler


def fault_of(wanted: Fetch) -> NotFetched:
    """Return why nothing came."""
    with pytest.raises(NotFetched) as caught:
        fetch(wanted)
    return caught.value


def quick(url: str) -> Fetch:
    """Return a fetch with narrow bounds."""
    return Fetch(url, seconds=1, most_octets=100_000)


def test_what_is_served_comes() -> None:
    with serving(lambda handler: handler.give(b"a list")) as url:
        assert fetch(Fetch(f"{url}/CA.crl")) == b"a list"


def test_octets_are_posted_with_their_type() -> None:
    seen = []

    def answer(handler: Handler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        seen.append((handler.command, handler.headers["Content-Type"], body))
        handler.give(b"good")

    with serving(answer) as url:
        assert fetch(Fetch(url, b"question", "application/ocsp-request")) == b"good"
    assert seen == [("POST", "application/ocsp-request", b"question")]


def test_what_is_longer_than_the_bound_is_not_read_to_its_end() -> None:
    sent: list[int] = []

    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while len(sent) < 10_000:
            handler.wfile.write(bytes(100_000))
            sent.append(1)

    with serving(answer) as url:
        assert fault_of(quick(url)).fault is Fault.TOO_LONG
    assert len(sent) < 1_000


def _hang(handler: Handler) -> None:
    time.sleep(3)


def _drip_body(handler: Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(30):
        handler.wfile.write(b".")
        time.sleep(0.1)


def _drip_head(handler: Handler) -> None:
    for _ in range(30):
        handler.wfile.write(b"H")
        time.sleep(0.1)


@pytest.mark.parametrize("answer", [_hang, _drip_body, _drip_head])
def test_the_time_is_bounded_also_when_octets_keep_coming(
    answer: Callable[[Handler], None],
) -> None:
    begin = time.monotonic()

    with serving(answer) as url:
        assert fault_of(quick(url)).fault is Fault.TOO_SLOW
        assert time.monotonic() - begin < 2


def test_three_redirects_are_followed_and_a_fourth_is_not() -> None:
    def answer(handler: Handler) -> None:
        left = int(handler.path.strip("/"))
        if left:
            handler.give(b"", 302, Location=f"/{left - 1}")
        else:
            handler.give(b"here")

    with serving(answer) as url:
        assert fetch(Fetch(f"{url}/3")) == b"here"
        assert fault_of(Fetch(f"{url}/4")).fault is Fault.REDIRECT


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://x"])
def test_a_redirect_leads_to_http_and_nowhere_else(target: str) -> None:
    with serving(lambda handler: handler.give(b"", 302, Location=target)) as url:
        fault = fault_of(Fetch(url))

    assert fault.fault is Fault.REDIRECT
    assert "not http" in fault.detail


def test_a_post_is_not_redirected() -> None:
    with serving(lambda handler: handler.give(b"", 307, Location="/other")) as url:
        assert "status 307" in fault_of(Fetch(url, b"question")).detail


def test_another_status_than_200_is_told() -> None:
    with serving(lambda handler: handler.give(b"gone", 404)) as url:
        assert "status 404" in fault_of(Fetch(url)).detail


def test_nobody_who_listens_is_told() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/"

    assert fault_of(Fetch(url)).fault is Fault.REFUSED


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 70])
def test_a_name_without_an_address_is_told(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nothing)

    assert fault_of(Fetch(f"http://{host}/")).fault is Fault.UNRESOLVED


def test_what_speaks_no_http_is_told() -> None:
    def answer(handler: Handler) -> None:
        handler.wfile.write(b"220 mail ready\r\n\r\n")

    with serving(answer) as url:
        assert "no HTTP" in fault_of(Fetch(url)).detail


def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A relying party's proxies are its own; ours could hide that nobody else gets through."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    with serving(lambda handler: handler.give(b"direct")) as url:
        assert fetch(Fetch(url)) == b"direct"
