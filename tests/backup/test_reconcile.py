"""A restored CA uses no number twice, and its audit trail goes on where the logs end."""

from __future__ import annotations

import gzip
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from enrollment import conf
from enrollment.ca.revocation import Act
from enrollment.keys import FileSigner, KeyFileMissing
from enrollment.models import (
    AuditEvent,
    Certificate,
    EnrollmentRequest,
)
from enrollment.services import audit, authority, crl_rows, publication, sequences
from enrollment.services.backup import history, recovery
from enrollment.services.backup.errors import BackupFault, NotWhole
from enrollment.services.backup.reconcile import NUMBERS_AT_LEAST
from tests.backup.acts import (
    certificate_of,
    change,
    crl_number,
    no_log,
    revoked_serials,
)
from tests.services.acts import submit

if TYPE_CHECKING:
    from pathlib import Path

    from enrollment.ca.policy import Requester
    from tests.backup.conftest import Disaster


def test_the_next_list_has_a_higher_number_than_any_before(disaster: Disaster) -> None:
    with disaster.lost():
        for _ in range(5):
            seen = publication.publish(now=timezone.now(), actor="maria")

    report = disaster.restore()

    assert crl_number() == report.crl_number
    assert crl_number() > seen + NUMBERS_AT_LEAST


def test_without_a_log_it_is_moved_ahead_by_the_time_that_passed(disaster: Disaster) -> None:
    before = crl_number()
    later = timezone.now() + timedelta(hours=2)

    disaster.restore(*no_log(disaster), now=later)

    assert before + NUMBERS_AT_LEAST + 7200 < crl_number() < before + NUMBERS_AT_LEAST + 7300


def test_an_unfinished_number_counts_as_taken(disaster: Disaster) -> None:
    crl_rows.take_number(50_000, authority.current(), timezone.now())

    disaster.restore(*no_log(disaster))

    assert crl_number() > 50_000


def test_request_ids_go_on_above_those_that_were_given_out(
    disaster: Disaster, requester: Requester
) -> None:
    with disaster.lost():
        lost = [submit(requester, f"www{n}.example.com").pk for n in range(3)]

    disaster.restore()

    assert submit(requester).pk > max(lost) + NUMBERS_AT_LEAST


def test_without_a_log_request_ids_go_on_above_what_can_have_been_given_out(
    disaster: Disaster, requester: Requester
) -> None:
    first = submit(requester).pk

    disaster.restore(*no_log(disaster), now=timezone.now() + timedelta(minutes=10))

    assert submit(requester).pk > first + 600 * 100


def test_request_ids_stay_small_after_years(disaster: Disaster, requester: Requester) -> None:
    """A client may keep one in 32 bits."""
    disaster.restore(*no_log(disaster), now=timezone.now() + timedelta(days=900))

    assert submit(requester).pk < 2**31 / 100


def test_a_sequence_only_rises(disaster: Disaster, requester: Requester) -> None:
    assert sequences.raise_to(EnrollmentRequest, 50) == 50
    assert sequences.raise_to(EnrollmentRequest, 40) == 50
    assert submit(requester).pk == 51


def test_events_go_on_above_those_that_were_told(disaster: Disaster) -> None:
    with disaster.lost():
        told = audit.record("held", actor="alice").pk

    disaster.restore(*no_log(disaster))

    assert AuditEvent.objects.order_by("-pk")[0].pk > told


def test_a_clock_that_is_behind_the_backup_changes_nothing(disaster: Disaster) -> None:
    before = list(AuditEvent.objects.values_list("hash", flat=True))

    with pytest.raises(NotWhole, match="Set the clock"):
        disaster.restore(*no_log(disaster), now=timezone.now() - timedelta(days=1))

    assert list(AuditEvent.objects.values_list("hash", flat=True)) == before


def test_the_trail_goes_on_where_the_log_ends(disaster: Disaster, requester: Requester) -> None:
    with disaster.lost():
        submit(requester)
        last = audit.verify().last_hash

    report = disaster.restore()

    assert audit.verify().is_whole
    assert AuditEvent.objects.filter(hash=last).exists()
    assert report.events == 2


def test_the_restore_stands_in_the_trail(disaster: Disaster) -> None:
    before = AuditEvent.objects.order_by("-pk")[0]

    disaster.restore(*no_log(disaster))

    event = AuditEvent.objects.get(verb="restored")
    assert event.actor == "shell:root"
    assert (event.detail["from_event"], event.detail["from_hash"]) == (before.pk, before.hash)


def test_a_broken_trail_is_not_restored(disaster: Disaster) -> None:
    AuditEvent.objects.filter(pk=AuditEvent.objects.order_by("pk")[1].pk).update(actor="mallory")

    with pytest.raises(NotWhole, match="does not fit the one before it"):
        disaster.restore(*no_log(disaster))
    assert not AuditEvent.objects.filter(verb="restored").exists()


