"""What only a trusted proxy may say: nobody else's word reaches anything that reads it."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import pytest
from django.http import HttpRequest, HttpResponse

from enrollment.conf_clients import Clients
from enrollment.signin.proxies import ProxyMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import RequestFactory

PROXY = "10.0.0.7"
CLAIMS = {
    "HTTP_CLIENT_CERT": ":AAAA:",
    "HTTP_CLIENT_CERT_CHAIN": ":AAAA:",
    "HTTP_REMOTE_USER": "admin",
    "HTTP_X_REMOTE_USER": "admin",
    "HTTP_X_AUTH_USER": "admin",
    "HTTP_FORWARDED": "for=10.0.0.1",
    "HTTP_X_FORWARDED_FOR": "10.0.0.1",
    "HTTP_X_FORWARDED_PROTO": "https",
    "HTTP_X_FORWARDED_HOST": "evil.example",
    "HTTP_X_FORWARDED_CLIENT_CERT": "x",
}


@pytest.fixture(autouse=True)
def _one_proxy(configure: Callable[..., None]) -> None:
    networks = (ipaddress.ip_network("10.0.0.0/29"), ipaddress.ip_network("fd00::7"))
    configure(clients=Clients(proxies=networks, user_header="X-Auth-User"))


def left(rf: RequestFactory, address: str) -> dict[str, str]:
    """Return the claims that come through, and see that the rest does."""
    seen: list[HttpRequest] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(request)
        return HttpResponse()

    request = rf.get("/", headers={"User-Agent": "curl"}, REMOTE_ADDR=address)
    request.META |= CLAIMS
    ProxyMiddleware(view)(request)

    assert seen[0].headers["User-Agent"] == "curl"
    return {name: value for name, value in seen[0].META.items() if name in CLAIMS}


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.8", "192.0.2.1", "::1", "fd00::8", "::ffff:10.0.0.8", "", "10.0.0.7,x"],
)
def test_a_stranger_s_claims_are_removed(rf: RequestFactory, address: str) -> None:
    assert left(rf, address) == {}


@pytest.mark.parametrize("address", [PROXY, "10.0.0.0", "fd00::7", "::ffff:10.0.0.7"])
def test_a_trusted_proxy_is_heard(rf: RequestFactory, address: str) -> None:
    assert left(rf, address) == CLAIMS


def test_without_trusted_proxies_nobody_is_heard(
    rf: RequestFactory, configure: Callable[..., None]
) -> None:
    configure(clients=Clients(user_header="X-Auth-User"))

    assert left(rf, PROXY) == {}


def test_a_forwarded_address_makes_nobody_a_proxy(rf: RequestFactory) -> None:
    request = rf.get("/", headers={"X-Forwarded-For": PROXY}, HTTP_REMOTE_USER="admin")
    ProxyMiddleware(lambda _: HttpResponse())(request)

    assert "HTTP_REMOTE_USER" not in request.META
