"""A provider that lies, or somebody between it and us: nothing of that signs anybody in."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from enrollment import conf
from enrollment.services.outside import provider
from tests.openid.conftest import CLIENT_ID, CLIENT_SECRET, HOME, begin, settings_for
from tests.openid.hostile import (
    KEY,
    OTHER_KEY,
    RSA_KEY,
    Hostile,
    finish,
    public,
    running,
    sign_in,
    signed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.test import Client


@pytest.fixture
def hostile(groups_here: None, configure: Callable[..., None]) -> Iterator[Hostile]:
    """Such a provider, and a site that asks it."""
    with running() as made:
        configure(oidc=settings_for(made.url))
        yield made


def test_a_good_token_signs_in(client: Client, hostile: Hostile) -> None:
    """Every refusal below differs from this in one thing."""
    assert sign_in(client, hostile) == 302
    assert client.get(HOME).status_code == 200


LONG_AGO, FAR_AHEAD = 1_000_000_000, 4_000_000_000


@pytest.mark.parametrize(
    "spoiled",
    [
        {"iss": "https://login.evil.example"},
        {"iss": None},
        {"aud": "another site"},
        {"aud": ["another site"]},
        {"aud": [CLIENT_ID, "another site"]},
        {"aud": None},
        {"azp": "another site"},
        {"nonce": "another nonce"},
        {"nonce": ""},
        {"nonce": None},
        {"nonce": 7},
        {"nonce": "\ud800"},
        {"exp": LONG_AGO},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"exp": 10**400},
        {"iat": float("nan")},
        {"iat": FAR_AHEAD},
        {"iat": None},
        {"nbf": FAR_AHEAD},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 256},
        {"sub": "\ud800"},
        {"sub": "a\0b"},
        {"preferred_username": None},
        {"preferred_username": 7},
        {"preferred_username": "a b"},
        {"preferred_username": "alice\nadmin"},
        {"preferred_username": "../admin"},
        {"groups": None},
        {"groups": "PKI Users, PKI Managers"},
        {"groups": {"PKI Users": True}},
        {"groups": [["PKI Users"]]},
        {"groups": ["pki users", "Enrollees", "CA Administrators"]},
    ],
    ids=str,
)
def test_a_token_with_one_wrong_claim_signs_nobody_in(
    client: Client, hostile: Hostile, spoiled: dict[str, Any]
) -> None:
    assert sign_in(client, hostile, **spoiled) == 403
    assert not User.objects.exists()


def test_a_clock_may_be_a_little_wrong(client: Client, hostile: Hostile) -> None:
    assert sign_in(client, hostile, iat=time.time() + 30, exp=time.time() - 30) == 302


def unsigned(claims: dict[str, Any]) -> str:
    """Return a token that says it needs no signature."""
    return jwt.encode(claims, "", "none", headers={"kid": "one"})


def with_public_key_as_secret(claims: dict[str, Any]) -> str:
    """Return a token signed with what everybody knows, by an algorithm for shared secrets."""
    pem = RSA_KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    head, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"alg": "HS256", "typ": "JWT", "kid": "rsa"}, claims)
    )
    import hmac

    code = hmac.digest(pem, head + b"." + body, "sha256")
    return b".".join((head, body, base64.urlsafe_b64encode(code).rstrip(b"="))).decode()


@pytest.mark.parametrize(
    "forge",
    [
        unsigned,
        with_public_key_as_secret,
        lambda claims: signed(claims, OTHER_KEY),
        lambda claims: signed(claims, OTHER_KEY, kid="two"),
        lambda claims: signed(claims, KEY, kid="nobody's"),
        lambda claims: signed(claims, RSA_KEY, "RS256", kid="one"),
        lambda claims: signed(claims)[:-8] + "AAAAAAAA",
        lambda claims: signed(claims).rpartition(".")[0] + ".",
        lambda claims: signed(claims).replace(".", f".{signed({}).split('.')[1]}", 1),
        lambda claims: ".".join([*signed(claims).split(".")[:2], signed({}).split(".")[2]]),
        lambda _: "x" * 70_000,
        lambda _: "a.b.c",
        lambda _: "",
    ],
    ids=[
        "alg none",
        "public key as secret",
        "another key",
        "a key of another id",
        "an unknown id",
        "another kind of key",
        "a spoiled signature",
        "no signature",
        "other claims before",
        "the signature of another",
        "huge",
        "no token",
        "empty",
    ],
)
def test_a_token_that_the_provider_did_not_sign_signs_nobody_in(
    client: Client, hostile: Hostile, forge: Callable[[dict[str, Any]], str]
) -> None:
    hostile.keys = [public(KEY, "one"), public(RSA_KEY, "rsa")]
    asked = begin(client)[1]
    hostile.give(forge(hostile.claims(asked["nonce"])))

    assert finish(client, asked["state"]) == 403
    assert not User.objects.exists()


def test_a_new_key_of_the_provider_is_fetched_and_an_old_one_is_over(
    client: Client, hostile: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sign_in(client, hostile) == 302
    monkeypatch.setattr(provider, "_KEYS_AT_MOST_EVERY", 0.0)
    hostile.keys = [public(OTHER_KEY, "two")]
    asked = begin(client)[1]
    hostile.give(signed(hostile.claims(asked["nonce"]), OTHER_KEY, kid="two"))

    assert finish(client, asked["state"]) == 302
    assert sign_in(client, hostile) == 403


def test_a_flood_of_unknown_keys_does_not_flood_the_provider(
    client: Client, hostile: Hostile
) -> None:
    for _ in range(3):
        asked = begin(client)[1]
        hostile.give(signed(hostile.claims(asked["nonce"]), kid="unknown"))
        assert finish(client, asked["state"]) == 403

    assert hostile.asked.count("/keys") == 1


def test_another_person_of_the_same_name_is_another_person(
    client: Client, hostile: Hostile
) -> None:
    assert sign_in(client, hostile) == 302
    client.logout()

    assert sign_in(client, hostile, sub="another") == 403
    # And the first keeps the account under another name.
    assert sign_in(client, hostile, preferred_username="alice.brown") == 302
    assert [user.username for user in User.objects.all()] == ["alice"]


@pytest.mark.parametrize(
    ("verified", "address"), [(True, "a@example.test"), (False, ""), (None, ""), ("true", "")]
)
def test_an_address_counts_when_the_provider_says_that_it_is_theirs(
    client: Client, hostile: Hostile, verified: object, address: str
) -> None:
    assert sign_in(client, hostile, email="a@example.test", email_verified=verified) == 302
    assert User.objects.get().email == address


@pytest.mark.parametrize(
    "address", [f"{'a' * 250}@example.test", "a@exa\u200dmple.test"], ids=["long", "hidden"]
)
def test_an_address_that_no_account_can_have_is_left_out(
    client: Client, hostile: Hostile, address: str
) -> None:
    assert sign_in(client, hostile, email=address, email_verified=True) == 302
    assert User.objects.get().email == ""


@pytest.mark.parametrize(
    ("written", "name"), [("alice@localhost", "alice"), ("alice@corp.test", "alice@corp.test")]
)
def test_a_name_may_carry_its_domain(
    client: Client, hostile: Hostile, written: str, name: str
) -> None:
    assert sign_in(client, hostile, preferred_username=written) == 302
    assert User.objects.get().username == name


def test_the_secret_goes_as_the_provider_wants_it(
    client: Client, hostile: Hostile, forget: Callable[[], None]
) -> None:
    sign_in(client, hostile)
    pair = base64.b64decode(hostile.authorization.removeprefix("Basic ")).decode()
    assert pair == f"{quote(CLIENT_ID, safe='')}:{quote(CLIENT_SECRET, safe='')}"
    assert "client_secret" not in hostile.form

    forget()
    hostile.description = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    sign_in(client, hostile)
    assert hostile.authorization == ""
    assert hostile.form["client_secret"] == CLIENT_SECRET


def test_the_verifier_is_that_of_the_challenge(client: Client, hostile: Hostile) -> None:
    asked = begin(client)[1]
    hostile.give(signed(hostile.claims(asked["nonce"])))
    finish(client, asked["state"])

    digest = hashlib.sha256(hostile.form["code_verifier"].encode()).digest()
    assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == asked["code_challenge"]
    assert hostile.form["redirect_uri"] == asked["redirect_uri"]


def test_an_answer_says_whose_it_is_where_the_provider_does(
    client: Client, hostile: Hostile
) -> None:
    """RFC 9207: a second provider cannot pass off its answer as one of the first."""
    hostile.description = {"authorization_response_iss_parameter_supported": True}

    assert sign_in(client, hostile, query=f"&iss={quote(hostile.url)}") == 302
    assert sign_in(client, hostile) == 403
    assert sign_in(client, hostile, query="&iss=https://login.evil.example") == 403


@pytest.mark.parametrize(
    "description",
    [
        {"issuer": "https://login.evil.example"},
        {"issuer": None},
        {"authorization_endpoint": "http://login.evil.example/"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"token_endpoint": "file:///etc/passwd"},
        {"token_endpoint": None},
        {"jwks_uri": "http://10.0.0.1/"},
        {"jwks_uri": "https://[::"},
    ],
    ids=str,
)
def test_a_description_that_leads_elsewhere_is_not_followed(
    client: Client, hostile: Hostile, description: dict[str, Any]
) -> None:
    hostile.description = description

    answer = client.get("/accounts/oidc/")

    assert answer.status_code == 503
    assert "The provider that signs you in" in answer.content.decode()


@pytest.mark.parametrize("answer", [b"", b"{", b"[]", b"null", b'{"id_token": 7}', b"[" * 9999])
def test_an_answer_that_is_none_is_no_fault(
    client: Client, hostile: Hostile, answer: bytes
) -> None:
    asked = begin(client)[1]
    hostile.answer = answer

    assert finish(client, asked["state"]) in (403, 503)
    assert not User.objects.exists()


def test_an_answer_without_end_is_cut(
    client: Client, hostile: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = begin(client)[1]
    hostile.answer = b" " * (provider.MOST_OCTETS + 1)

    assert finish(client, asked["state"]) == 503


def test_a_redirect_is_not_followed_with_the_secret(client: Client, hostile: Hostile) -> None:
    asked = begin(client)[1]
    hostile.status = 307

    assert finish(client, asked["state"]) == 403
    assert hostile.asked.count("/token") == 1


def test_a_provider_that_is_away_is_told_so(
    client: Client, groups_here: None, configure: Callable[..., None]
) -> None:
    with running() as made:
        configure(oidc=settings_for(made.url))
    browser = {"Sec-Fetch-Mode": "navigate"}

    answer = client.get("/accounts/oidc/", headers=browser)

    assert answer.status_code == 503
    assert answer["Retry-After"]
    # The form for accounts of this site stands as ever.
    assert client.get("/accounts/login/").status_code == 200
    assert conf.current().oidc.is_on


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"ISSUER": "http://login.example.com"}, "with https:"),
        ({"ISSUER": "login.example.com"}, "with https:"),
        ({"ISSUER": "https://login.example.com/?x"}, "with https:"),
        ({"CLIENT_ID": ""}, "Register this site"),
        ({"SCOPES": "profile"}, "openid among them"),
        ({"SCOPES": "openid  email"}, "openid among them"),
        ({"GROUPS": "pki-users"}, "Write pairs"),
        ({"SESSION_MINUTES": "0"}, "from 1 to 720"),
        ({"PROGRAM_DAYS": "365"}, "from 0 to 90"),
    ],
    ids=str,
)
def test_a_wrong_setting_is_refused_with_what_to_type(values: dict[str, str], told: str) -> None:
    good = {"ISSUER": "https://login.example.com", "CLIENT_ID": "certsrv"}
    variables = {f"CERTSRV_OIDC_{name}": value for name, value in (good | values).items()}

    with pytest.raises(ImproperlyConfigured, match="CERTSRV_OIDC_") as caught:
        conf.read(variables)

    assert told in str(caught.value)


def test_the_start_warns_of_a_provider_that_gives_nothing(configure: Callable[..., None]) -> None:
    configure(oidc=settings_for("https://login.example.com", groups=()))

    assert "enrollment.W006" in [one.id for one in run_checks(tags=["security"])]
