"""A lured client's answer, handed on by a man in the middle (ESC8): refused where it is bound."""

from __future__ import annotations

import http.client
import ssl
from typing import TYPE_CHECKING

import pytest
import requests

from tests.ntlm.relay import in_the_middle, own_certificate
from tests.ntlm.test_live import PAGE, auth

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.ntlm.conftest import NtlmSite
    from tests.ntlm.relay import Relay


def to(site: NtlmSite, *, secure: bool = True) -> Callable[[], http.client.HTTPConnection]:
    """Return how he connects to the site."""

    def connect() -> http.client.HTTPConnection:
        if not secure:
            return http.client.HTTPConnection("localhost", site.live.http_port, timeout=30)
        context = ssl.create_default_context(cafile=str(site.live.ca_file))
        port = site.live.https_port
        return http.client.HTTPSConnection("localhost", port, context=context, timeout=30)

    return connect


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return own_certificate(tmp_path)


def lure(site: NtlmSite, relay: Relay, certificate: Path | None, *, binds: bool = True) -> int:
    """Let Alice's program sign in where he listens; return what it gets."""
    sign_in = auth("alice", site.password, binds=binds)
    url = relay.url + PAGE
    return requests.get(url, auth=sign_in, verify=str(certificate), timeout=30).status_code


def test_relayed_over_tls_it_is_refused(ntlm_site: NtlmSite, certificate: Path) -> None:
    """The client names his certificate, and means what it says: the secret covers it."""
    with in_the_middle(to(ntlm_site), certificate) as relay:
        assert lure(ntlm_site, relay, certificate) == 401

    assert relay.statuses == [401, 401, 401]
    assert "a TLS connection to somebody else" in ntlm_site.live.log()


@pytest.mark.parametrize("secure", [True, False], ids=["to TLS", "to plain HTTP"])
def test_lured_over_plain_http_it_is_refused(
    ntlm_site: NtlmSite,
    secure: bool,  # noqa: FBT001  # pytest's way
) -> None:
    """Such a client names no TLS connection; and over plain HTTP the site does not even ask."""
    with in_the_middle(to(ntlm_site, secure=secure), None) as relay:
        assert lure(ntlm_site, relay, None) == 401

    assert relay.statuses == ([401] * 3 if secure else [401])


def test_what_is_bound_is_refused_also_where_binding_is_not_required(
    forced_site: NtlmSite, certificate: Path
) -> None:
    with in_the_middle(to(forced_site), certificate) as relay:
        assert lure(forced_site, relay, certificate) == 401


def test_what_is_not_bound_is_relayed_where_binding_is_not_required(
    forced_site: NtlmSite, certificate: Path
) -> None:
    """Why it is required, and why the desk warns: the man in the middle works, then."""
    with in_the_middle(to(forced_site), certificate) as relay:
        assert lure(forced_site, relay, certificate, binds=False) == 200