def test_another_database_than_that_of_the_archive_is_not_accepted(disaster: Disaster) -> None:
    with pytest.raises(NotWhole, match="not the one of the backup"):
        disaster.restore(*no_log(disaster), archive={"audit_hash": "f" * 64})


def test_an_altered_event_is_not_taken_over(disaster: Disaster, requester: Requester) -> None:
    with disaster.lost():
        submit(requester)
        change(certificate_of(EnrollmentRequest.objects.latest("pk")), Act.REVOKE)
    disaster.log.write_text(disaster.log.read_text().replace('"maria"', '"mallory"'))

    report = disaster.restore()

    assert not AuditEvent.objects.filter(actor="mallory").exists()
    assert audit.verify().is_whole
    assert any("altered" in line for line in report.ignored)


def test_events_behind_a_gap_are_named_and_their_certificates_taken(
    disaster: Disaster, requester: Requester
) -> None:
    with disaster.lost():
        audit.record("held", actor="alice", subject="request 77")
        row = submit(requester)
    lines = disaster.log.read_text().splitlines(keepends=True)
    disaster.log.write_text("".join(line for line in lines if '"request 77"' not in line))

    report = disaster.restore()

    assert report.events == 0
    assert any("without a gap" in line for line in report.ignored)
    assert Certificate.objects.filter(request=row.pk).exists()
    assert audit.verify().is_whole


def test_where_a_log_forks_the_way_that_ends_later_counts(disaster: Disaster) -> None:
    """An older backup was restored before: the log holds what was lost then, too."""
    with disaster.lost():
        audit.record("held", actor="alice", subject="request 1")
    first = disaster.log.read_text()
    with disaster.lost():
        audit.record("held", actor="bob", subject="request 2")
        audit.record("held", actor="bob", subject="request 3")
    disaster.log.write_text(first + disaster.log.read_text())

    report = disaster.restore()

    assert report.events == 2
    assert [event.actor for event in AuditEvent.objects.filter(verb="held")] == ["bob", "bob"]


def test_logs_may_overlap_come_in_any_order_and_be_compressed(
    disaster: Disaster, requester: Requester
) -> None:
    with disaster.lost():
        submit(requester)
        submit(requester, "b.example.com")
    old = disaster.log.with_name("audit.log.1.gz")
    old.write_bytes(gzip.compress(disaster.log.read_bytes()))
    lines = disaster.log.read_text().splitlines(keepends=True)
    disaster.log.write_text("".join(lines[-3:]))

    report = disaster.restore(disaster.log, old)

    assert report.events == 4
    assert len(report.certificates) == 2


def test_a_log_that_is_not_there_changes_nothing(disaster: Disaster, tmp_path: Path) -> None:
    with pytest.raises(BackupFault, match=r"missing\.log cannot be read: No such file"):
        disaster.restore(tmp_path / "missing.log")
    assert not (conf.current().home / "restore-unfinished").exists()


@pytest.mark.parametrize(
    "line",
    ["", "{", "[]", "17", '{"id": 1}', "\x00", '{"id": "x", "at": 3, "hash": {}}', "nonsense"],
)
def test_lines_that_are_no_events_are_counted_and_passed_over(
    disaster: Disaster, line: str
) -> None:
    path = disaster.log
    path.write_text(f"{line}\n")

    assert history.read([path], after=0).unreadable == (1 if line else 0)


def test_every_session_is_ended(disaster: Disaster) -> None:
    SessionStore().save()

    disaster.restore(*no_log(disaster))

    assert not Session.objects.exists()


def test_without_the_key_the_numbers_are_moved_and_the_site_stays_closed(
    disaster: Disaster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> FileSigner:
        raise KeyFileMissing("There is no key.")

    mark = conf.current().home / "restore-unfinished"
    with monkeypatch.context() as patch:
        patch.setattr(authority, "signer_of", lost)
        report = disaster.restore(*no_log(disaster))

    assert "There is no key." in report.problems[0]
    assert mark.exists()
    disaster.restore(*no_log(disaster))
    assert not mark.exists()


@pytest.mark.parametrize("step", ["certificates", "events"])
def test_a_crash_in_the_middle_leaves_the_site_closed_and_the_next_run_does_all_of_it(
    disaster: Disaster, monkeypatch: pytest.MonkeyPatch, requester: Requester, step: str
) -> None:
    certificate = certificate_of(submit(requester))
    with disaster.lost():
        change(certificate, Act.REVOKE)
        submit(requester, "b.example.com")
    mark = conf.current().home / "restore-unfinished"
    real = getattr(recovery, step)

    def die(*given: object) -> None:
        if step == "events":
            real(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(recovery, step, die)
        with pytest.raises(KeyboardInterrupt):
            disaster.restore()

    assert mark.exists()
    report = disaster.restore()
    assert not mark.exists()
    assert len(report.certificates) == 1
    assert certificate.serial_number in revoked_serials()
    assert audit.verify().is_whole
