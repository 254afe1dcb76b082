"""`manage.py backup restore` as an operator types it, after whatever happened."""

from __future__ import annotations

import contextlib
import sqlite3
import stat
from typing import TYPE_CHECKING

from enrollment import keys
from tests.backup.sites import Backed, crl_number, key_pair, new_site, refused
from tests.keys.softhsm import make_token
from tests.live import LiveSite

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_restore_does_not_touch_a_site_that_is_there(backed: Backed) -> None:
    before = (backed.site.home / "db.sqlite3").read_bytes()

    said = refused(backed.site, "backup", "restore", str(backed.archive), *backed.opened)

    assert "There is a site in" in said
    assert "--replace" in said
    assert (backed.site.home / "db.sqlite3").read_bytes() == before


def test_a_restore_into_a_folder_of_another_name_makes_a_site_of_it(
    backed: Backed, tmp_path: Path
) -> None:
    home = tmp_path / "other name"

    said = backed.site.manage(
        *("backup", "restore", str(backed.archive), *backed.opened, "--home", str(home))
    )

    other = LiveSite(home, settings=dict(backed.site.settings))
    assert "is published. Start it" in said
    assert "Everything is known up to" in said
    assert crl_number(other) > 1000
    other.manage("ca", "check", "--offline")
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for path in (home, home / "keys", home / "db.sqlite3", *(home / "keys").iterdir())
    }
    assert set(modes.values()) == {0o700, 0o600}
    assert modes["other name"] == modes["keys"] == 0o700


def test_a_site_that_is_replaced_is_moved_aside_and_its_log_is_used(
    backed: Backed, tmp_path: Path
) -> None:
    site = backed.copy(tmp_path)
    site.manage("crl", "publish")
    seen = crl_number(site)
    key = next((site.home / "keys").iterdir())
    key.write_text("lost\n")

    said = site.manage("backup", "restore", str(backed.archive), *backed.opened, "--replace")

    (aside,) = site.home.glob("replaced-*")
    assert f"What was there before is in {aside}" in said
    assert (aside / "keys" / key.name).read_text() == "lost\n"
    assert (aside / "db.sqlite3").exists()
    assert "events follow those of the backup without a gap" in said
    assert crl_number(site) > seen + 1000
    site.manage("ca", "check", "--offline")


def test_a_restore_that_was_not_finished_keeps_the_site_closed(
    backed: Backed, tmp_path: Path
) -> None:
    site = backed.copy(tmp_path)
    (site.home / "restore-unfinished").write_text("{}")

    assert "backup reconcile" in refused(site, "serve")
    assert "backup reconcile" in refused(site, "setup")
    site.manage("backup", "reconcile")
    site.manage("setup")


def test_a_backup_of_a_later_version_is_not_restored(backed: Backed, tmp_path: Path) -> None:
    site = backed.copy(tmp_path)
    with contextlib.closing(sqlite3.connect(site.home / "db.sqlite3")) as database, database:
        database.execute(
            "INSERT INTO django_migrations (app, name, applied) "
            "VALUES ('enrollment', '9999_later', '2030-01-01')"
        )
    archive = str(tmp_path / "later")
    site.manage("backup", "create", archive, "--recipient", backed.recipient)

    said = refused(
        site, "backup", "restore", archive, *backed.opened, "--home", str(tmp_path / "x")
    )

    assert "enrollment.9999_later" in said
    assert not (tmp_path / "x" / "db.sqlite3").exists()


def test_a_damaged_database_is_found_before_anything_is_put_in_place(
    backed: Backed, tmp_path: Path
) -> None:
    """Whoever has the passphrase can make any archive; its audit trail must still fit."""
    site = backed.copy(tmp_path)
    with contextlib.closing(sqlite3.connect(site.home / "db.sqlite3")) as database, database:
        database.execute("UPDATE enrollment_auditevent SET actor = 'mallory' WHERE id = 2")
    archive = str(tmp_path / "damaged")
    site.manage("backup", "create", archive, "--recipient", backed.recipient)

    said = refused(site, "backup", "verify", archive, *backed.opened)
    home = tmp_path / "x"
    again = refused(site, "backup", "restore", archive, *backed.opened, "--home", str(home))

    assert "WRONG  Audit trail" in said
    assert "Event 2 does not fit the one before it" in again
    assert sorted(path.name for path in home.iterdir()) == [
        "backup-work",
        "secret-key",
        "site.lock",
    ]


