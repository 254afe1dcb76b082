"""Second factors are set up, used, changed and taken away by whom they belong to."""

from __future__ import annotations

import base64
import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from enrollment.conf_people import SecondFactor
from enrollment.models import AuditEvent
from enrollment.models import SecondFactor as Factor
from enrollment.services import second_factor, totp
from enrollment.signin import passkeys
from tests.signin.authenticator import Authenticator, text
from tests.signin.people import PASSWORD, basic
from tests.signin.second_factors import SECRET, code, give_app, key_on

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.django_db

ASK = "/accounts/second-factor/"
FACTORS = "/accounts/factors/"
APP = f"{FACTORS}app/"
PASSKEY = f"{FACTORS}passkey/"
CODES = f"{FACTORS}codes/"


@pytest.fixture(autouse=True)
def second_factor_of_managers(configure: Callable[..., None]) -> None:
    configure(second_factor=SecondFactor())


@pytest.fixture
def browser(carol: User) -> Client:
    """Carol has just signed in with her password."""
    client = Client(SERVER_NAME="localhost")
    client.post("/accounts/login/", {"username": "carol", "password": PASSWORD})
    return client


def options_on(page: Any) -> dict[str, Any]:
    """Return what a page asks of a passkey."""
    found = re.search(r'<script id="passkey-options"[^>]*>(.*?)</script>', page.content.decode())
    assert found is not None
    asked: dict[str, Any] = json.loads(found[1])
    return asked


def set_up_app(client: Client) -> Any:
    """Do what the page says; return the page of recovery codes."""
    secret = key_on(client.get(APP).content.decode())
    return client.post(APP, {"label": "Phone", "code": code(secret)})


def set_up_passkey(client: Client, authenticator: Authenticator) -> Any:
    options = options_on(client.get(PASSKEY))
    return client.post(PASSKEY, {"label": "Key", "credential": authenticator.make(options)})


def codes_on(page: Any) -> list[str]:
    return re.findall(r"\b[a-z2-9]{4}(?:-[a-z2-9]{4}){3}\b", page.content.decode())


def old(client: Client) -> None:
    """Let the session be as old as those that thieves find."""
    session = client.session
    for name in ("began_at", "confirmed_at"):
        if name in session:
            session[name] = time.time() - 3600
    session.save()


# --- Setting up ----------------------------------------------------------------------------------


def test_an_app_is_set_up_by_picture_or_key_and_brings_recovery_codes(browser: Client) -> None:
    first = browser.get(APP)
    assert 'src="data:image/svg+xml' in first.content.decode()

    page = set_up_app(browser)

    assert len(codes_on(page)) == second_factor.RECOVERY_CODES
    assert page["Cache-Control"].startswith("max-age=0")
    assert Factor.objects.get().label == "Phone"
    assert AuditEvent.objects.get(verb="second factor added").detail["kind"] == "app"


def test_recovery_codes_are_shown_once(browser: Client) -> None:
    codes = codes_on(set_up_app(browser))

    assert codes_on(browser.get(FACTORS)) == []
    assert browser.get(CODES).status_code == 405
    assert "10 of your recovery codes are left" in browser.get(FACTORS).content.decode()
    assert len(codes) == 10


def test_an_app_that_shows_another_code_is_not_taken(browser: Client) -> None:
    secret = key_on(browser.get(APP).content.decode())
    wrong = "000000" if code(secret) != "000000" else "111111"

    page = browser.post(APP, {"label": "Phone", "code": wrong})

    assert "This is not the code of now" in page.content.decode()
    assert key_on(page.content.decode()) == secret
    assert not Factor.objects.exists()


def test_the_code_that_set_it_up_does_not_sign_in(browser: Client, carol: User) -> None:
    secret = key_on(browser.get(APP).content.decode())
    sent = code(secret)
    browser.post(APP, {"label": "Phone", "code": sent})

    assert second_factor.check_code(carol, sent, timezone.now()) is None


def test_who_sets_one_up_may_go_to_the_desk_at_once(carol: User, site: object) -> None:
    carol.groups.add(Group.objects.get(name="Certificate Managers"))
    client = Client(SERVER_NAME="localhost")
    client.post("/accounts/login/", {"username": "carol", "password": PASSWORD})

    set_up_app(client)

    assert client.get("/admin/").status_code == 200


def test_the_picture_says_what_apps_read() -> None:
    address = totp.address_of(SECRET, "carol", "Example Issuing CA")

    assert address.startswith("otpauth://totp/Example%20Issuing%20CA:carol?")
    assert f"secret={base64.b32encode(SECRET).decode()}&" in address
    assert "issuer=Example%20Issuing%20CA" in address


