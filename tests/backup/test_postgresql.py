"""A site on PostgreSQL: dumped on one snapshot, restored where nothing is, or beside the old."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from tests.backup.sites import crl_number, fetch, key_pair, new_site, refused, serial_of, submit
from tests.live import ROOT, LiveSite
from tests.postgres import cluster

if TYPE_CHECKING:
    from pathlib import Path

    from tests.postgres import Cluster

__all__ = ["cluster"]


@pytest.fixture
def site(tmp_path: Path, cluster: Cluster) -> LiveSite:
    """A site with a database of its own."""
    return new_site(tmp_path / "home", DATABASE_URL=cluster.make(tmp_path.name))


def elsewhere(site: LiveSite, cluster: Cluster, name: str) -> LiveSite:
    """Return a site that is not there yet, with an empty database."""
    url = cluster.make(f"{name} {site.home.parent.name}")
    return LiveSite(site.home.parent / name, settings=site.settings | {"DATABASE_URL": url})


def test_a_busy_site_is_backed_up_and_restored(
    site: LiveSite, cluster: Cluster, tmp_path: Path
) -> None:
    site.launch()
    enough = threading.Event()
    told: list[int] = []

    def post() -> None:
        while not enough.is_set():
            told.append(submit(site, f"host{len(told)}.example.com"))

    poster = threading.Thread(target=post)
    poster.start()
    recipient, identity = key_pair(tmp_path)
    archive = str(tmp_path / "archive")
    site.manage("backup", "create", archive, "--recipient", recipient)
    enough.set()
    poster.join()
    later = submit(site, "later.example.com")
    serial = serial_of(fetch(site, told[0], tmp_path / "first.pem"))
    site.manage("certificates", "revoke", serial, "--reason", "superseded")
    seen = crl_number(site)
    site.stop()
    other = elsewhere(site, cluster, "other")
    opened = ("--identity-file", identity)

    verified = other.manage("backup", "verify", archive, *opened)
    log = str(site.home / "audit.log")
    said = other.manage("backup", "restore", archive, *opened, "--log", log)

    assert "The dump is whole" in verified
    assert "events follow those of the backup without a gap" in said
    assert crl_number(other) > seen + 1000
    shown = json.loads(other.manage("certificates", "show", serial, "--json"))
    assert shown["state"].startswith("revoked")
    other.launch()
    assert submit(other, "new.example.com") > later + 1000
    for request_id in (*told, later):
        fetch(other, request_id, tmp_path / "again.pem")
    other.stop()
    assert "all whole" in other.manage("audit", "verify")
    other.manage("ca", "check", "--offline")


def test_tables_that_are_there_are_not_touched_or_moved_aside(
    site: LiveSite, cluster: Cluster, tmp_path: Path
) -> None:
    recipient, identity = key_pair(tmp_path)
    archive, opened = str(tmp_path / "archive"), ("--identity-file", identity)
    site.manage("backup", "create", archive, "--recipient", recipient)

    said = refused(site, "backup", "restore", archive, *opened)
    site.manage("backup", "restore", archive, *opened, "--replace")

    assert "tables in the database" in said
    tables = cluster.sql(
        "SELECT schemaname, count(*) FROM pg_tables WHERE schemaname !~ '^(pg_|information)' "
        "GROUP BY 1 ORDER BY 1",
        tmp_path.name,
    ).splitlines()
    assert len(tables) == 2
    assert tables[0].startswith("public|")
    assert tables[1].startswith("replaced_")
    assert tables[0].split("|")[1] == tables[1].split("|")[1]
    assert crl_number(site) > 1000
    site.manage("ca", "check", "--offline")


def test_nothing_is_restored_while_another_machine_is_connected(
    site: LiveSite, cluster: Cluster, tmp_path: Path
) -> None:
    recipient, identity = key_pair(tmp_path)
    archive, opened = str(tmp_path / "archive"), ("--identity-file", identity)
    site.manage("backup", "create", archive, "--recipient", recipient)
    other = elsewhere(site, cluster, "other")
    held = subprocess.Popen(
        [cluster.programs / "psql", "-XAtq", *cluster.login(f"other {tmp_path.name}")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert held.stdin is not None
    assert held.stdout is not None
    held.stdin.write(b"SELECT 1;\n")
    held.stdin.flush()
    held.stdout.readline()

    said = refused(other, "backup", "restore", archive, *opened)

    held.communicate()
    assert "1 other connections use the database" in said
    assert "is published" in other.manage("backup", "restore", archive, *opened)


def test_an_archive_of_another_kind_of_database_is_refused(site: LiveSite, tmp_path: Path) -> None:
    recipient, identity = key_pair(tmp_path)
    archive, opened = str(tmp_path / "archive"), ("--identity-file", identity)
    site.manage("backup", "create", archive, "--recipient", recipient)
    settings = {name: text for name, text in site.settings.items() if name != "DATABASE_URL"}
    other = LiveSite(tmp_path / "other", settings=settings)

    said = refused(other, "backup", "restore", archive, *opened)

    assert "The backup is of PostgreSQL, and DATABASE_URL names SQLite here" in said


def test_without_its_programs_the_backup_says_what_to_install(
    site: LiveSite, tmp_path: Path
) -> None:
    recipient, _ = key_pair(tmp_path)
    done = subprocess.run(
        [sys.executable, "manage.py", "backup", "create", tmp_path / "a", "--recipient", recipient],
        cwd=ROOT,
        env=site.environment | {"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "pg_dump is not installed here" in done.stderr
    assert not (tmp_path / "a").exists()
