"""`kill -9` of the whole server while people and programs submit requests."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import os
import re
import signal
import sqlite3
import threading
import time
import urllib.error
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from tests import make
from tests.live import LiveSite

if TYPE_CHECKING:
    from collections.abc import Iterator

_POSTERS = 4
_ENOUGH = 12
_PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Aftermath:
    """A site that was killed and started again, and what its clients had been told."""

    site: LiveSite
    told: list[int]
    highest: int


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    """Kill a site under load, and start it again as `make run` does."""
    site = LiveSite(tmp_path_factory.mktemp("killed"), settings={"CERTSRV_CA_KEY": "ec:p256"})
    site.home.mkdir(exist_ok=True)
    site.manage("setup")
    site.launch()
    told = kill_under_load(site)
    highest = rows(site, "SELECT max(id) FROM enrollment_enrollmentrequest")[0][0]
    site.manage("setup")
    site.launch()
    yield Aftermath(site, told, highest)
    if site.process is not None:
        site.stop()


def submit(site: LiveSite, number: int) -> int:
    """Submit a request as a program does; return the id of the issued certificate."""
    pem = make.request_pem(f"host{number}.example.com", kind="ec:p256")
    body = urllib.parse.urlencode(
        {
            "Mode": "newreq",
            "CertRequest": pem.decode(),
            "CertAttrib": "CertificateTemplate:WebServer",
            "TargetStoreFlags": "0",
            "SaveCert": "yes",
        }
    )
    page = site.fetch("/certsrv/certfnsh.asp", name="admin", data=body.encode()).decode()
    found = re.search(r"certnew\.cer\?ReqID=(\d+)&", page)
    assert found, page
    return int(found[1])


def submit_until_it_dies(site: LiveSite, told: list[int], first: int) -> None:
    # Killed between head and body, the answer is cut short.
    with contextlib.suppress(OSError, urllib.error.URLError, http.client.IncompleteRead):
        for number in itertools.count(first):
            told.append(submit(site, number))  # noqa: PERF401 - what came before the end counts


def kill_under_load(site: LiveSite) -> list[int]:
    """Let several clients submit, kill every process at once, and return the ids they were told."""
    told: list[int] = []
    posters = [
        threading.Thread(target=submit_until_it_dies, args=(site, told, index * 10_000))
        for index in range(_POSTERS)
    ]
    for poster in posters:
        poster.start()
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while (
        len(told) < _ENOUGH
        and any(poster.is_alive() for poster in posters)
        and time.monotonic() < give_up
    ):
        time.sleep(0.01)
    assert site.process is not None
    os.killpg(site.process.pid, signal.SIGKILL)
    site.process.wait()
    site.process = None
    for poster in posters:
        poster.join()
    return told


def rows(site: LiveSite, statement: str) -> list[tuple[int, ...]]:
    with contextlib.closing(sqlite3.connect(site.home / "db.sqlite3")) as database:
        return database.execute(statement).fetchall()


def test_a_killed_server_keeps_every_promise_it_made(aftermath: Aftermath) -> None:
    """What a client was told is issued can be fetched after the next start."""
    certificates = [
        x509.load_pem_x509_certificate(
            aftermath.site.fetch(f"/certsrv/certnew.cer?ReqID={request_id}&Enc=b64", name="admin")
        )
        for request_id in aftermath.told
    ]

    assert len(aftermath.told) >= _ENOUGH
    assert len(set(aftermath.told)) == len(aftermath.told)
    assert len({item.serial_number for item in certificates}) == len(aftermath.told)


def test_a_killed_server_leaves_nobody_half_way(aftermath: Aftermath) -> None:
    unfinished = rows(
        aftermath.site,
        "SELECT id FROM enrollment_enrollmentrequest "
        "WHERE disposition != 3 OR certificate_id IS NULL",
    )
    committed = rows(
        aftermath.site, "SELECT id FROM enrollment_signingrecord WHERE state = 'committed'"
    )

    assert (unfinished, committed) == ([], [])
    assert "all whole" in aftermath.site.manage("audit", "verify")


def test_after_a_kill_ids_go_on_where_they_were(aftermath: Aftermath) -> None:
    assert submit(aftermath.site, 99_999) > aftermath.highest >= max(aftermath.told)
