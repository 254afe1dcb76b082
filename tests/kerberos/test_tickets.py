"""Who is believed by a ticket, and who is not."""

from __future__ import annotations

import base64
import os
import time
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User
from django.test import Client

from enrollment.conf import Kerberos
from enrollment.signin import accounts
from enrollment.signin.kerberos import NO_CONNECTION
from tests.kerberos.realm import SERVICE, context_for, negotiate
from tests.signin.conftest import configure as change_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.kerberos.realm import Realm

changed = change_settings
# Closed to strangers, open to every account.
PAGE = "/accounts/password/"
NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}


@pytest.fixture(autouse=True)
def _with_kerberos(joined: Realm, changed: Callable[..., None]) -> None:
    changed(sign_in=("negotiate", "basic"), kerberos=Kerberos(str(joined.keytab)))


@pytest.fixture(autouse=True)
def alice_here(db: None) -> User:
    """The account of a name that the realm knows, too."""
    return User.objects.create_user("alice")


def status(token: bytes | None, **headers: str) -> int:
    code: int = Client().get(PAGE, headers=negotiate(token) | headers).status_code
    return code


@pytest.mark.parametrize("spnego", [True, False], ids=["SPNEGO", "Kerberos alone"])
def test_a_ticket_is_believed_and_the_site_proves_itself_in_turn(
    realm: Realm,
    spnego: bool,  # noqa: FBT001  # pytest's way
) -> None:
    client = context_for(realm, spnego=spnego)

    answer = Client().get(PAGE, headers=negotiate(client.step()))

    assert answer.status_code == 200
    scheme, _, token = answer["WWW-Authenticate"].partition(" ")
    assert scheme == "Negotiate"
    client.step(base64.b64decode(token))
    assert client.complete


def test_a_computer_is_an_account_with_a_dollar_sign(realm: Realm) -> None:
    assert status(context_for(realm, "WEB01$").step()) == 401

    User.objects.create_user("WEB01$")

    assert status(context_for(realm, "WEB01$").step()) == 200


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param("mallory", "not of the realm EXAMPLE.TEST", id="of a realm that ours trusts"),
        pytest.param("stranger", "no account", id="without an account"),
        pytest.param("alice/admin", "not a person", id="an instance of a person"),
    ],
)
def test_a_good_ticket_of_somebody_else_is_refused(
    realm: Realm, caplog: pytest.LogCaptureFixture, name: str, reason: str
) -> None:
    """Mallory of the other realm is not our Mallory."""
    User.objects.create_user("mallory")

    assert status(context_for(realm, name).step()) == 401
    assert reason in caplog.text
    assert not User.objects.filter(username__in=["stranger", "alice/admin"]).exists()


