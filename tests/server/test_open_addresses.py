"""The short way of OCSP: past sign-in, never past a view that is closed, and with every header."""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import re_path

from enrollment.serving.open_addresses import OpenAddressMiddleware

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import Settings

pytestmark = pytest.mark.django_db

# A request that is none: the answer is short, and the way to it is the same.
BROKEN = "/ocsp/AAAA"
HEADERS = (
    "Content-Security-Policy",
    "Permissions-Policy",
    "X-Frame-Options",
    "X-Content-Type-Options",
    "Referrer-Policy",
    "Cross-Origin-Opener-Policy",
    "Content-Length",
)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_an_answer_has_every_header_of_the_site(method: str) -> None:
    response = Client().generic(method, BROKEN, content_type="application/ocsp-request")

    assert response.status_code == 200
    assert [name for name in HEADERS if not response.has_header(name)] == []
    assert not response.has_header("Vary")
    assert not response.cookies


@pytest.mark.parametrize("address", ["/ocsp", "/OCSP/AAAA", "/oCsP/AAAA"])
def test_only_the_names_of_the_site_are_answered(address: str) -> None:
    response = Client(headers={"Host": "other.example.net"}).get(address)

    assert response.status_code == 400
    assert b"does not go by the name" in response.content


def test_a_cookie_or_a_wrong_password_keeps_nobody_from_an_answer() -> None:
    """Whoever checks a certificate is asked for nothing, so nothing that is sent is judged."""
    client = Client(headers={"Authorization": "Basic bm9ib2R5Om5vdGhpbmc="})
    client.cookies["sessionid"] = "junk"

    assert client.get(BROKEN).status_code == 200


@pytest.mark.parametrize("address", ["/ocspx", "/ocsp.asp", "/ocs"])
def test_what_only_begins_like_it_takes_the_long_way(address: str) -> None:
    assert Client().get(address).status_code == 401


def closed(_request: HttpRequest) -> HttpResponse:
    raise AssertionError("a closed view was reached")


@login_not_required  # for this test
def opened(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(b"open")


@pytest.fixture
def other_addresses(settings: Settings) -> Iterator[None]:
    """Addresses under /ocsp of which one forgot to say that it is open."""
    module = types.ModuleType("tests.other_addresses")
    module.urlpatterns = [re_path("^ocsp/closed$", closed), re_path("^ocsp/open$", opened)]  # type: ignore[attr-defined]  # a module of addresses
    sys.modules[module.__name__] = module
    settings.ROOT_URLCONF = module.__name__
    yield
    del sys.modules[module.__name__]


@pytest.mark.usefixtures("other_addresses")
@pytest.mark.parametrize(("address", "way"), [("/ocsp/closed", b"long"), ("/ocsp/open", b"open")])
def test_a_view_is_closed_unless_it_says_otherwise(address: str, way: bytes) -> None:
    middleware = OpenAddressMiddleware(lambda _request: HttpResponse(b"long"))

    response = middleware(RequestFactory().get(address))

    assert isinstance(response, HttpResponse)
    assert response.content == way
