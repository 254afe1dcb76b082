"""Who asks too often for what there is not has to wait; who does not, never notices."""

from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING, Any

import pytest

from enrollment import conf
from enrollment.conf_web import OFF, REPORT, Rate
from enrollment.serving import limited
from tests import make
from tests.edge.outside import SIGN_IN, guess, statuses
from tests.signin.people import basic

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User
    from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("address", ["/certsrv/", "/nowhere", SIGN_IN, "/admin/"])
def test_a_stranger_who_looks_everywhere_has_to_wait(
    client: Client, limit: Callable[..., None], address: str
) -> None:
    limit(strangers=Rate(3, 60.0))

    found = statuses(5, lambda: client.get(address).status_code)

    assert found[3:] == [429, 429]
    assert 429 not in found[:3]


@pytest.mark.usefixtures("alice")
def test_a_program_that_is_asked_to_sign_in_before_each_request_is_no_stranger(
    client: Client, limit: Callable[..., None]
) -> None:
    """Kerberos and NTLM: two answers "sign in" for each request, fifty times a second."""
    limit(strangers=Rate(6, 60.0))
    for _ in range(20):
        assert client.get("/certsrv/").status_code == 401
        assert client.get("/certsrv/").status_code == 401
        assert client.get("/certsrv/", headers=basic("alice")).status_code == 200


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    "address", ["/CertEnroll/none.crl", "/certenroll/none.crl", "/ocsp/AAAA", "/healthz", "/readyz"]
)
def test_public_data_is_given_to_everybody_who_asks(
    client: Client, limit: Callable[..., None], address: str
) -> None:
    limit(strangers=Rate(1, 60.0), names=Rate(1, 60.0))

    found = statuses(5, lambda: client.get(address).status_code)

    assert len(set(found)) == 1
    assert found[0] in (200, 404)


def fetch(client: Client, number: str = "4711", page: str = "certnew.cer") -> Any:
    return client.get(f"/certsrv/{page}?ReqID={number}&id={number}", headers=basic("alice"))


@pytest.mark.usefixtures("alice")
def test_a_walk_over_request_ids_comes_to_a_halt(
    client: Client, limit: Callable[..., None]
) -> None:
    limit(ids=Rate(3, 60.0))
    for number in range(3):
        assert "no request of yours" in fetch(client, str(9000 + number)).content.decode()

    response = fetch(client, page="status")

    assert response.status_code == 429
    assert "lead to nothing of yours" in response.content.decode()


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize("page", ["certnew.cer", "certnew.p7b"])
def test_a_controller_that_ends_on_any_status_but_200_reads_its_error_page(
    client: Client, limit: Callable[..., None], page: str
) -> None:
    """Contract rule 3; the two labels are those of rule 16."""
    limit(ids=Rate(1, 60.0))
    fetch(client, page=page)

    response = fetch(client, page=page)

    assert response.status_code == 200
    assert response["Retry-After"] == "60"
    assert "\t\tThe RPC server is too busy to complete this operation. 0x800706bb" in (
        response.content.decode()
    )


def test_own_requests_are_found_however_many_others_were_looked_for(
    client: Client, limit: Callable[..., None], alice: User
) -> None:
    limit(ids=Rate(1, 60.0))
    for number in range(5):
        fetch(client, str(9000 + number))

    submit(client, "own.example.com")

    issued = client.get("/certsrv/certnew.cer?ReqID=1", headers=basic("alice"))
    assert issued["Content-Type"] == "application/pkix-cert"


def submit(client: Client, name: str, **options: Any) -> Any:
    form = {
        "Mode": "newreq",
        "CertRequest": make.request_pem(name).decode(),
        "CertAttrib": "CertificateTemplate:WebServer",
    }
    headers = options.pop("headers", basic("alice"))
    return client.post("/certsrv/certfnsh.asp", form, headers=headers, **options)