def test_the_codes_are_those_of_the_standard() -> None:
    """RFC 6238 appendix B, its vectors for SHA-1, six digits of eight."""
    from datetime import UTC, datetime

    secret = b"12345678901234567890"
    for moment, sent in ((59, "287082"), (1111111109, "081804"), (20000000000, "353130")):
        now = datetime.fromtimestamp(moment, tz=UTC)
        assert totp.step_of(secret, sent, now) == moment // 30


def test_a_stolen_session_sets_nothing_up(browser: Client) -> None:
    old(browser)

    answer = browser.get(APP)

    assert answer["Location"] == f"/accounts/login/?next={APP}"
    assert browser.get(FACTORS).status_code == 401  # the session is over


def test_a_program_sets_nothing_up(client: Client, carol: User) -> None:
    for address in (FACTORS, APP, PASSKEY):
        assert client.get(address, headers=basic("carol")).status_code == 403
    assert client.post(CODES, headers=basic("carol")).status_code == 403
    assert carol.pk


# --- Passkeys ------------------------------------------------------------------------------------


def ask(carol: User) -> tuple[Client, dict[str, Any]]:
    """Send Carol's password; return the browser and what her passkey is to sign."""
    client = Client(SERVER_NAME="localhost")
    client.post("/accounts/login/", {"username": "carol", "password": PASSWORD})
    assert carol.pk
    return client, options_on(client.get(ASK))


def is_signed_in(client: Client) -> bool:
    return client.get(FACTORS).status_code == 200


def test_a_passkey_signs_in(browser: Client, carol: User) -> None:
    authenticator = Authenticator()
    assert len(codes_on(set_up_passkey(browser, authenticator))) == 10
    client, options = ask(carol)

    answer = client.post(ASK, {"credential": authenticator.sign(options)})

    assert answer["Location"] == "/certsrv/"
    assert is_signed_in(client)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param({"origin": "http://localhost:8080"}, id="another port"),
        pytest.param({"origin": "https://evil.example"}, id="a copy of the page"),
        pytest.param({"site": "evil.example"}, id="made for another site"),
        pytest.param({"identifier": b"x" * 32}, id="another credential"),
        pytest.param({"key": Authenticator().key}, id="another key"),
        pytest.param({"counter": 0}, id="a copy of the key counts back"),
    ],
)
def test_what_does_not_fit_signs_nobody_in(
    spoil: dict[str, Any], browser: Client, carol: User
) -> None:
    authenticator = Authenticator(counter=5)
    set_up_passkey(browser, authenticator)
    client, options = ask(carol)
    for name, value in spoil.items():
        setattr(authenticator, name, value)

    page = client.post(ASK, {"credential": authenticator.sign(options)})

    assert "This passkey did not fit" in page.content.decode()
    assert not is_signed_in(client)


def test_an_answer_counts_once(browser: Client, carol: User) -> None:
    authenticator = Authenticator()
    set_up_passkey(browser, authenticator)
    client, options = ask(carol)
    answer = authenticator.sign(options)
    client.post(ASK, {"credential": answer})
    other, _ = ask(carol)

    other.post(ASK, {"credential": answer})

    assert not is_signed_in(other)


def test_the_passkey_of_somebody_else_signs_nobody_in(browser: Client, carol: User) -> None:
    set_up_passkey(browser, Authenticator())
    dora = User.objects.create_user("dora", password=PASSWORD)
    theirs = Authenticator()
    client = Client(SERVER_NAME="localhost")
    client.post("/accounts/login/", {"username": "dora", "password": PASSWORD})
    set_up_passkey(client, theirs)
    at_carols, options = ask(carol)

    at_carols.post(ASK, {"credential": theirs.sign(options)})

    assert not is_signed_in(at_carols)
    assert dora.pk


@pytest.mark.parametrize("sent", ["{}", "[]", "null", "x", '{"rawId": 1}', '{"id": "a", "rawId":'])
def test_junk_is_refused_with_a_sentence(sent: str, browser: Client, carol: User) -> None:
    set_up_passkey(browser, Authenticator())
    client, _ = ask(carol)

    page = client.post(ASK, {"credential": sent})

    assert "This passkey did not fit" in page.content.decode()


def answer(attestation: bytes) -> str:
    """Return what a browser sends, around any octets."""
    response = {"clientDataJSON": "e30", "attestationObject": text(attestation)}
    return json.dumps({"id": "YQ", "rawId": "YQ", "type": "public-key", "response": response})


@pytest.mark.parametrize(
    "sent",
    [
        "{}",
        "[]",
        "x",
        '{"id": "YQ", "rawId": "YQ", "response": 5}',
        pytest.param(answer(b""), id="no CBOR"),
        pytest.param(answer(b"\xa1"), id="CBOR that is cut off"),
        pytest.param(answer(b"\x81" * 9000), id="CBOR without a bottom"),
    ],
)
def test_junk_adds_no_passkey(sent: str, browser: Client) -> None:
    browser.get(PASSKEY)

    page = browser.post(PASSKEY, {"label": "Key", "credential": sent})

    assert "did not fit" in page.content.decode()
    assert not Factor.objects.exists()


