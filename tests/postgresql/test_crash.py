"""A node and the database server are killed while programs submit requests."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from tests import postgres
from tests.live import ROOT
from tests.postgresql.conftest import node
from tests.postgresql.driver import Driver
from tests.test_crash_live import kill_under_load, submit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgres import Cluster


@pytest.fixture
def durable() -> Iterator[Cluster]:
    """A server as it comes: what it confirmed is on the disk."""
    running = postgres.start()
    yield running
    running.stop()


def test_a_killed_node_and_a_killed_server_keep_every_promise(
    durable: Cluster, tmp_path: Path
) -> None:
    """What a client was told is issued can be fetched; nobody stands half way; the chain is whole.

    The node does not finish what it left: another one does, at its own start.
    """
    database = durable.make("promises")
    a, b = node(tmp_path / "a", database), node(tmp_path / "b", database)
    a.manage("setup")
    (b.home / "keys").symlink_to(a.home / "keys")
    a.launch()

    told = kill_under_load(a)
    durable.crash()
    durable.start()

    b.launch()
    try:
        kept = [b.fetch(f"/certsrv/certnew.cer?ReqID={pk}&Enc=b64", name="admin") for pk in told]
        later = submit(b, 99_999)
    finally:
        b.stop()
    driver = Driver(b)
    found = driver.do("rows")
    driver.stop()
    assert len({x509.load_pem_x509_certificate(pem).serial_number for pem in kept}) == len(told)
    assert len(told) >= 12
    assert later > max(told)
    assert found["unsigned"] == 0
    assert found["audit is whole"]


_FORGETFUL = """
import os, signal, sys
from tests import postgres
running = postgres.start(*postgres.FAST)
print(running.folder, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_server_of_the_tests_ends_with_them_however_they_end() -> None:
    killed = subprocess.run(
        [sys.executable, "-c", _FORGETFUL],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )

    folder = Path(killed.stdout.strip())
    give_up = time.monotonic() + 30
    while folder.exists() and time.monotonic() < give_up:
        time.sleep(0.05)
    assert killed.returncode == -9
    assert folder.name.startswith("pg-")
    assert not folder.exists()