def test_a_key_that_is_not_the_ca_s_is_found(backed: Backed, tmp_path: Path) -> None:
    site = backed.copy(tmp_path)
    (key,) = (site.home / "keys").iterdir()
    key.unlink()
    keys.generate("ec:p256", key)
    archive = str(tmp_path / "archive")
    site.manage("backup", "create", archive, "--recipient", backed.recipient)

    said = refused(site, "backup", "verify", archive, *backed.opened)

    assert "does not belong to the CA certificate" in said
    assert "backup-work" not in said


def test_encrypted_keys_are_tried_with_their_own_passphrase(tmp_path: Path) -> None:
    phrase = tmp_path / "key-passphrase"
    phrase.write_text("of the key\n")
    site = new_site(tmp_path / "home", CERTSRV_KEY_PASSPHRASE_FILE=str(phrase))
    recipient, identity = key_pair(tmp_path)
    archive = str(tmp_path / "archive")
    opened = ("--identity-file", identity)

    made = site.manage("backup", "create", archive, "--recipient", recipient)
    without = LiveSite(tmp_path / "other", settings={})

    assert "unencrypted keys" not in made
    assert "opens and belongs to it; encrypted" in site.manage("backup", "verify", archive, *opened)
    assert "CERTSRV_KEY_PASSPHRASE_FILE" in refused(without, "backup", "verify", archive, *opened)
    assert "CERTSRV_KEY_PASSPHRASE_FILE" in refused(without, "backup", "restore", archive, *opened)
    assert not (without.home / "db.sqlite3").exists()


def test_a_key_on_a_token_is_not_in_the_archive_and_works_after_the_restore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOFTHSM2_CONF", "")
    token = make_token(tmp_path)
    site = new_site(tmp_path / "home", **token.environment(tmp_path / "pin"))
    recipient, identity = key_pair(tmp_path)
    archive = str(tmp_path / "archive")

    made = site.manage("backup", "create", archive, "--recipient", recipient)
    other = LiveSite(tmp_path / "other", settings=dict(site.settings))
    said = other.manage("backup", "restore", archive, "--identity-file", identity)

    assert "NOT in the archive: the key of CA certificate 0, pkcs11:token=" in made
    assert "is on a token and in no archive" in said
    assert crl_number(other) > 1000
    other.manage("ca", "check", "--offline")


def test_without_the_token_the_restored_site_stays_closed_until_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOFTHSM2_CONF", "")
    token = make_token(tmp_path)
    site = new_site(tmp_path / "home", **token.environment(tmp_path / "pin"))
    recipient, identity = key_pair(tmp_path)
    archive = str(tmp_path / "archive")
    site.manage("backup", "create", archive, "--recipient", recipient)
    other = LiveSite(tmp_path / "other", settings=dict(site.settings))
    pin = (tmp_path / "pin").read_text()
    (tmp_path / "pin").write_text("wrong\n")

    said = refused(other, "backup", "restore", archive, "--identity-file", identity)

    assert "does not accept the PIN" in said
    assert "backup reconcile" in refused(other, "serve")
    (tmp_path / "pin").write_text(pin)
    assert "is published" in other.manage("backup", "reconcile")


def test_a_ca_that_waits_for_its_certificate_is_restored_with_its_key(tmp_path: Path) -> None:
    """The answer of the CA above fits that key and no other."""
    site = LiveSite(tmp_path / "home", settings={"CERTSRV_CA_KEY": "ec:p256"})
    site.settings["CERTSRV_CA_ROLE"] = "subordinate"
    site.manage("setup")
    recipient, identity = key_pair(tmp_path)
    archive, opened = str(tmp_path / "archive"), ("--identity-file", identity)
    site.manage("backup", "create", archive, "--recipient", recipient)
    other = LiveSite(tmp_path / "other", settings=dict(site.settings))

    said = other.manage("backup", "restore", archive, *opened)

    assert "Key of request 1 to the CA above" in said
    assert "opens and belongs to it" in said
    assert "waits for its certificate from the CA above it" in said
    assert "waits for its certificate" in refused(other, "serve")
