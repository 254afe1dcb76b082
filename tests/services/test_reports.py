"""What was found is kept where every process and every machine can read it."""

from __future__ import annotations

import socket
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import DatabaseError
from django.utils import timezone

from enrollment.ca.check import Check, Severity
from enrollment.models import ConditionReport
from enrollment.services import condition, reports
from enrollment.services.condition import Scope

if TYPE_CHECKING:
    from enrollment.services.setup import SetupReport

pytestmark = pytest.mark.django_db
NOW = timezone.now()
GOOD = Check("CA key", Severity.OK, "It opens.")
BAD = Check("Disk", Severity.CRITICAL, "It is full.")
ODD = Check("CRL as served", Severity.WARNING, "It is old.", "http://ca.example.com/CA.crl")


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Scope, ...]]:
    """Look without looking: which scopes were looked at, each time."""
    seen: list[tuple[Scope, ...]] = []

    def check(_now: object, *scopes: Scope) -> dict[Scope, tuple[Check, ...]]:
        seen.append(scopes)
        return dict.fromkeys(scopes, (GOOD,))

    monkeypatch.setattr(condition, "check", check)
    return seen


def test_before_the_first_look_nothing_is_known() -> None:
    report = reports.read(NOW)

    assert report.looked_at is None
    assert report.checks == ()
    assert report.worst is Severity.OK


def test_what_was_found_is_read_back_the_worst_first() -> None:
    reports.store({Scope.SITE: [GOOD, ODD], Scope.MACHINE: [BAD]}, NOW)

    report = reports.read(NOW)

    assert report.checks == (BAD, ODD, GOOD)
    assert report.troubles == (BAD, ODD)
    assert report.worst is Severity.CRITICAL
    assert report.looked_at == NOW


def test_a_new_look_writes_over_the_one_before() -> None:
    reports.store({Scope.SITE: [BAD]}, NOW)
    reports.store({Scope.SITE: [GOOD]}, NOW + timedelta(hours=1))

    assert reports.read(NOW + timedelta(hours=1)).checks == (GOOD,)


def test_the_site_looks_once_an_hour_however_many_processes_ask(
    looked: list[tuple[Scope, ...]],
) -> None:
    for minutes in (0, 1, 49, 51):
        reports.keep_fresh(NOW + timedelta(minutes=minutes))

    assert looked == [tuple(Scope), tuple(Scope)]


def test_of_two_machines_each_looks_at_itself_and_one_at_the_rest(
    looked: list[tuple[Scope, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        monkeypatch.setattr(socket, "gethostname", lambda name=name: name)
        reports.keep_fresh(NOW)

    assert looked == [tuple(Scope), (Scope.MACHINE,)]
    about = [check.about for check in reports.read(NOW).checks]
    assert about == ["", "machine one", "machine two", ""]


def test_a_machine_that_is_gone_is_forgotten_after_a_day(
    looked: list[tuple[Scope, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "gone")
    reports.store({Scope.MACHINE: [BAD]}, NOW)
    monkeypatch.setattr(socket, "gethostname", lambda: "here")
    later = NOW + timedelta(hours=25)
    reports.keep_fresh(later)

    assert reports.read(later).worst is Severity.OK


def test_a_look_by_hand_is_bounded_in_its_rate(looked: list[tuple[Scope, ...]]) -> None:
    done = [reports.look_now(NOW + timedelta(seconds=second)) for second in (0, 1, 29, 31)]

    assert done == [True, False, False, True]


def test_a_clock_that_went_back_does_not_stop_the_looks(looked: list[tuple[Scope, ...]]) -> None:
    reports.keep_fresh(NOW + timedelta(days=400))
    reports.keep_fresh(NOW)

    assert len(looked) == 2


def test_a_look_that_is_old_is_told() -> None:
    reports.store({Scope.SITE: [GOOD]}, NOW)

    report = reports.read(NOW + timedelta(hours=4))

    assert [check.name for check in report.troubles] == ["Last look"]


def test_a_command_keeps_what_it_found_and_offline_leaves_the_rest(
    looked: list[tuple[Scope, ...]],
) -> None:
    reports.store({Scope.OUTSIDE: [ODD]}, NOW)

    reports.look(NOW, is_offline=True)

    assert looked == [(Scope.SITE, Scope.MACHINE)]
    assert ODD in reports.read(NOW).checks


def test_what_cannot_be_kept_is_still_told(
    looked: list[tuple[Scope, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(ConditionReport.objects, "update_or_create", gone)

    assert reports.look(NOW, is_offline=False)


def test_a_site_without_a_ca_is_told_and_keeps_nothing(db: None) -> None:
    with pytest.raises(condition.CaFault):
        reports.look(NOW, is_offline=True)

    assert not ConditionReport.objects.exists()


def test_the_hourly_work_of_a_whole_site_is_kept(site: SetupReport) -> None:
    """From end to end, with what this site really looks at; nobody serves it here."""
    reports.keep_fresh(timezone.now())

    names = {check.name for check in reports.read(timezone.now()).checks}
    assert {"CA key", "Disk", "CRL as served", "OCSP as served"} <= names