@pytest.mark.usefixtures("alice")
def test_a_flood_of_requests_of_one_account_is_stopped(
    client: Client, limit: Callable[..., None]
) -> None:
    limit(submissions=Rate(2, 60.0))
    submit(client, "one.example.com")
    client.post("/certsrv/preview", {"CertRequest": "junk"}, headers=basic("alice"))

    response = submit(client, "two.example.com", REMOTE_ADDR="192.0.2.9")

    assert response.status_code == 429
    assert response["Retry-After"] == "30"
    assert "Your account sends more requests than this site takes." in response.content.decode()


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize("page", ["certfnsh.asp", "preview"])
def test_a_program_that_signs_in_after_it_was_asked_submits_as_its_account(
    client: Client, limit: Callable[..., None], page: str
) -> None:
    """Kerberos and NTLM send the form before they are asked who they are, too."""
    limit(open_submissions=Rate(1, 60.0))

    for _ in range(3):
        assert client.post(f"/certsrv/{page}", {"Mode": "newreq"}).status_code == 401
        sent = client.post(f"/certsrv/{page}", {"Mode": "newreq"}, headers=basic("alice"))
        assert sent.status_code == 200


@pytest.mark.usefixtures("site")
def test_strangers_at_a_stand_alone_ca_fill_nobodys_queue(
    client: Client, limit: Callable[..., None], configure: Callable[..., None]
) -> None:
    limit(open_submissions=Rate(1, 60.0))
    configure(ca_type="standalone")
    assert submit(client, "one.example.com", headers={}).status_code == 200

    assert submit(client, "two.example.com", headers={}).status_code == 429
    assert client.get("/certsrv/").status_code == 200


@pytest.mark.usefixtures("carol")
def test_a_dry_run_tells_and_refuses_nobody(
    client: Client, limit: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    limit(mode=REPORT, passwords=Rate(2, 60.0))
    limited.said.clear()
    before = limited.counters.read()["passwords"]
    with caplog.at_level(logging.WARNING):
        assert statuses(5, lambda: guess(client)) == [401] * 5

    assert limited.counters.read()["passwords"] == before + 3
    (line,) = (record.getMessage() for record in caplog.records)
    assert line == (
        "limit met: CERTSRV_LIMIT_PASSWORDS, 2 in 60 s, by 198.51.100.7; only reported, "
        "since CERTSRV_LIMITS=report"
    )


def test_limits_can_be_off(client: Client, limit: Callable[..., None]) -> None:
    limit(mode=OFF, strangers=Rate(1, 60.0), names=Rate(1, 60.0))
    assert statuses(3, lambda: client.get("/").status_code) == [401] * 3
    limit(mode="on", strangers=None, names=None, passwords=None)

    assert statuses(3, lambda: guess(client)) == [401] * 3


@pytest.mark.parametrize(
    ("accept", "kind"),
    [("*/*", "text/plain"), ("text/html,*/*;q=0.8", "text/html")],
)
def test_each_reader_gets_a_sentence(
    client: Client, limit: Callable[..., None], accept: str, kind: str
) -> None:
    limit(strangers=Rate(1, 60.0))
    client.get("/")

    response = client.get("/", headers={"Accept": accept})

    assert response.status_code == 429
    assert response["Content-Type"].startswith(kind)
    assert response["Retry-After"] == "60"
    assert response["Cache-Control"] == "no-store"
    text = response.content.decode()
    assert "Your address has asked too often without signing in." in text
    assert "Wait 60 seconds." in text
    assert "Content-Security-Policy" in response.headers


def test_what_was_stopped_is_measured(client: Client, limit: Callable[..., None]) -> None:
    limit(strangers=Rate(1, 60.0))
    before = sample("strangers")
    statuses(3, lambda: client.get("/").status_code)

    assert sample("strangers") == before + 2


def sample(name: str) -> float:
    (family,) = limited.families()
    return next(one.value for one in family.samples if one.labels["limit"] == name)


def test_every_limit_has_its_sentence_and_its_setting() -> None:
    kinds = {field.name for field in dataclasses.fields(conf.current().web.limits)} - {"mode"}

    assert kinds == set(limited.SENTENCES)
    for kind in kinds:
        assert conf.read({limited.setting(kind): "7/s"}).web.limits != conf.current().web.limits
