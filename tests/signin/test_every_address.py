"""A walk over the whole address table as a stranger: closed unless listed here, with a reason."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.regex_helper import normalize

# Beginning of the route -> why strangers may come in.
OPEN = {
    "healthz": "a supervisor has no account",
    "readyz": "a load balancer has no account",
    "accounts/login/": "who is not signed in yet",
    "accounts/second-factor/": "whose password was right leads on from there; others to the form",
    "accounts/oidc/": "who comes to, and from, the provider that signs people in; 404 without one",
    "admin/login/": "leads to the sign-in page",
    "ocsp": "relying parties: whoever asks whether a certificate is good is a stranger",
    "CertEnroll/": "relying parties: RFC 5280 section 8, CRLs and CA certificates are public",
}
SAMPLES = {"name": "x", "object_id": "1", "url": "x", "app_label": "auth", "content_type_id": "1"}


def walk(
    patterns: list[URLPattern | URLResolver], prefix: str = ""
) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield every address of the table, with sample values in it, and its view."""
    for pattern in patterns:
        route = prefix + sample(pattern)
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, route)
        else:
            yield route, pattern.callback


def sample(pattern: URLPattern | URLResolver) -> str:
    """Return an address that the pattern matches."""
    text, parameters = normalize(pattern.pattern.regex.pattern.replace("(?i)", ""))[0]
    return text % {name: SAMPLES.get(name, "1") for name in parameters}


ADDRESSES = sorted(dict(walk(get_resolver().url_patterns)).items())


def is_open(route: str) -> bool:
    return any(route.casefold().startswith(start.casefold()) for start in OPEN)


def test_the_walk_finds_the_whole_table() -> None:
    routes = {route for route, _ in ADDRESSES}

    assert {"healthz", "certsrv/certfnsh.asp", "admin/", "accounts/password/"} <= routes


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("route", [route for route, _ in ADDRESSES if not is_open(route)])
def test_a_stranger_is_refused(client: Client, route: str, method: str) -> None:
    response = getattr(client, method)(f"/{route}")

    assert response.status_code == 401


@pytest.mark.parametrize(("route", "view"), ADDRESSES)
def test_only_listed_addresses_are_open(route: str, view: Callable[..., Any]) -> None:
    is_public = not getattr(view, "login_required", True)

    assert is_public <= is_open(route)


@pytest.mark.django_db
@pytest.mark.parametrize("start", OPEN)
def test_every_listed_address_is_really_open(start: str) -> None:
    views = [view for route, view in ADDRESSES if route.casefold().startswith(start.casefold())]

    assert views
    assert not any(getattr(view, "login_required", True) for view in views)
