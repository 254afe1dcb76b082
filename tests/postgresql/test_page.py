"""The page about PostgreSQL can be followed: its role suffices, its driver is the pinned one."""

from __future__ import annotations

import re
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


def test_the_role_of_the_page_can_set_a_site_up(cluster: Cluster, tmp_path: Path) -> None:
    """An ordinary owner of a database, with a password that has to be percent-encoded."""
    for statement in block("CREATE ROLE").strip().split(";\n"):
        cluster.sql(statement)
    (line,) = (line for line in block("database-url").splitlines() if line.startswith("echo"))
    url = line.split("'")[1].replace("@db.example.com:5432/", "@/")
    url = url.replace("sslmode=verify-full", f"host={cluster.folder}")
    site = node(tmp_path / "a", url)

    site.manage("setup")

    driver = Driver(site)
    found = driver.do("rows")
    driver.stop()
    assert found["authorities"] == [[0, 0]]
    assert found["audit is whole"]


def test_the_driver_of_the_page_is_the_one_that_is_pinned() -> None:
    assert "-r requirements-postgresql.txt" in block("pip install")
    assert "psycopg[binary]==" in (ROOT / "requirements-postgresql.txt").read_text()
