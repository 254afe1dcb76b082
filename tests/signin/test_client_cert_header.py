"""Certificates that a proxy hands on: who may, how, and what another site cannot do with them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from enrollment.conf_clients import Clients
from enrollment.signin.belief import CredentialsRefused
from enrollment.signin.methods import certificate as method
from tests.other_ca import other_ca
from tests.signin.people import basic
from tests.signin.shown import HOME, METHODS, NETWORKS, PROXY, der_of, header, who

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User

    from enrollment.models import Certificate


@pytest.fixture(autouse=True)
def _certificates_are_on(configure: Callable[..., None]) -> None:
    configure(sign_in=METHODS, clients=Clients(proxies=NETWORKS, mapping="issued"))


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.8", "::1", "192.0.2.1"])
@pytest.mark.parametrize("name", ["Client-Cert", "client-cert", "CLIENT_CERT", "Client_Cert"])
def test_a_header_from_outside_is_nothing(
    client: Client, own: Certificate, address: str, name: str
) -> None:
    answer = client.get(HOME, headers={name: header(bytes(own.der))}, REMOTE_ADDR=address)

    assert answer.status_code == 401


MALFORMED = {
    "empty": "",
    "no colons": "{0}",
    "one colon": ":{0}",
    "PEM": "-----BEGIN CERTIFICATE----- {0} -----END CERTIFICATE-----",
    "two": ":{0}:, :{0}:",
    "with a parameter": ":{0}:;a=1",
    "a string": '"{0}"',
    "blanks inside": ": {0} :",
    "no base64": ":{0}*:",
    "padding in the middle": ":AA==AAAA:",
    "too much padding": ":{0}==:",
    "padding alone": ":====:",
    "padding without need": ":AAAA==:",
    "too little padding": ":AA=:",
    "nothing": "::",
    "endless": ":" + "A" * 20_000 + ":",
}


@pytest.mark.parametrize("pattern", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_header_of_the_proxy_is_refused(
    client: Client, own: Certificate, pattern: str
) -> None:
    value = pattern.replace("{0}", base64.b64encode(bytes(own.der)).decode())

    assert who(client, value) == ""
    if value != "::":
        with pytest.raises(CredentialsRefused):
            method.read_header(value)


@pytest.mark.parametrize("octets", [b"\0", b"\x30\x80", b"\x30\x82\xff\xff", b"x" * 12_300])
@pytest.mark.usefixtures("site")
def test_octets_that_are_no_certificate_are_nobody_s(client: Client, octets: bytes) -> None:
    assert who(client, header(octets)) == ""


def test_octets_behind_the_certificate_are_not_overlooked(client: Client, own: Certificate) -> None:
    assert who(client, header(bytes(own.der) + b"\0")) == ""


def test_an_unknown_certificate_leaves_the_other_ways_open(
    client: Client, alice: User, own: Certificate
) -> None:
    headers = basic("alice") | {"Client-Cert": header(der_of(other_ca().issue()))}

    assert client.get(HOME, headers=headers, REMOTE_ADDR=PROXY).status_code == 200


def test_a_site_that_does_not_name_the_method_reads_no_certificate(
    client: Client, own: Certificate, configure: Callable[..., None]
) -> None:
    configure(sign_in=("basic",), clients=Clients(proxies=NETWORKS, mapping="issued"))

    assert who(client, header(bytes(own.der))) == ""


def test_the_certificate_of_a_proxy_is_not_its_client_s(
    client: Client, own: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may speak TLS to our listener, and show a certificate of its own there."""
    monkeypatch.setattr(method, "client_certificate", lambda _: bytes(own.der))

    assert client.get(HOME, REMOTE_ADDR=PROXY).status_code == 401
    assert client.get(HOME, REMOTE_ADDR="192.0.2.1").status_code == 200


def test_at_our_own_listener_a_header_says_nothing_beside_the_connection(
    client: Client, alice: User, own: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = der_of(other_ca().issue())
    monkeypatch.setattr(method, "client_certificate", lambda _: stranger)

    assert who(client, header(bytes(own.der)), "192.0.2.1") == ""


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}]
)
def test_another_site_cannot_use_the_certificate_of_a_browser(
    own: Certificate, headers: dict[str, str]
) -> None:
    strict = Client(enforce_csrf_checks=True)
    told = headers | {"Client-Cert": header(bytes(own.der))}

    answer = strict.post("/accounts/password/", {}, headers=told, REMOTE_ADDR=PROXY)

    assert answer.status_code == 403
    assert "sent from another site" in answer.content.decode()
