"""The parts of a backup: its manifest, the folder it is made in, the place where it appears."""

from __future__ import annotations

import fcntl
import json
import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from enrollment import conf
from enrollment.services import occupancy
from enrollment.services.backup import destination, manifest
from enrollment.services.backup.errors import (
    ArchiveUnreadable,
    BackupFault,
    BackupRefused,
    WorkInProgress,
)
from enrollment.services.backup.manifest import Facts, Manifest, Member
from enrollment.services.backup.workspace import make_sure_of_room, workspace

if TYPE_CHECKING:
    from pathlib import Path

DATABASE = Member(manifest.SQLITE, 10, "a" * 64)


def made(*members: str) -> Manifest:
    return Manifest(
        made_at=datetime(2026, 11, 23, 12, tzinfo=UTC),
        hostname="ca.example.com",
        software="1.0",
        facts=Facts(7, "f" * 64, 3, 5, "4a", ("enrollment.0001_initial",)),
        authorities=(),
        keys=(),
        settings={"CERTSRV_HOSTNAME": "ca.example.com"},
        members=(DATABASE, *(Member(name, 1, "b" * 64) for name in members)),
    )


def altered(**values: Any) -> bytes:
    return json.dumps(json.loads(made().to_json()) | values).encode()


def test_a_manifest_reads_as_it_was_written() -> None:
    about = made("keys/ca-1.pem", "tls/site.pem", "secret-key")

    assert manifest.parse(about.to_json()) == about


def test_what_a_later_program_adds_is_passed_over() -> None:
    assert manifest.parse(altered(weather="fine")) == made()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'{"format": "certsrv backup", "version": 1}', id="nearly nothing"),
        pytest.param(altered(format="another"), id="another format"),
        pytest.param(altered(members=[{}]), id="a member without a name"),
        pytest.param(altered(made_at="yesterday"), id="no time"),
        pytest.param(altered(facts=None), id="no facts"),
    ],
)
def test_what_is_no_manifest_is_called_so(content: bytes) -> None:
    with pytest.raises(ArchiveUnreadable, match="holds no manifest"):
        manifest.parse(content)


def test_a_later_format_asks_for_a_later_program() -> None:
    with pytest.raises(ArchiveUnreadable, match="has format 2"):
        manifest.parse(altered(version=2))


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../keys/ca.pem",
        "keys/../ca.pem",
        "keys/../../x",
        "keys/a/b.pem",
        "keys/",
        "keys/.hidden",
        "manage.py",
        "database.sqlite3",
        "database.pgdump",
        "keys/a\nb",
        "site.lock",
    ],
)
def test_no_archive_writes_where_no_backup_writes(name: str) -> None:
    with pytest.raises(ArchiveUnreadable, match="lists what no backup holds"):
        manifest.parse(made(name).to_json())


def test_the_settings_in_it_are_those_that_were_set_and_are_no_secret() -> None:
    secrets = {
        "CERTSRV_KEY_PASSPHRASE": "s3cret",
        "CERTSRV_ADMIN_PASSWORD": "s3cret",
        "CERTSRV_SECRET_KEY": "s3cret",
        "CERTSRV_PKCS11_PIN": "s3cret",
        "CERTSRV_BACKUP_PASSPHRASE": "s3cret",
        "DATABASE_URL": "postgres://certsrv:s3cret@db/certsrv",
    }
    plain = {"CERTSRV_HOSTNAME": "ca.example.com", "CERTSRV_BACKUP_PASSPHRASE_FILE": "/run/x"}

    assert conf.public({**secrets, **plain, "CERTSRV_OTHER": "s3cret"}) == plain


def test_the_workspace_is_the_owner_s_alone_and_empty_afterwards(tmp_path: Path) -> None:
    with workspace(tmp_path) as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "keys").mkdir()
        (folder / "keys" / "ca.pem").touch()

    assert [path.name for path in folder.iterdir()] == ["lock"]


