"""Tokens: what programs may do with them, and what they never may."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from enrollment.models import ApiToken, AuditEvent, EnrollmentRequest
from enrollment.services import tokens
from tests import make
from tests.signin.people import PASSWORD, basic

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from enrollment.services.setup import SetupReport

HOME = "/certsrv/"
PAGE = "/accounts/tokens/"


@pytest.fixture(autouse=True)
def _tokens_are_on(configure: Callable[..., None]) -> None:
    configure(sign_in=("basic", "token"))


def token_of(owner: User, **wish: object) -> str:
    wanted = tokens.Wish(**{"label": "build", "days": 30, **wish})  # type: ignore[arg-type]  # a test's words
    return tokens.make(owner, wanted, actor=owner.username, now=timezone.now())[1]


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def submit(client: Client, headers: dict[str, str], template: str = "WebServer") -> str:
    form = {
        "Mode": "newreq",
        "CertRequest": make.request_pem(kind="ec:p256").decode(),
        "CertAttrib": f"CertificateTemplate:{template}",
    }
    return client.post("/certsrv/certfnsh.asp", form, headers=headers).content.decode()


def test_a_program_enrolls_and_fetches_with_a_token(client: Client, alice: User) -> None:
    headers = bearer(token_of(alice))

    page = submit(client, headers)
    row = EnrollmentRequest.objects.get()

    assert "certnew.cer?ReqID=" in page
    assert row.requester == "alice"
    fetched = client.get(f"/certsrv/certnew.cer?ReqID={row.pk}", headers=headers)
    assert fetched.content.startswith(b"-----BEGIN CERTIFICATE-----")


def test_programs_that_know_only_basic_send_it_as_the_password(client: Client, alice: User) -> None:
    secret = token_of(alice)

    assert client.get(HOME, headers=basic("alice", secret)).status_code == 200
    assert client.get(HOME, headers=basic("ALICE", secret)).status_code == 200


def test_a_token_is_nobody_else_s_password(client: Client, alice: User, charlie: User) -> None:
    assert client.get(HOME, headers=basic("charlie", token_of(alice))).status_code == 401


def test_passwords_still_work_beside_tokens(client: Client, alice: User) -> None:
    assert client.get(HOME, headers=basic("alice", PASSWORD)).status_code == 200


@pytest.mark.parametrize(
    "secret", ["certsrv_", "certsrv_" + "x" * 43, "x", "certsrv_" + "x" * 5000, "certsrv_\0"]
)
def test_what_is_no_token_is_refused(client: Client, site: SetupReport, secret: str) -> None:
    headers = {"Authorization": "Bearer " + secret.replace("\0", "%00")}

    assert client.get(HOME, headers=headers).status_code == 401


def test_only_a_digest_is_kept(alice: User) -> None:
    secret = token_of(alice)
    row = ApiToken.objects.get()

    stored = " ".join(str(getattr(row, field.attname)) for field in ApiToken._meta.concrete_fields)  # noqa: SLF001 - Django's public spelling
    assert secret not in stored
    assert secret.startswith(row.beginning)


def test_a_token_ends_by_itself(client: Client, alice: User) -> None:
    secret = token_of(alice)
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert client.get(HOME, headers=bearer(secret)).status_code == 401


def test_an_ended_token_is_refused_at_once(client: Client, alice: User) -> None:
    secret = token_of(alice)
    assert client.get(HOME, headers=bearer(secret)).status_code == 200
    tokens.end(ApiToken.objects.all(), actor="ada", now=timezone.now())

    assert client.get(HOME, headers=bearer(secret)).status_code == 401


def test_a_disabled_owner_ends_every_token_at_once(client: Client, alice: User) -> None:
    secret = token_of(alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)

    assert client.get(HOME, headers=bearer(secret)).status_code == 401


def test_a_token_loses_what_its_owner_loses(client: Client, alice: User) -> None:
    headers = bearer(token_of(alice))
    alice.groups.clear()

    assert "in no group that may enroll" in submit(client, headers)


def test_a_token_is_good_for_its_templates_only(client: Client, alice: User) -> None:
    headers = bearer(token_of(alice, templates=("User",)))

    page = submit(client, headers)

    assert "is not good for template" in page
    assert "certnew.cer?ReqID=" not in page


def test_only_its_templates_are_offered(client: Client, alice: User) -> None:
    page = client.get("/certsrv/certrqxt.asp", headers=bearer(token_of(alice, templates=("User",))))

    assert ";User;" in page.content.decode()
    assert ";WebServer;" not in page.content.decode()


def test_a_token_that_may_only_fetch_asks_for_nothing(client: Client, alice: User) -> None:
    headers = bearer(token_of(alice, verbs=("fetch",)))

    assert client.get(HOME, headers=headers).status_code == 200
    assert client.post("/certsrv/certfnsh.asp", {}, headers=headers).status_code == 403
    assert not EnrollmentRequest.objects.exists()


def test_a_token_that_may_only_enroll_reads_nothing(client: Client, alice: User) -> None:
    headers = bearer(token_of(alice, verbs=("enroll",)))

    assert client.get("/certsrv/requests", headers=headers).status_code == 403
    assert EnrollmentRequest.objects.exists() is False
    assert "certnew.cer?ReqID=" in submit(client, headers)


@pytest.mark.parametrize(
    "address", ["/admin/", "/admin/enrollment/certificate/", PAGE, "/accounts/password/"]
)
def test_a_token_opens_neither_desk_nor_account(
    client: Client, manager: User, address: str
) -> None:
    assert client.get(address, headers=bearer(token_of(manager))).status_code == 403


def test_a_site_without_tokens_believes_none(
    client: Client, alice: User, configure: Callable[..., None]
) -> None:
    secret = token_of(alice)
    configure(sign_in=("basic",))

    assert client.get(HOME, headers=bearer(secret)).status_code == 401
    assert client.get(HOME, headers=basic("alice", secret)).status_code == 401


def test_a_site_with_tokens_alone_takes_no_password(
    client: Client, alice: User, configure: Callable[..., None]
) -> None:
    configure(sign_in=("token",))

    refused = client.get(HOME, headers=basic("alice", PASSWORD))
    assert refused.status_code == 401
    assert refused["WWW-Authenticate"].startswith("Basic realm=")
    assert client.get(HOME, headers=basic("alice", token_of(alice))).status_code == 200


def test_the_last_use_is_noted_once_a_minute(client: Client, alice: User) -> None:
    headers = bearer(token_of(alice))
    client.get(HOME, headers=headers)
    first = ApiToken.objects.get().last_used_at

    client.get(HOME, headers=headers)

    assert first is not None
    assert ApiToken.objects.get().last_used_at == first


# --- the page ---


@pytest.fixture
def at_browser(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def make_one(browser: Client, **fields: object) -> str:
    form = {"label": "build", "days": "30", "verbs": ["enroll", "fetch"], **fields}
    return browser.post(PAGE, form).content.decode()


def test_a_person_sees_a_new_token_once(at_browser: Client) -> None:
    page = make_one(at_browser, templates=["WebServer"])
    row = ApiToken.objects.get()
    secret = page.partition("<pre data-copy>")[2].partition("</pre>")[0]

    assert tokens.believe(secret, now=timezone.now()) == row
    assert row.templates == ["WebServer"]
    assert secret not in at_browser.get(PAGE).content.decode()


def test_a_person_ends_a_token(at_browser: Client) -> None:
    make_one(at_browser)
    row = ApiToken.objects.get()

    at_browser.post(f"{PAGE}{row.pk}/end/")

    row.refresh_from_db()
    assert row.revoked_at is not None
    assert AuditEvent.objects.filter(verb="token ended", actor="alice").exists()


def test_nobody_ends_the_token_of_somebody_else(at_browser: Client, charlie: User) -> None:
    token_of(charlie)
    row = ApiToken.objects.get()

    at_browser.post(f"{PAGE}{row.pk}/end/")

    row.refresh_from_db()
    assert row.revoked_at is None


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"days": "0"}, "greater than or equal to 1"),
        ({"days": "9999"}, "less than or equal to 366"),
        ({"templates": ["Administrator"]}, "not one of the available choices"),
        ({"verbs": []}, "required"),
    ],
)
def test_a_wrong_wish_comes_back_with_a_sentence(
    at_browser: Client, fields: dict[str, object], told: str
) -> None:
    assert told in make_one(at_browser, **fields)
    assert not ApiToken.objects.exists()


def test_a_program_makes_itself_no_token(client: Client, alice: User) -> None:
    """A password that leaked to a script must not become a secret that outlives it."""
    answer = client.post(PAGE, {"label": "x", "days": "30"}, headers=basic("alice", PASSWORD))

    assert answer.status_code == 403
    assert not ApiToken.objects.exists()


def test_a_token_has_no_say_in_who_somebody_is(client: Client, alice: User) -> None:
    """The header is read as octets and never logged or echoed."""
    secret = token_of(alice)
    encoded = base64.b64encode(f"alice:{secret}x".encode()).decode()

    answer = client.get(HOME, headers={"Authorization": f"Basic {encoded}"})

    assert answer.status_code == 401
    assert secret not in answer.content.decode()
