"""Encrypted key files: opened by a passphrase that is set or typed, and by no other."""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING

import pytest
from django.core.management.base import CommandError

from enrollment import conf, keys
from enrollment.management import passphrase
from enrollment.models import Authority
from enrollment.services import keyring
from tests.tools import run

if TYPE_CHECKING:
    from pathlib import Path

    from enrollment.services.setup import SetupReport

PHRASE = b"correct horse"


def ring(home: Path, phrase: bytes | None = PHRASE) -> keys.KeyRing:
    return keys.KeyRing(home, passphrase=lambda: phrase)


@pytest.mark.parametrize("kind", ["rsa:2048", "ec:p256", "ed25519"])
def test_openssl_opens_an_encrypted_key_with_its_passphrase(kind: str, tmp_path: Path) -> None:
    made = ring(tmp_path).make(kind, "ca")

    path = tmp_path / made.reference
    right = run("openssl", "pkey", "-in", path, "-noout", "-passin", f"pass:{PHRASE.decode()}")
    wrong = run("openssl", "pkey", "-in", path, "-noout", "-passin", "pass:wrong")

    assert right.returncode == 0, right.stdout
    assert wrong.returncode != 0


def test_a_ring_without_a_passphrase_makes_plain_keys(tmp_path: Path) -> None:
    made = ring(tmp_path, None).make("ec:p256", "ca")

    assert b"BEGIN PRIVATE KEY" in (tmp_path / made.reference).read_bytes()


def test_a_made_key_is_found_again_by_its_reference(tmp_path: Path) -> None:
    made = ring(tmp_path).make("ec:p256", "ca")
    keys.forget_signers()

    assert keys.matches(ring(tmp_path).open(made.reference), made.signer.public_key)


def test_a_missing_passphrase_says_where_to_put_it(tmp_path: Path) -> None:
    made = ring(tmp_path).make("ec:p256", "ca")

    with pytest.raises(keys.PassphraseMissing, match="CERTSRV_KEY_PASSPHRASE_FILE"):
        ring(tmp_path, None).open(made.reference)


def test_a_wrong_passphrase_is_called_wrong(tmp_path: Path) -> None:
    made = ring(tmp_path).make("ec:p256", "ca")

    with pytest.raises(keys.PassphraseWrong, match="encrypted with another one"):
        ring(tmp_path, b"wrong").open(made.reference)


def test_a_plain_key_opens_beside_encrypted_ones(tmp_path: Path) -> None:
    plain = ring(tmp_path, None).make("ec:p256", "ca")
    keys.forget_signers()

    assert keys.matches(ring(tmp_path).open(plain.reference), plain.signer.public_key)


def test_the_line_of_the_how_to_changes_the_passphrase(tmp_path: Path) -> None:
    made = ring(tmp_path).make("ec:p256", "ca")
    old, new = tmp_path / made.reference, tmp_path / "keys" / "new.pem"
    new.touch(mode=0o600)
    changed = run(
        *("openssl", "pkcs8", "-topk8", "-scrypt", "-in", old, "-out", new),
        *("-passin", f"pass:{PHRASE.decode()}", "-passout", "pass:another"),
    )

    opened = ring(tmp_path, b"another").open("keys/new.pem")

    assert changed.returncode == 0, changed.stdout
    assert keys.matches(opened, made.signer.public_key)


@pytest.fixture
def locked_site(site: SetupReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """A site whose CA key is encrypted, with somebody at its terminal."""
    home = conf.current().home
    plain = home / site.authority.key_reference
    locked = plain.with_name("locked.pem")
    locked.unlink(missing_ok=True)
    locked.touch(mode=0o600)
    run(
        *("openssl", "pkcs8", "-topk8", "-in", plain, "-out", locked),
        *("-passout", f"pass:{PHRASE.decode()}"),
    )
    Authority.objects.filter(pk=site.authority.pk).update(key_reference="keys/locked.pem")
    monkeypatch.setattr(keyring.process, "typed", None)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    return Authority.objects.get(pk=site.authority.pk)


def test_a_passphrase_can_be_typed(locked_site: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getpass", lambda _prompt: PHRASE.decode())

    passphrase.ask()

    assert keyring.open_key(locked_site.key_reference).sign(b"message")
    assert keyring.locked_keys() == []


def test_a_wrongly_typed_passphrase_ends_the_command(
    locked_site: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getpass, "getpass", lambda _prompt: "wrong")

    with pytest.raises(CommandError, match="encrypted with another one"):
        passphrase.ask()

    assert keyring.locked_keys() == [locked_site.key_reference]


def test_nobody_is_asked_where_nothing_is_locked(
    site: SetupReport,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(getpass, "getpass", lambda _prompt: pytest.fail("asked"))

    passphrase.ask()


def test_a_secret_is_read_when_it_is_needed_and_never_shown(tmp_path: Path) -> None:
    settings = conf.read(
        {"CERTSRV_KEY_PASSPHRASE": "hush", "CERTSRV_PKCS11_PIN_FILE": str(tmp_path / "pin")}
    )
    (tmp_path / "pin").write_text("1234\n")

    assert settings.token_pin.read() == "1234"
    assert "hush" not in repr(settings)
