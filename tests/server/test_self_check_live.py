"""A site that is really served looks at itself over the network, by command and by itself."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.live import ROOT, LiveSite
from tests.live import live_site as live_site  # noqa: PLC0414 - a fixture, for this module
from tests.loopback import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.loopback import Handler

TOKEN = "0123456789abcdef0123456789abcdef"


def check(site: LiveSite, *words: str) -> tuple[int, dict[str, Any]]:
    """Run `ca check`; return its exit code and the findings that are not in order, by address."""
    done = subprocess.run(
        [sys.executable, "manage.py", "ca", "check", "--json", *words],
        cwd=ROOT,
        env=site.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    found = json.loads(done.stdout)
    return done.returncode, {
        one["about"] or one["name"]: one for one in found if one["severity"] != "ok"
    }


def test_a_site_that_is_served_passes_its_own_check(live_site: LiveSite) -> None:
    """But for its name: what `localhost` serves, nobody else can fetch."""
    found = json.loads(live_site.manage("ca", "check", "--json"))

    served = [one for one in found if one["name"].endswith("as served")]
    assert len(served) == 4
    assert {one["severity"] for one in served} == {"ok"}
    assert [one["name"] for one in found if one["severity"] != "ok"] == ["Addresses"]


def test_every_address_is_found_before_it_is_used(live_site: LiveSite) -> None:
    rows = json.loads(live_site.manage("ca", "addresses", "--check", "--json"))

    assert {row["severity"] for row in rows} == {"ok"}
    assert all(str(live_site.http_port) in row["address"] for row in rows)


class Mirror:
    """Another server that certificates name: it has copies, and perhaps the wrong ones."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def answer(self, handler: Handler) -> None:
        """Serve the copy, or what somebody else has put there."""
        name = handler.path.rpartition("/")[2]
        handler.give(self.files.get(name, b"<html>This domain is for sale"))


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LiveSite, Mirror, str]]:
    """A site whose lists are also on a mirror."""
    mirror = Mirror()
    with serving(mirror.answer) as url:
        site = LiveSite(tmp_path_factory.mktemp("mirrored"))
        own = f"http://localhost:{site.http_port}/CertEnroll/%3%8<CRLPartitionIndex>%9.crl"
        site.settings = {
            "CERTSRV_METRICS_TOKEN": TOKEN,
            "CERTSRV_CRL_URLS": f"{own} {url}/list%8%9.crl {url}/parked%8%9.crl",
            "CERTSRV_DELTA_PERIOD_HOURS": "0",
        }
        site.manage("setup")
        mirror.files["list.crl"] = _newest(site)
        site.launch()
        yield site, mirror, url
        site.stop()


def _newest(site: LiveSite) -> bytes:
    database = sqlite3.connect(site.home / "db.sqlite3")
    [octets] = database.execute(
        "SELECT der FROM enrollment_revocationlistcontent AS content "
        "JOIN enrollment_certificaterevocationlist AS list ON list.id = content.crl_id "
        "WHERE NOT is_delta ORDER BY number DESC"
    ).fetchone()
    database.close()
    return bytes(octets)


def _published_hours_ago(site: LiveSite) -> None:
    database = sqlite3.connect(site.home / "db.sqlite3")
    database.execute(
        "UPDATE enrollment_certificaterevocationlist SET as_of = datetime(as_of, '-3 hours')"
    )
    database.commit()
    database.close()


def test_octets_of_somebody_else_in_place_of_a_list_end_with_1(
    mirrored: tuple[LiveSite, Mirror, str],
) -> None:
    site, _, url = mirrored

    code, found = check(site)

    assert code == 1
    wrong = {about for about, one in found.items() if one["severity"] == "critical"}
    assert wrong == {f"{url}/parked.crl"}
    assert "a web page" in found[f"{url}/parked.crl"]["finding"]
    assert f"{url}/list.crl" not in found


def test_a_mirror_that_serves_an_old_list_is_told(mirrored: tuple[LiveSite, Mirror, str]) -> None:
    site, _, url = mirrored
    site.manage("crl", "publish")
    _published_hours_ago(site)

    _, found = check(site)

    assert "It serves the old list 1; 2 was published" in found[f"{url}/list.crl"]["finding"]
    assert found[f"{url}/list.crl"]["severity"] == "warning"


def _metrics(site: LiveSite) -> dict[tuple[str, str], float]:
    request = urllib.request.Request(f"{site.url}/metrics")  # noqa: S310 - our own address
    request.add_header("Authorization", f"Bearer {TOKEN}")
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
        text = answer.read().decode()
    return {
        (sample.labels["name"], sample.labels["about"]): sample.value
        for family in text_string_to_metric_families(text)
        if family.name == "certsrv_check"
        for sample in family.samples
    }


def test_the_site_looks_by_itself_soon_after_its_start(
    mirrored: tuple[LiveSite, Mirror, str],
) -> None:
    """And by then its listeners answer: what it serves itself is in order."""
    site, _, url = mirrored
    database = sqlite3.connect(site.home / "db.sqlite3")
    database.execute("DELETE FROM enrollment_conditionreport")
    database.commit()
    database.close()
    site.stop()
    site.launch()
    assert _metrics(site) == {}

    give_up = time.monotonic() + 60
    while not (found := _metrics(site)) and time.monotonic() < give_up:
        time.sleep(0.5)

    own = f"http://localhost:{site.http_port}/CertEnroll/Example%20Issuing%20CA.crl"
    assert found["CRL as served", own] == 0
    assert found["CRL as served", f"{url}/parked.crl"] == 2
    assert found["OCSP as served", f"http://localhost:{site.http_port}/ocsp"] == 0
