"""The audit log holds what the database holds, in order, also after a crash or a full disk."""

from __future__ import annotations

import base64
import hashlib
import json
import stat
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import transaction
from django.utils import timezone

from enrollment import conf
from enrollment.ca.check import Check, Severity
from enrollment.models import AuditEvent
from enrollment.services import audit, audit_log, condition
from tests.services.acts import issued, submit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from enrollment.ca.policy import Requester
    from tests.services.acts import Configure

    Committed = Callable[..., Any]


@pytest.fixture
def log(tmp_path: Path, configure: Configure, site: object) -> Iterator[Path]:
    """A new audit log for a site that has told nothing to one yet."""
    configure(CERTSRV_AUDIT_LOG=str(tmp_path / "audit.log"))
    position = conf.current().home / "audit-log.position"
    position.unlink(missing_ok=True)
    yield tmp_path / "audit.log"
    position.unlink(missing_ok=True)


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Committed) -> Committed:
    """Do what a commit does, in a test whose transaction never ends."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def hashes() -> list[str]:
    return list(AuditEvent.objects.order_by("pk").values_list("hash", flat=True))


def tell(number: int = 1) -> None:
    for _ in range(number):
        audit.record("held", actor="alice", subject="request 1")


def test_the_first_event_brings_everything_that_was_told_before(
    log: Path, committed: Committed
) -> None:
    with committed():
        tell()

    assert [line["hash"] for line in lines(log)] == hashes()
    assert len(hashes()) > 2


def test_an_event_is_appended_to_what_is_there(log: Path, committed: Committed) -> None:
    audit_log.catch_up()
    before = log.read_text()

    with committed():
        tell(2)

    assert log.read_text().startswith(before)
    assert [line["hash"] for line in lines(log)] == hashes()


def test_an_event_that_is_rolled_back_is_never_told(log: Path, committed: Committed) -> None:
    audit_log.catch_up()

    with committed(), transaction.atomic():
        tell()
        transaction.set_rollback(True)

    assert [line["hash"] for line in lines(log)] == hashes()


def test_a_signed_certificate_stands_in_its_line_bound_by_the_hashed_thumbprint(
    log: Path, committed: Committed, requester: Requester
) -> None:
    audit_log.catch_up()

    with committed():
        row = submit(requester)

    (line,) = [line for line in lines(log) if line["object"] == f"request {row.pk}"][1:]
    der = base64.b64decode(line["certificate"])
    assert line["verb"] == "signed"
    assert hashlib.sha256(der).hexdigest() == line["detail"]["thumbprint"]
    assert f"{issued(row).serial_number:x}" == line["detail"]["serial_number"]
    assert {"requester": "alice", "template": "WebServer", "ca": 0}.items() <= line[
        "detail"
    ].items()
    assert line["detail"]["not_after"] == issued(row).not_valid_after_utc.isoformat()


def test_what_was_missed_is_appended_with_its_certificate(log: Path, requester: Requester) -> None:
    submit(requester)

    assert audit_log.catch_up() == len(hashes())
    assert [line["hash"] for line in lines(log)] == hashes()
    assert len([line for line in lines(log) if "certificate" in line]) == 1
    assert lines(log) == list(audit.export())


def test_catching_up_twice_writes_nothing_twice(log: Path) -> None:
    audit_log.catch_up()

    assert audit_log.catch_up() == 0
    assert [line["hash"] for line in lines(log)] == hashes()


def test_a_log_that_was_moved_away_goes_on_where_it_was(log: Path, committed: Committed) -> None:
    audit_log.catch_up()
    log.rename(log.with_suffix(".1"))

    with committed():
        tell()

    assert [line["hash"] for line in lines(log)] == hashes()[-1:]


def test_a_line_that_a_crash_cut_short_spoils_no_other(log: Path, committed: Committed) -> None:
    audit_log.catch_up()
    with log.open("a") as file:
        file.write('{"id": 99, "ac')

    with committed():
        tell()

    *_, torn, last = log.read_text().splitlines()
    assert torn == '{"id": 99, "ac'
    assert json.loads(last)["hash"] == hashes()[-1]


def test_lines_that_a_power_cut_took_are_written_again(log: Path) -> None:
    tell(3)
    audit_log.catch_up()
    whole = log.read_text().splitlines(keepends=True)
    log.write_text("".join(whole[:-2]) + whole[-2][:20])

    assert audit_log.catch_up() == 2
    assert set(hashes()) <= {
        json.loads(line)["hash"] for line in log.read_text().splitlines() if line.endswith("}")
    }


def test_a_long_absence_is_made_up_for_in_steps(
    log: Path, committed: Committed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody who asks for a certificate waits until a year of events is written."""
    monkeypatch.setattr(audit_log, "_MOST_AT_ONCE", 2)
    tell(10)

    with committed():
        tell()

    assert [line["hash"] for line in lines(log)] == hashes()[:2]
    audit_log.catch_up()
    assert [line["hash"] for line in lines(log)] == hashes()


def test_a_log_that_cannot_be_written_stops_nobody_and_is_made_up_for_later(
    log: Path, committed: Committed, requester: Requester, caplog: pytest.LogCaptureFixture
) -> None:
    audit_log.catch_up()
    log.unlink()
    log.mkdir()

    with committed():
        row = submit(requester)

    assert row.state.name == "ISSUED"
    assert "audit.log was not written" in caplog.text
    log.rmdir()
    audit_log.catch_up()
    assert [line["object"] for line in lines(log)][-1] == f"request {row.pk}"


def test_only_the_owner_reads_the_log(log: Path) -> None:
    audit_log.catch_up()

    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_a_log_is_never_written_through_a_link(log: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").touch()
    log.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OSError, match="symbolic"):
        audit_log.catch_up()


def test_no_log_is_written_when_it_is_switched_off(
    log: Path, committed: Committed, configure: Configure
) -> None:
    configure(CERTSRV_AUDIT_LOG="")

    with committed():
        tell()

    assert audit_log.catch_up() == 0
    assert audit_log.state() is None
    assert not log.exists()


def check() -> Check:
    machine = condition.check(timezone.now(), condition.Scope.MACHINE)[condition.Scope.MACHINE]
    (found,) = [each for each in machine if each.name == "Audit log"]
    return found


def test_the_check_of_the_ca_says_how_far_the_log_reaches(log: Path) -> None:
    audit_log.catch_up()

    last = AuditEvent.objects.latest("pk").pk
    assert check() == Check("Audit log", Severity.OK, f"audit.log reaches event {last}.")


def test_the_check_of_the_ca_finds_a_log_that_stays_behind(log: Path) -> None:
    audit_log.catch_up()
    audit.record("held", actor="alice", at=timezone.now() - timedelta(hours=3))

    assert check().severity is Severity.WARNING
    assert "later ones are not in" in check().finding


def test_the_check_of_the_ca_finds_that_an_older_database_was_put_back(log: Path) -> None:
    tell(3)
    audit_log.catch_up()
    AuditEvent.objects.order_by("-pk")[0].delete()

    assert check().severity is Severity.CRITICAL
    assert "an older database was put back" in check().finding
