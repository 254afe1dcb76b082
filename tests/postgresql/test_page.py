"""The page about PostgreSQL can be followed: its role suffices, and its copy brings a site back."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

from tests.docs.pages import ROOT, Page, page
from tests.postgresql.conftest import node
from tests.postgresql.driver import Driver

if TYPE_CHECKING:
    from pathlib import Path

    from tests.postgres import Cluster

PAGE: Page = page("docs/howto/postgresql.md")


def block(beginning: str) -> str:
    """Return the block of code on the page with this in it."""
    # Blocks of a list are indented.
    text = re.sub(r"^ {1,3}", "", PAGE.text, flags=re.MULTILINE)
    found = [
        match[1] for match in re.finditer(r"^```\w+\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    ]
    (only,) = (code for code in found if beginning in code)
    return only


def test_the_role_of_the_page_can_set_a_site_up_and_its_copy_brings_it_back(
    cluster: Cluster, tmp_path: Path
) -> None:
    for statement in block("CREATE ROLE").strip().split(";\n"):
        cluster.sql(statement)
    (line,) = (line for line in block("database-url").splitlines() if line.startswith("echo"))
    url = line.split("'")[1].replace("@db.example.com:5432/", "@/")
    url = url.replace("sslmode=verify-full", f"host={cluster.folder}")
    site = node(tmp_path / "a", url)
    site.manage("setup")

    (tmp_path / "database-url").write_text(url)
    copy = subprocess.run(
        ["sh", "-e"],
        input=block("pg_dump"),
        text=True,
        cwd=tmp_path,
        env=site.environment
        | {
            "DATABASE_URL_FILE": str(tmp_path / "database-url"),
            "PATH": f"{cluster.programs}:{os.environ['PATH']}",
        },
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert copy.returncode == 0, copy.stderr
    assert (tmp_path / "keys").is_dir()

    cluster.sql("CREATE DATABASE restored OWNER certsrv TEMPLATE template0")
    restored = url.replace("/certsrv?", "/restored?")
    subprocess.run(
        [cluster.programs / "pg_restore", "--no-owner", f"--dbname={restored}", "certsrv.dump"],
        cwd=tmp_path,
        check=True,
        timeout=120,
    )
    drivers = [Driver(site), Driver(node(tmp_path / "b", restored))]
    was, now = (driver.do("rows") for driver in drivers)
    for driver in drivers:
        driver.stop()
    assert now == was
    assert now["authorities"] == [[0, 0]]


def test_the_driver_of_the_page_is_the_one_that_is_pinned() -> None:
    assert "-r requirements-postgresql.txt" in block("pip install")
    assert "psycopg[binary]==" in (ROOT / "requirements-postgresql.txt").read_text()
