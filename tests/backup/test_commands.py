"""`manage.py backup create` and `verify` as an operator types them."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.backup.sites import PASSPHRASE, Backed, key_pair, refused
from tests.live import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_an_archive_is_its_owner_s_alone_and_no_key_lies_in_it_in_the_clear(
    backed: Backed,
) -> None:
    content = backed.archive.read_bytes()

    assert stat.S_IMODE(backed.archive.stat().st_mode) == 0o600
    assert b"PRIVATE KEY" not in content
    assert b"SQLite format" not in content
    assert (backed.site.home / "secret-key").read_bytes() not in content


def test_verify_says_what_is_in_it(backed: Backed) -> None:
    said = backed.site.manage("backup", "verify", str(backed.archive), *backed.opened)
    found = json.loads(
        backed.site.manage("backup", "verify", str(backed.archive), *backed.opened, "--json")
    )

    assert "opens and belongs to it; not encrypted of itself" in said
    assert [each["name"] for each in found["findings"]] == [
        "Database",
        "Audit trail",
        "Numbers",
        "Key of CA certificate 0",
    ]
    assert found["crl_number"] == 1
    assert "secret-key" in found["files"]
    assert "CERTSRV_CA_KEY=ec:p256" in found["settings"]


def test_an_archive_is_verified_where_there_is_no_site(backed: Backed, tmp_path: Path) -> None:
    other = backed.elsewhere(tmp_path)

    assert "Every page is whole" in other.manage(
        "backup", "verify", str(backed.archive), *backed.opened
    )
    assert not (other.home / "db.sqlite3").exists()
    assert [path.name for path in (other.home / "backup-work").iterdir()] == ["lock"]


def test_one_archive_is_not_written_over_another(backed: Backed) -> None:
    before = backed.archive.read_bytes()

    said = refused(
        backed.site, "backup", "create", str(backed.archive), "--recipient", backed.recipient
    )

    assert "--force" in said
    assert backed.archive.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param((), "always encrypted", id="nothing said"),
        pytest.param(("--recipient", "me"), "is no public key of age", id="no key"),
        pytest.param(("--passphrase-file", "missing"), "cannot be read: No such", id="no file"),
        pytest.param(("--passphrase-file", "short"), "has 5 characters", id="too short"),
    ],
)
def test_no_archive_is_made_that_does_not_protect(
    backed: Backed, tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    (tmp_path / "short").write_text("short\n")
    words = tuple(str(tmp_path / word) if word in ("missing", "short") else word for word in words)

    said = refused(backed.site, "backup", "create", str(tmp_path / "archive"), *words)

    assert sentence in said
    assert not (tmp_path / "archive").exists()


def test_a_place_that_cannot_be_written_is_named(backed: Backed, tmp_path: Path) -> None:
    place = tmp_path / "missing" / "archive"

    said = refused(backed.site, "backup", "create", str(place), "--recipient", backed.recipient)

    assert f"{place} cannot be written: No such file or directory." in said


@pytest.mark.parametrize("verb", ["verify", "restore"])
def test_what_does_not_open_changes_nothing(backed: Backed, tmp_path: Path, verb: str) -> None:
    other = backed.elsewhere(tmp_path)
    altered, short = tmp_path / "altered", tmp_path / "short"
    content = bytearray(backed.archive.read_bytes())
    short.write_bytes(content[:-5000])
    content[len(content) // 2] ^= 1
    altered.write_bytes(content)
    (tmp_path / "wrong").mkdir()
    wrong = ("--identity-file", key_pair(tmp_path / "wrong")[1])

    assert "altered or cut short" in refused(other, "backup", verb, str(altered), *backed.opened)
    assert "cut short" in refused(other, "backup", verb, str(short), *backed.opened)
    assert "other keys" in refused(other, "backup", verb, str(backed.archive), *wrong)
    assert "--identity-file" in refused(other, "backup", verb, str(backed.archive))
    assert not (other.home / "db.sqlite3").exists()
    assert not (other.home / "keys").exists()


def test_a_passphrase_in_a_file_opens_and_another_does_not(backed: Backed, tmp_path: Path) -> None:
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text(f"{PASSPHRASE}\n")
    wrong.write_text(f"{PASSPHRASE}!\n")
    archive = str(tmp_path / "archive")
    backed.site.manage("backup", "create", archive, "--passphrase-file", str(right))

    assert "Every page is whole" in backed.site.manage(
        "backup", "verify", archive, "--passphrase-file", str(right)
    )
    assert "does not open with this passphrase" in refused(
        backed.site, "backup", "verify", archive, "--passphrase-file", str(wrong)
    )


def test_a_killed_backup_leaves_no_archive_and_the_next_run_cleans_up(
    backed: Backed, tmp_path: Path
) -> None:
    """With a passphrase, scrypt takes a second: long enough to be met in the middle."""
    phrase = tmp_path / "passphrase"
    phrase.write_text(PASSPHRASE)
    target = tmp_path / "archive"
    command = ("backup", "create", str(target), "--passphrase-file", str(phrase))
    running = subprocess.Popen(
        [sys.executable, "manage.py", *command], cwd=ROOT, env=backed.site.environment
    )
    copy = backed.site.home / "backup-work" / "database.sqlite3"
    wait_for(copy.exists)
    running.send_signal(signal.SIGKILL)
    running.wait()

    assert not target.exists()
    assert copy.exists()
    assert drafts(tmp_path)
    backed.site.manage("backup", "create", str(target), "--recipient", backed.recipient)
    assert not copy.exists()
    assert drafts(tmp_path) == []
    assert "Every page" in backed.site.manage("backup", "verify", str(target), *backed.opened)


def drafts(folder: Path) -> list[Path]:
    return list(folder.glob(".certsrv-backup-*"))


def wait_for(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def test_two_backups_at_once_are_not_made(backed: Backed, tmp_path: Path) -> None:
    phrase = tmp_path / "passphrase"
    phrase.write_text(PASSPHRASE)
    command = ("backup", "create", str(tmp_path / "one"), "--passphrase-file", str(phrase))
    running = subprocess.Popen(
        [sys.executable, "manage.py", *command], cwd=ROOT, env=backed.site.environment
    )
    wait_for((backed.site.home / "backup-work" / "database.sqlite3").exists)
    running.send_signal(signal.SIGSTOP)

    said = refused(
        backed.site, "backup", "create", str(tmp_path / "two"), "--recipient", backed.recipient
    )

    running.send_signal(signal.SIGCONT)
    assert "Wait until it has ended" in said
    assert running.wait() == 0
