"""Who fails too often has to wait; who does not, never notices."""

from __future__ import annotations

import dataclasses
import ipaddress
import logging
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from enrollment import conf
from enrollment.conf_clients import Clients
from enrollment.conf_web import OFF, REPORT, Rate
from enrollment.serving import limited
from tests import make
from tests.conftest import PASSWORD
from tests.signin.people import basic

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db

SIGN_IN = "/accounts/login/"


@pytest.fixture
def limit(configure: Callable[..., None]) -> Callable[..., None]:
    """Set limits for one test."""

    def change(*, clients: Clients | None = None, **values: Any) -> None:
        settings = conf.current()
        changed = dataclasses.replace(settings.web.limits, **values)
        configure(
            web=dataclasses.replace(settings.web, limits=changed),
            clients=clients or settings.clients,
        )

    return change


def guess(client: Client, name: str = "carol", **extra: str) -> int:
    return client.get("/certsrv/", headers=basic(name, "guess"), **extra).status_code  # type: ignore[arg-type]  # of the environment


def statuses(times: int, act: Callable[[], int]) -> list[int]:
    return [act() for _ in range(times)]


@pytest.mark.usefixtures("carol")
def test_a_password_is_not_guessed_for_long(client: Client, limit: Callable[..., None]) -> None:
    limit(passwords=Rate(3, 60.0))

    assert statuses(5, lambda: guess(client)) == [401, 401, 401, 429, 429]


@pytest.mark.usefixtures("carol")
def test_the_right_password_is_no_exception_or_guesses_would_be_told_apart(
    client: Client, limit: Callable[..., None]
) -> None:
    limit(passwords=Rate(1, 60.0))
    guess(client)

    assert client.get("/certsrv/", headers=basic("carol")).status_code == 429


@pytest.mark.usefixtures("carol", "site")
def test_one_program_with_a_wrong_password_stops_only_itself(
    client: Client, limit: Callable[..., None]
) -> None:
    """What was answered with 429 does not count for its neighbors behind the same address."""
    limit(passwords=Rate(2, 60.0), names=Rate(5, 60.0))
    statuses(50, lambda: guess(client, "broken-job"))

    assert client.get("/certsrv/", headers=basic("carol")).status_code == 200


def test_many_names_from_one_address_are_guessing_too(
    client: Client, limit: Callable[..., None]
) -> None:
    limit(names=Rate(4, 60.0))

    found = [guess(client, f"user{number}") for number in range(6)]

    assert found == [401] * 4 + [429] * 2


@pytest.mark.usefixtures("carol")
@pytest.mark.parametrize("name", ["CAROL", "\\carol", "carol@localhost", "LOCALHOST\\Carol"])
def test_another_spelling_of_a_name_is_no_other_name(
    client: Client, limit: Callable[..., None], name: str
) -> None:
    limit(passwords=Rate(1, 60.0))
    guess(client, "carol")

    assert guess(client, name) == 429


@pytest.mark.usefixtures("carol")
def test_another_address_is_not_stopped(client: Client, limit: Callable[..., None]) -> None:
    limit(passwords=Rate(1, 60.0))
    guess(client)

    assert guess(client, REMOTE_ADDR="192.0.2.7") == 401


@pytest.mark.parametrize(
    ("one", "other", "status"),
    [
        pytest.param("2001:db8::1", "2001:db8::ffff:2", 429, id="the same /64"),
        pytest.param("2001:db8::1", "2001:db8:0:1::1", 401, id="another /64"),
        pytest.param("192.0.2.1", "::ffff:192.0.2.1", 429, id="one address, written twice"),
    ],
)
def test_a_host_with_ipv6_is_its_whole_network(
    client: Client, limit: Callable[..., None], one: str, other: str, status: int
) -> None:
    limit(passwords=Rate(1, 60.0))
    guess(client, REMOTE_ADDR=one)

    assert guess(client, REMOTE_ADDR=other) == status


