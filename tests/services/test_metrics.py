"""Numbers for a monitoring system."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from enrollment.ca.check import Check, Severity
from enrollment.models import AuditEvent, Tally
from enrollment.services import audit, authority, ca_life, metrics, reports, responders, tally
from enrollment.services.condition import Scope
from enrollment.services.metrics import Family, Sample
from enrollment.serving import exposition
from tests.services.acts import submit, submit_waiting

if TYPE_CHECKING:
    from datetime import datetime

    from django.test.utils import CaptureQueriesContext
    from pytest_django import DjangoAssertNumQueries

    from enrollment.ca.policy import Requester
    from enrollment.services.setup import SetupReport

pytestmark = pytest.mark.django_db


def read(now: datetime | None = None) -> dict[tuple[str, ...], float]:
    """Return every number by its name and the values of its labels, as another program reads it."""
    text = exposition.text(metrics.gather(now or timezone.now()))
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_time_until_each_end_is_told(site: SetupReport) -> None:
    now = timezone.now()
    held = responders.ensure(site.authority, now)
    end = authority.issuer_of(site.authority).not_after

    found = read(now)

    of = "certsrv_seconds_until_end"
    assert found[of, "CA certificate", "0"] == pytest.approx((end - now).total_seconds())
    left = (held.not_after - now).total_seconds()
    assert found[of, "OCSP responder", "0"] == pytest.approx(left)
    assert 7 * 86400 < found[of, "CRL", "0", "0"] < 8 * 86400
    assert 86400 < found[of, "delta CRL", "0", "0"] < 2 * 86400 + 3600


def test_an_end_that_has_passed_is_negative(site: SetupReport) -> None:
    found = read(timezone.now() + timedelta(days=30))

    assert found["certsrv_seconds_until_end", "CRL", "0", "0"] < 0


def test_every_key_that_signs_has_its_own_numbers(requester: Requester) -> None:
    submit(requester)
    ca_life.renew(new_key=True, actor="ada", now=timezone.now())

    found = read()

    assert found["certsrv_crl_number", "CRL", "0", "0"] == 2
    assert found["certsrv_crl_number", "CRL", "1", "0"] == 2
    assert ("certsrv_seconds_until_end", "CA certificate", "1") in found


def test_what_waits_and_what_happened_is_counted(requester: Requester) -> None:
    submit(requester)
    submit(requester, template="NoSuchTemplate")
    submit_waiting(requester)

    found = read()

    assert found["certsrv_requests_pending",] == 1
    assert found["certsrv_events_total", "signed"] == 1
    assert found["certsrv_events_total", "denied"] == 1
    assert found["certsrv_events_total", "held"] == 1


def test_checks_are_numbers_and_their_age_is_told(site: SetupReport) -> None:
    now = timezone.now()
    about = 'http://a.example/"CA"\\.crl'
    reports.store({Scope.SITE: [Check("CRL as served", Severity.WARNING, "Old.", about)]}, now)

    found = read(now + timedelta(minutes=5))

    assert found["certsrv_check", "CRL as served", about] == 1
    assert found["certsrv_last_check_age_seconds",] == 300


def test_no_two_numbers_have_the_same_labels(site: SetupReport) -> None:
    """A scrape in which they have is thrown away as a whole."""
    twice = [
        Check("Addresses", Severity.WARNING, "It is https.", "CERTSRV_CRL_URLS"),
        Check("Addresses", Severity.CRITICAL, "It is worse.", "CERTSRV_CRL_URLS"),
    ]
    reports.store({Scope.SITE: twice}, timezone.now())

    text = exposition.text(metrics.gather(timezone.now()))

    series = [line.rpartition(" ")[0] for line in text.splitlines() if line[0] != "#"]
    assert len(series) == len(set(series))
    assert read()["certsrv_check", "Addresses", "CERTSRV_CRL_URLS"] == 2


def test_before_the_first_look_no_check_is_told(site: SetupReport) -> None:
    assert not any(name.startswith(("certsrv_check", "certsrv_last")) for name, *_ in read())


def test_what_was_counted_is_not_counted_again(
    site: SetupReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally, "_STEP", 3)
    for number in range(8):
        audit.record("noted", actor="maria", subject=f"thing {number}")
    tally.advance(timezone.now())
    before = Tally.objects.get()
    audit.record("noted", actor="maria")

    counted = tally.read()

    assert before.up_to == AuditEvent.objects.order_by("pk").last().pk - 1  # type: ignore[union-attr] # there are events
    assert before.counts["noted"] == 8
    assert counted["noted"] == 9
    assert sum(counted.values()) == AuditEvent.objects.count()


def test_a_count_never_falls_while_the_rest_is_counted(
    site: SetupReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally, "_STEP", 4)
    for _ in range(20):
        audit.record("noted", actor="maria")
    first = tally.read().get("noted", 0)
    tally._advance_once()  # noqa: SLF001 - between two steps
    second = tally.read()["noted"]

    assert first < second < 20


def test_the_work_of_a_scrape_does_not_grow_with_what_was_issued(
    requester: Requester, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(3):
        submit(requester, f"www{number}.example.com")
    tally.advance(timezone.now())

    captured: CaptureQueriesContext
    with django_assert_max_num_queries(25) as captured:
        read()
    assert not any('FROM "enrollment_certificate"' in one["sql"] for one in captured)


def test_texts_cannot_break_out_of_their_place() -> None:
    hostile = 'a"b\\c\nd{e="f"} 1'
    family = Family("certsrv_x", "gauge", f"Help {hostile}", (Sample(2.5, {"about": hostile}),))

    [read_back] = text_string_to_metric_families(exposition.text([family]))

    assert [(one.labels, one.value) for one in read_back.samples] == [({"about": hostile}, 2.5)]
