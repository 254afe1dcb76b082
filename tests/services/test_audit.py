"""The audit trail cannot be altered unseen."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import transaction

from enrollment.models import AuditEvent
from enrollment.services import audit

_HASHED = ("previous_hash", "at", "actor", "verb", "object", "detail")
AT = datetime(2026, 11, 23, 12, 0, 0, 123_456, tzinfo=UTC)


@pytest.fixture
def trail(db: None) -> list[AuditEvent]:
    """Five events."""
    return [
        audit.record("denied", actor="alice", subject=f"request {number}", at=AT, reason="no")
        for number in range(5)
    ]


def test_an_empty_trail_is_whole(db: None) -> None:
    assert audit.verify() == audit.Verdict(0, None, "0" * 64)


def test_an_untouched_trail_is_whole(trail: list[AuditEvent]) -> None:
    verdict = audit.verify()

    assert verdict.is_whole
    assert verdict.events == 5
    assert verdict.last_hash == trail[-1].hash


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"actor": "mallory"}, id="who"),
        pytest.param({"verb": "signed"}, id="what"),
        pytest.param({"subject": "request 99"}, id="to what"),
        pytest.param({"at": AT + timedelta(microseconds=1)}, id="when"),
        pytest.param({"detail": {"reason": "yes"}}, id="why"),
        pytest.param({"previous_hash": "0" * 64}, id="its link"),
        pytest.param({"hash": "f" * 64}, id="its hash"),
    ],
)
def test_an_event_that_was_altered_is_found(
    trail: list[AuditEvent], change: dict[str, object]
) -> None:
    AuditEvent.objects.filter(pk=trail[2].pk).update(**change)

    verdict = audit.verify()

    assert not verdict.is_whole
    assert verdict.broken_at == trail[2].pk


def test_an_event_that_was_altered_with_a_fitting_hash_breaks_the_next(
    trail: list[AuditEvent],
) -> None:
    event = trail[2]
    event.actor = "mallory"
    event.hash = audit.digest(event)
    event.save()

    assert audit.verify().broken_at == trail[3].pk


def test_an_event_that_was_taken_out_is_found(trail: list[AuditEvent]) -> None:
    trail[2].delete()

    assert audit.verify().broken_at == trail[3].pk


def test_an_event_that_was_put_in_is_found(trail: list[AuditEvent]) -> None:
    forged = AuditEvent(at=AT, actor="x", verb="y", previous_hash=trail[1].hash, detail={})
    forged.hash = audit.digest(forged)
    forged.save()

    assert audit.verify().broken_at == forged.pk


def test_a_shorter_trail_is_told_apart_by_its_count_and_last_hash(
    trail: list[AuditEvent],
) -> None:
    """A cut at the end leaves a chain that fits; who notes the last hash outside sees it."""
    before = audit.verify()
    trail[-1].delete()

    after = audit.verify()

    assert after.is_whole
    assert (after.events, after.last_hash) != (before.events, before.last_hash)


def test_an_event_stands_or_falls_with_the_fact_it_tells(db: None) -> None:
    def fail() -> None:
        with transaction.atomic():
            audit.record("signed", actor="alice")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    "at",
    [
        pytest.param(AT, id="UTC"),
        pytest.param(AT.astimezone(timezone(timedelta(hours=2))), id="two hours east"),
    ],
)
def test_a_trail_verifies_whatever_clock_told_the_time(db: None, at: datetime) -> None:
    audit.record("signed", actor="alice", at=at, text="Müller \u202e \x00", numbers=[1, 2])

    assert audit.verify().is_whole


def test_a_nul_is_dropped_because_postgresql_takes_none(db: None) -> None:
    event = audit.record("signed", actor="alice", text="a\0b")

    assert event.detail == {"text": "ab"}


def test_names_that_are_too_long_are_cut_and_still_verify(db: None) -> None:
    audit.record("v" * 200, actor="a" * 300, subject="s" * 300)

    assert audit.verify().is_whole


def test_an_export_holds_what_an_outsider_needs_to_verify(trail: list[AuditEvent]) -> None:
    previous = "0" * 64
    for line in audit.export():
        content = [
            line[key] for key in ("previous_hash", "at", "actor", "verb", "object", "detail")
        ]
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        assert line["previous_hash"] == previous
        assert line["hash"] == hashlib.sha256(text.encode()).hexdigest()
        previous = line["hash"]


def test_events_are_logged_too(db: None, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="certsrv.audit")

    audit.record("signed", actor="alice", subject="request 1", serial_number="4a")

    assert 'signed request 1 alice {"serial_number": "4a"}' in caplog.text