@pytest.mark.usefixtures("carol")
def test_the_form_and_basic_count_together(client: Client, limit: Callable[..., None]) -> None:
    limit(passwords=Rate(2, 60.0))
    form = {"username": "carol", "password": "guess"}
    assert client.post(SIGN_IN, form).status_code == 200
    assert guess(client) == 401

    response = client.post(SIGN_IN, form | {"password": PASSWORD})

    assert response.status_code == 429
    assert guess(client) == 429


@pytest.mark.usefixtures("carol")
def test_signing_in_is_not_counted(client: Client, limit: Callable[..., None]) -> None:
    limit(passwords=Rate(1, 60.0), names=Rate(1, 60.0))
    form = {"username": "carol", "password": PASSWORD}

    assert [Client().post(SIGN_IN, form).status_code for _ in range(5)] == [302] * 5


@pytest.mark.usefixtures("carol", "site")
def test_a_session_goes_on_where_passwords_are_guessed(
    client: Client, limit: Callable[..., None]
) -> None:
    limit(passwords=Rate(1, 60.0), names=Rate(1, 60.0), strangers=Rate(1, 60.0))
    client.login(username="carol", password=PASSWORD)
    statuses(5, lambda: guess(Client()))
    statuses(5, lambda: Client().get("/certsrv/").status_code)

    assert client.get("/certsrv/").status_code == 200


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
        "limit met: CERTSRV_LIMIT_PASSWORDS, 2 in 60 s, by 127.0.0.1 carol; only reported, since "
        "CERTSRV_LIMITS=report"
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


PROXY = Clients(proxies=tuple(ipaddress.ip_network(n) for n in ("10.0.0.0/24", "fd00::/8")))


@pytest.mark.parametrize(
    ("told", "other", "status"),
    [
        pytest.param("192.0.2.1", "192.0.2.2", 401, id="two clients of one proxy"),
        pytest.param("192.0.2.1", "6.6.6.6, 192.0.2.1", 429, id="what a client wrote in front"),
        pytest.param("192.0.2.1", "192.0.2.1, 10.0.0.9", 429, id="two proxies in a row"),
        pytest.param("192.0.2.1", "192.0.2.1,fd00::1", 429, id="a proxy with IPv6"),
    ],
)
def test_a_trusted_proxy_says_who_the_client_is(
    client: Client, limit: Callable[..., None], told: str, other: str, status: int
) -> None:
    limit(clients=PROXY, passwords=Rate(1, 60.0))
    guess(client, REMOTE_ADDR="10.0.0.5", HTTP_X_FORWARDED_FOR=told)

    assert guess(client, REMOTE_ADDR="10.0.0.5", HTTP_X_FORWARDED_FOR=other) == status


@pytest.mark.parametrize("told", ["", "unknown", "192.0.2.1:4711", "10.0.0.7"])
def test_a_trusted_proxy_that_names_nobody_is_not_stopped_for_all(
    client: Client, limit: Callable[..., None], told: str
) -> None:
    limit(clients=PROXY, passwords=Rate(1, 60.0), names=Rate(1, 60.0), strangers=Rate(1, 60.0))

    found = statuses(3, lambda: guess(client, REMOTE_ADDR="10.0.0.5", HTTP_X_FORWARDED_FOR=told))

    assert found == [401] * 3


def test_nobody_else_chooses_an_address(client: Client, limit: Callable[..., None]) -> None:
    limit(clients=PROXY, passwords=Rate(1, 60.0))
    guess(client, HTTP_X_FORWARDED_FOR="192.0.2.1")

    assert guess(client, HTTP_X_FORWARDED_FOR="192.0.2.2") == 429


def test_every_limit_has_its_sentence_and_its_setting() -> None:
    kinds = {field.name for field in dataclasses.fields(conf.current().web.limits)} - {"mode"}

    assert kinds == set(limited.SENTENCES)
    for kind in kinds:
        assert conf.read({limited.setting(kind): "7/s"}).web.limits != conf.current().web.limits
