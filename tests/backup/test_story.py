"""One CA: backed up under load, lost, restored elsewhere, and trusted by those who trusted it."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import signal
import sqlite3
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.backup.sites import (
    PASSPHRASE,
    fetch,
    new_site,
    ocsp,
    refused,
    serial_of,
    submit,
    trust,
    verdict,
)
from tests.live import LiveSite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_POSTERS = 3


@dataclass
class Story:
    """What was there before the disaster, and the site that came out of the backup."""

    folder: Path
    archive: Path
    made: str
    during: list[int]
    known: Path
    later: Path
    later_id: int
    crl_number: int
    site: LiveSite
    restored: str = ""
    trusted: tuple[Path, Path, int] = field(default_factory=tuple)  # type: ignore[assignment]  # set last


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Make a backup while people and programs ask for certificates, and lose the machine."""
    folder = tmp_path_factory.mktemp("story")
    secret = {"CERTSRV_BACKUP_PASSPHRASE": PASSPHRASE}
    site = new_site(folder / "old", **secret)
    site.launch()
    known = fetch(site, submit(site, "known.example.com", key=1), folder / "known.pem")
    archive = folder / "site.backup"
    during, made = backed_up_under_load(site, archive)
    later_id = submit(site, "later.example.com")
    later = fetch(site, later_id, folder / "later.pem")
    site.manage("certificates", "revoke", serial_of(known), "--reason", "key-compromise")
    _, _, number = trust(site, folder / "before")
    assert site.process is not None
    os.killpg(site.process.pid, signal.SIGKILL)
    site.process.wait()
    after = LiveSite(folder / "new", settings=site.settings)
    found = Story(folder, archive, made, during, known, later, later_id, number, after)
    found.restored = after.manage(
        "backup", "restore", str(archive), "--log", str(site.home / "audit.log")
    )
    after.launch()
    found.trusted = trust(after, folder / "after")
    yield found
    if after.process is not None:
        after.stop()


def backed_up_under_load(site: LiveSite, archive: Path) -> tuple[list[int], str]:
    """Back up while several clients submit; return the ids they were told meanwhile."""
    told: list[int] = []
    enough = threading.Event()

    def post(first: int) -> None:
        for number in itertools.count(first):
            told.append(submit(site, f"host{number}.example.com"))
            if enough.is_set():
                return

    posters = [threading.Thread(target=post, args=(index * 10_000,)) for index in range(_POSTERS)]
    for poster in posters:
        poster.start()
    try:
        made = site.manage("backup", "create", str(archive))
    finally:
        enough.set()
        for poster in posters:
            poster.join()
    return told, made


def test_the_site_issued_while_it_was_backed_up(story: Story) -> None:
    assert len(story.during) > 10
    assert "Wrote" in story.made
    assert "unencrypted keys of the CA" in story.made


def test_an_archive_of_a_busy_site_is_whole(story: Story) -> None:
    found = json.loads(story.site.manage("backup", "verify", str(story.archive), "--json"))

    assert [each["passed"] for each in found["findings"]] == [True] * len(found["findings"])
    assert "CERTSRV_BACKUP_PASSPHRASE" not in json.dumps(found)
    assert PASSPHRASE not in json.dumps(found)


def test_nothing_that_was_issued_is_lost(story: Story) -> None:
    """Whether it is in the backup or came later: every id opens its certificate."""
    for request_id in story.during:
        page = story.site.fetch(f"/certsrv/certnew.cer?ReqID={request_id}&Enc=b64", name="admin")
        assert page.startswith(b"-----BEGIN CERTIFICATE-----")
    with contextlib.closing(sqlite3.connect(story.site.home / "db.sqlite3")) as database:
        (brought,) = database.execute(
            "SELECT count(*) FROM enrollment_auditevent WHERE verb = 'brought back'"
        ).fetchone()
    assert brought >= 1


def test_the_certificate_issued_after_the_backup_is_the_very_same(story: Story) -> None:
    again = fetch(story.site, story.later_id, story.folder / "again.pem")

    assert again.read_bytes() == story.later.read_bytes()
    assert f"{serial_of(story.later)}  request {story.later_id}  admin" in story.restored


def test_the_list_has_a_higher_number_than_any_before(story: Story) -> None:
    assert story.trusted[2] > story.crl_number + 1000


def test_openssl_finds_revoked_what_was_revoked_after_the_backup(story: Story) -> None:
    ca, crl, _ = story.trusted

    assert "certificate revoked" in verdict(ca, crl, story.known)
    assert "revoked" in ocsp(story.site, ca, story.known)
    assert "keyCompromise" in ocsp(story.site, ca, story.known)


def test_openssl_finds_good_what_was_issued_after_it(story: Story) -> None:
    ca, crl, _ = story.trusted

    assert verdict(ca, crl, story.later).endswith(": OK\n")
    assert ": good" in ocsp(story.site, ca, story.later)


def test_the_ca_certificate_is_the_one_relying_parties_have(story: Story) -> None:
    assert story.trusted[0].read_bytes() == (story.folder / "before" / "ca.pem").read_bytes()


def test_ids_go_on_above_every_one_that_was_told(story: Story) -> None:
    assert submit(story.site, "new.example.com") > max(*story.during, story.later_id) + 1000


def test_a_key_that_was_compromised_after_the_backup_gets_no_certificate_again(
    story: Story,
) -> None:
    with pytest.raises(AssertionError, match="revoked because of key compromise"):
        submit(story.site, "again.example.com", key=1)


def test_the_trail_is_whole_and_tells_of_backup_and_restore(story: Story) -> None:
    events = [json.loads(line) for line in story.site.manage("audit", "export").splitlines()]
    verbs = [event["verb"] for event in events]
    digest = re.search(r"SHA-256: ([0-9a-f]{64})", story.made)
    assert digest is not None

    assert "all whole" in story.site.manage("audit", "verify")
    assert verbs.index("backup begun") < verbs.index("backup made") < verbs.index("restored")
    (restored,) = [event for event in events if event["verb"] == "restored"]
    (made,) = [event for event in events if event["verb"] == "backup made"]
    assert restored["detail"]["archive"] == made["detail"]["sha256"] == digest[1]


def test_the_site_is_in_order(story: Story) -> None:
    story.site.manage("ca", "check", "--offline")


def test_no_other_restore_disturbs_a_site_that_runs(story: Story) -> None:
    said = refused(story.site, "backup", "restore", str(story.archive), "--replace")

    assert "Stop it first" in said
    assert "Stop it first" in refused(story.site, "backup", "reconcile")


def test_nothing_unencrypted_is_left_in_the_workspace(story: Story) -> None:
    for home in (story.site.home, story.folder / "old"):
        assert [path.name for path in (home / "backup-work").iterdir()] == ["lock"]
