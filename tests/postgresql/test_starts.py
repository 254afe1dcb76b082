"""Several nodes start at once, one is killed, one has keys of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from cryptography.x509 import ocsp

from tests.live import ROOT, LiveSite
from tests.postgresql.conftest import node
from tests.postgresql.driver import Driver
from tests.postgresql.test_nodes import asked, fetched_from, issued_on, status

if TYPE_CHECKING:
    from pathlib import Path

    from tests.postgres import Cluster
    from tests.postgresql.conftest import Nodes

ONE_SITE = {"templates": 33, "users": 1}


def set_up_at_once(*sites: LiveSite) -> list[str]:
    """Run `setup` of several nodes at the same time; return what each printed."""
    started = [
        subprocess.Popen(
            [sys.executable, "manage.py", "setup"],
            cwd=ROOT,
            env=site.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for site in sites
    ]
    printed = [process.communicate(timeout=120)[0] for process in started]
    assert [process.returncode for process in started] == [0] * len(sites), "\n".join(printed)
    return printed


def what_was_made(site: LiveSite) -> dict[str, object]:
    driver = Driver(site)
    try:
        found: dict[str, object] = driver.do("rows")
    finally:
        driver.stop()
    return found


def test_set_up_on_three_nodes_at_once_makes_one_site(cluster: Cluster, tmp_path: Path) -> None:
    database = cluster.make("at-once")
    sites = [node(tmp_path / name, database) for name in "abc"]

    printed = set_up_at_once(*sites)

    assert sorted("Made the CA" in text for text in printed) == [False, False, True]
    found = what_was_made(sites[0])
    assert found | ONE_SITE == found
    assert found["authorities"] == [[0, 0]]
    keys = [key for site in sites for key in (site.home / "keys").glob("ca-*.pem")]
    assert len(keys) == 1


def test_set_up_twice_at_once_makes_one_site_on_sqlite_too(tmp_path: Path) -> None:
    site = LiveSite(tmp_path, settings={"CERTSRV_CA_KEY": "ec:p256"})

    printed = set_up_at_once(site, site)

    assert sorted("Made the CA" in text for text in printed) == [False, True]
    found = what_was_made(site)
    assert found | ONE_SITE == found
    assert found["authorities"] == [[0, 0]]


def test_a_node_that_is_killed_gives_its_lock_back(nodes: Nodes) -> None:
    holder = Driver(nodes.a)
    assert holder.do("keep", seconds=600) == "holding"
    waiter = nodes.process("b")
    waiter.begin("publish", count=1, threads=1)
    time.sleep(0.5)

    holder.stop()

    started = time.monotonic()
    assert len(waiter.end()) == 1
    assert time.monotonic() - started < 10


def test_a_node_with_a_copy_of_the_keys_makes_a_responder_for_itself(
    nodes: Nodes, tmp_path: Path
) -> None:
    """Copied before the first question, its folder lacks the key of the others' responder."""
    leaf = fetched_from(nodes.a, issued_on(nodes.a))
    assert status(asked(nodes.a, leaf)) is ocsp.OCSPCertStatus.GOOD
    site = node(tmp_path / "c", nodes.a.settings["DATABASE_URL"])
    (site.home / "keys").mkdir(mode=0o700)
    for key in (nodes.a.home / "keys").glob("ca-*.pem"):
        shutil.copy2(key, site.home / "keys")
    before = nodes.process("a").do("rows")["responders"]
    site.launch()
    try:
        answers = {asked(site, leaf) for _ in range(3)}
    finally:
        site.stop()

    assert {status(answer) for answer in answers} == {ocsp.OCSPCertStatus.GOOD}
    assert nodes.process("a").do("rows")["responders"] == before + 1
    assert status(asked(nodes.a, leaf)) is ocsp.OCSPCertStatus.GOOD


def test_a_node_without_the_key_of_the_ca_does_not_start_and_says_what_to_do(
    nodes: Nodes, tmp_path: Path
) -> None:
    site = node(tmp_path / "c", nodes.a.settings["DATABASE_URL"])

    with pytest.raises(pytest.fail.Exception, match="from the node that made it"):
        site.launch()