def test_what_a_killed_command_left_is_removed_by_the_next(tmp_path: Path) -> None:
    (tmp_path / "backup-work").mkdir()
    (tmp_path / "backup-work" / "database.sqlite3").touch()

    with workspace(tmp_path) as folder:
        assert [path.name for path in folder.iterdir()] == ["lock"]


def test_two_commands_do_not_share_a_workspace(tmp_path: Path) -> None:
    with workspace(tmp_path), pytest.raises(WorkInProgress), workspace(tmp_path):
        pass


def test_a_full_disk_is_told_before_the_copy_is_made(tmp_path: Path) -> None:
    make_sure_of_room(tmp_path, 1)

    with pytest.raises(BackupFault, match="MiB free"):
        make_sure_of_room(tmp_path, 2**60)


def test_an_archive_appears_when_it_is_whole_readable_by_its_owner_alone(tmp_path: Path) -> None:
    target = tmp_path / "backup"

    with destination.drafted(target, force=False) as file:
        file.write(b"whole")
        assert not target.exists()

    assert target.read_bytes() == b"whole"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["backup"]


def test_an_archive_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with destination.drafted(tmp_path / "backup", force=False) as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_one_archive_never_takes_the_place_of_another(tmp_path: Path) -> None:
    target = tmp_path / "backup"
    target.write_bytes(b"old")

    with (
        pytest.raises(BackupRefused, match="--force"),
        destination.drafted(target, force=False),
    ):
        pass
    assert target.read_bytes() == b"old"


def test_one_that_came_meanwhile_is_not_replaced_either(tmp_path: Path) -> None:
    target = tmp_path / "backup"

    def write_while_another_comes() -> None:
        with destination.drafted(target, force=False) as file:
            file.write(b"new")
            target.write_bytes(b"came meanwhile")

    with pytest.raises(BackupRefused, match="--force"):
        write_while_another_comes()
    assert target.read_bytes() == b"came meanwhile"
    assert [path.name for path in tmp_path.iterdir()] == ["backup"]


def test_force_replaces_it(tmp_path: Path) -> None:
    target = tmp_path / "backup"
    target.write_bytes(b"old")

    with destination.drafted(target, force=True) as file:
        file.write(b"new")

    assert target.read_bytes() == b"new"


def test_a_folder_is_no_place_for_an_archive(tmp_path: Path) -> None:
    with pytest.raises(BackupRefused, match="folder"), destination.drafted(tmp_path, force=True):
        pass


def test_a_place_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(BackupFault, match="cannot be written: No such file"),
        destination.drafted(tmp_path / "missing" / "backup", force=False),
    ):
        pass


def test_drafts_of_killed_commands_are_removed_and_those_that_grow_are_not(tmp_path: Path) -> None:
    dead, alive = tmp_path / ".certsrv-backup-1", tmp_path / ".certsrv-backup-2"
    dead.touch()
    with alive.open("w") as growing:
        fcntl.flock(growing, fcntl.LOCK_EX)
        with destination.drafted(tmp_path / "backup", force=False):
            assert (dead.exists(), alive.exists()) == (False, True)


def test_a_home_that_serves_is_not_restored_into(tmp_path: Path) -> None:
    with (
        occupancy.occupied(tmp_path),
        occupancy.occupied(tmp_path),
        pytest.raises(occupancy.SiteRunning, match="Stop it first"),
        occupancy.empty(tmp_path),
    ):
        pass


def test_a_home_that_is_restored_does_not_serve(tmp_path: Path) -> None:
    with (
        occupancy.empty(tmp_path),
        pytest.raises(occupancy.SiteRunning, match="is being restored"),
        occupancy.occupied(tmp_path),
    ):
        pass


def test_a_home_whose_restore_was_not_finished_does_not_serve(tmp_path: Path) -> None:
    (tmp_path / "restore-unfinished").touch()

    with pytest.raises(occupancy.RestoreUnfinished), occupancy.occupied(tmp_path):
        pass