def test_letters_that_only_fold_alike_are_other_letters(
    realm: Realm, alice_here: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person whose name has a dotless i does not become the one with an i."""
    dotless = "al\u0131ce"
    realm.add(dotless)
    realm.sign_in(dotless)

    # As a database answers whose language has these letters.
    monkeypatch.setattr(accounts, "find", lambda _: alice_here)

    assert status(context_for(realm).step()) == 200
    assert status(context_for(realm, dotless).step()) == 401


def test_another_realm_may_be_named_the_one_whose_people_have_accounts(
    realm: Realm, changed: Callable[..., None]
) -> None:
    User.objects.create_user("mallory")
    changed(sign_in=("negotiate",), kerberos=Kerberos(str(realm.keytab), realm="NEIGHBOUR.TEST"))

    assert status(context_for(realm, "mallory").step()) == 200
    assert status(context_for(realm, "alice").step()) == 401


def test_a_name_that_is_no_text_is_refused(realm: Realm, monkeypatch: pytest.MonkeyPatch) -> None:
    import gssapi

    broken = property(lambda _: b"caf\xe9@EXAMPLE.TEST".decode())
    monkeypatch.setattr(gssapi.SecurityContext, "initiator_name", broken)

    assert status(context_for(realm).step()) == 401


def test_a_disabled_account_is_refused_at_once(realm: Realm, alice_here: User) -> None:
    assert status(context_for(realm).step()) == 200

    User.objects.filter(pk=alice_here.pk).update(is_active=False)

    assert status(context_for(realm).step()) == 401


def test_a_ticket_is_believed_once(
    realm: Realm, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable would switch off the library's own record."""
    monkeypatch.setenv("KRB5RCACHENAME", "none:")
    token = context_for(realm).step()

    assert [status(token), status(token)] == [200, 401]
    assert "replay" in caplog.text


def test_an_expired_ticket_is_refused(
    realm: Realm, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The site allows clocks to differ; here by one second, so that nobody has to wait."""
    realm.sign_in("alice", lifetime="2s")
    token = context_for(realm).step()
    realm.sign_in("alice")
    monkeypatch.setenv("KRB5_CONFIG", realm.environment(skew=1)["KRB5_CONFIG"])
    time.sleep(4)

    assert status(token) == 401
    assert "expired" in caplog.text.lower()


def der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    length = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2)
    return bytes([tag]) + length + content


def ntlm_in_spnego() -> bytes:
    """Return what Windows sends when it has no ticket (RFC 4178 section 4.2.1)."""
    spnego, ntlm = bytes.fromhex("06062b0601050502"), bytes.fromhex("060a2b06010401823702020a")
    message = b"NTLMSSP\0" + bytes([1, 0, 0, 0]) + bytes(24)
    offer = der(0x30, der(0xA0, der(0x30, ntlm)), der(0xA2, der(0x04, message)))
    return der(0x60, spnego, der(0xA0, offer))


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\0", id="a NUL"),
        pytest.param(b"NTLMSSP\0\1\0\0\0" + bytes(24), id="NTLM"),
        pytest.param(ntlm_in_spnego(), id="NTLM in SPNEGO"),
        pytest.param(bytes.fromhex("6000"), id="an empty SEQUENCE"),
        pytest.param(bytes.fromhex("6084ffffffff06"), id="a length of four gigabytes"),
        pytest.param(os.urandom(4000), id="noise"),
        pytest.param(bytes(100_000), id="more than any ticket"),
    ],
)
def test_what_is_no_ticket_gets_the_challenges_again(token: bytes) -> None:
    answer = Client().get(PAGE, headers=negotiate(token))

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Negotiate, Basic realm="localhost"'


def test_a_ticket_with_one_bit_changed_is_refused(realm: Realm) -> None:
    token = context_for(realm).step() or b""
    wrong = token[:-40] + bytes([token[-40] ^ 1]) + token[-39:]

    assert status(wrong) == 401
    assert status(token) == 200


def test_text_that_is_not_base64_is_refused() -> None:
    answer = Client().get(PAGE, headers={"Authorization": "Negotiate *&^%"})

    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("setting", "binding", "expected"),
    [
        pytest.param("off", b"tls-server-end-point:elsewhere", 200, id="off: not looked at"),
        pytest.param("offered", None, 200, id="offered: a client that names no connection"),
        pytest.param("offered", b"tls-server-end-point:elsewhere", 401, id="offered: relayed here"),
        pytest.param("offered", b"", 401, id="offered: an empty name"),
        pytest.param("required", None, 401, id="required: a client that names none"),
        pytest.param("required", NO_CONNECTION, 401, id="required: a lucky guess"),
    ],
)
def test_what_a_client_says_of_its_connection_counts_over_plain_http(
    realm: Realm,
    changed: Callable[..., None],
    setting: str,
    binding: bytes | None,
    expected: int,
) -> None:
    """A ticket meant for a TLS connection that somebody relays to the plain listener."""
    changed(sign_in=("negotiate",), kerberos=Kerberos(str(realm.keytab), channel_binding=setting))

    assert status(context_for(realm, binding=binding).step()) == expected


def test_a_new_key_in_the_keytab_is_used_without_a_restart(realm: Realm) -> None:
    realm.administer(f"ktadd -k {realm.keytab} {SERVICE}")
    realm.sign_in("alice")

    assert status(context_for(realm).step()) == 200


def test_another_site_cannot_use_the_ticket_that_a_browser_sends(realm: Realm) -> None:
    """Tickets are sent by the browser of its own accord, as cookies are (ADR 0002)."""
    strict = Client(enforce_csrf_checks=True)

    headers = negotiate(context_for(realm).step()) | {"Sec-Fetch-Site": "cross-site"}
    answer = strict.post(PAGE, {}, headers=headers)

    assert answer.status_code == 403
    assert "sent from another site" in answer.content.decode()


def test_a_browser_is_asked_for_a_ticket_alone_and_shown_the_form() -> None:
    answer = Client().get(PAGE, headers=NAVIGATION)

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Negotiate")
    assert 'name="password"' in answer.content.decode()


def test_a_browser_whose_ticket_is_refused_gets_the_form_and_is_not_asked_again() -> None:
    answer = Client().get(PAGE, headers=negotiate(b"NTLMSSP\0") | NAVIGATION)

    assert answer.status_code == 401
    assert "WWW-Authenticate" not in answer
    assert 'name="password"' in answer.content.decode()


def test_a_ticket_means_nothing_where_the_setting_does_not_name_it(
    realm: Realm, changed: Callable[..., None]
) -> None:
    changed(sign_in=("basic",), kerberos=Kerberos(str(realm.keytab)))

    assert status(context_for(realm).step()) == 401