def test_a_passkey_is_offered_at_the_site_s_own_name_only(
    browser: Client, rf: Any, configure: Callable[..., None]
) -> None:
    assert passkeys.are_possible(rf.get("/", HTTP_HOST="localhost:8000"))
    assert not passkeys.are_possible(rf.get("/", HTTP_HOST="127.0.0.1:8000"))
    configure(hostname="ca.example.com")
    assert not passkeys.are_possible(rf.get("/", HTTP_HOST="localhost:8000"))
    assert passkeys.are_possible(rf.get("/", HTTP_HOST="localhost:8000", secure=True)) is False


# --- Changing ------------------------------------------------------------------------------------


def with_app(carol: User) -> tuple[Client, Factor]:
    """Carol signed in with her app an hour ago."""
    from tests.signin.second_factors import browser as signed_in

    factor = give_app(carol)
    return signed_in(carol, factor), factor


def test_a_change_wants_the_present_factor_again(carol: User) -> None:
    client, factor = with_app(carol)
    removal = f"{FACTORS}{factor.pk}/remove/"

    for address in (removal, CODES):
        assert client.post(address)["Location"].startswith(f"{ASK}?next=")
    for address in (APP, PASSKEY):
        assert client.get(address)["Location"].startswith(f"{ASK}?next=")
    assert Factor.objects.filter(pk=factor.pk).exists()

    assert client.post(f"{ASK}?next={FACTORS}&again=1", {"code": code()})["Location"] == FACTORS
    assert client.post(removal)["Location"] == FACTORS
    assert not Factor.objects.exists()
    assert AuditEvent.objects.filter(verb="second factor removed").exists()


def test_what_was_shown_a_while_ago_is_asked_for_again(carol: User) -> None:
    client, factor = with_app(carol)
    client.post(f"{ASK}?again=1", {"code": code()})
    old(client)

    assert client.post(f"{FACTORS}{factor.pk}/remove/")["Location"].startswith(ASK)


def test_new_recovery_codes_end_the_old_ones(carol: User) -> None:
    client, _ = with_app(carol)
    before = second_factor.make_codes(carol, timezone.now())
    client.post(f"{ASK}?again=1", {"code": code()})

    after = codes_on(client.post(CODES))

    assert len(after) == 10
    assert second_factor.check_code(carol, before[0], timezone.now()) is None
    assert second_factor.check_code(carol, after[0], timezone.now())


def test_a_lost_phone_is_replaced_with_a_recovery_code(carol: User) -> None:
    factor = give_app(carol)
    codes = second_factor.make_codes(carol, timezone.now())
    client = Client(SERVER_NAME="localhost")
    client.post("/accounts/login/", {"username": "carol", "password": PASSWORD})
    client.post(ASK, {"code": codes[0]})
    client.post(f"{ASK}?again=1", {"code": codes[1]})

    assert set_up_app(client)["Location"] == FACTORS
    client.post(f"{FACTORS}{factor.pk}/remove/")

    assert Factor.objects.get().pk != factor.pk
    assert is_signed_in(client)


def test_a_session_by_recovery_code_goes_on_with_new_codes(carol: User) -> None:
    give_app(carol)
    codes = second_factor.make_codes(carol, timezone.now())
    client = Client(SERVER_NAME="localhost")
    client.post("/accounts/login/", {"username": "carol", "password": PASSWORD})
    client.post(ASK, {"code": codes[0]})
    client.post(f"{ASK}?again=1", {"code": codes[1]})

    client.post(CODES)

    assert client.get("/accounts/password/").status_code == 200


def test_an_account_has_a_bounded_number(carol: User, browser: Client) -> None:
    set_up_app(browser)
    for _ in range(second_factor.MOST_FACTORS - 1):
        give_app(carol)

    page = set_up_app(browser)

    assert "Remove one first" in page.content.decode()


def test_two_processes_take_one_code_once(carol: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one looks at the same row between our look and our mark."""
    give_app(carol)
    sent, now, genuine = code(), timezone.now(), totp.step_of
    others: list[str | None] = []

    def meanwhile(secret: bytes, typed: str, moment: Any) -> int | None:
        monkeypatch.setattr(totp, "step_of", genuine)
        others.append(second_factor.check_code(carol, sent, now))
        return genuine(secret, typed, moment)

    monkeypatch.setattr(totp, "step_of", meanwhile)

    ours = second_factor.check_code(carol, sent, now)

    assert [bool(ours), bool(others[0])] == [False, True]
