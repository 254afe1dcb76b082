"""docs/howto/watch-the-ca.md names every check and every metric, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from enrollment.services import condition, limits, metrics, reports, self_check
from enrollment.services.condition import Scope
from enrollment.serving import limited
from tests.docs.pages import page

if TYPE_CHECKING:
    from enrollment.services.setup import SetupReport

PAGE = page("docs/howto/watch-the-ca.md")


def test_every_check_has_a_row() -> None:
    from_inside = {look.name for look in condition.LOOKS if look.scope is not Scope.OUTSIDE}
    names = from_inside | set(self_check.NAMES.values())

    rows = {row.code("check")[0] for row in PAGE.rows("## What is looked at")}

    assert rows == names | {condition.DATABASE, reports.LAST_LOOK}


def test_the_numbers_on_the_page_are_those_of_the_table_of_limits() -> None:
    told = {row.code("check")[0]: row.cells for row in PAGE.rows("## What is looked at")}

    for name, limit, share in (
        ("CA certificate", limits.CA_CERTIFICATE, "a fifth"),
        ("Certificate above the CA", limits.ABOVE, "a tenth"),
        ("OCSP responder", limits.RESPONDER, "a tenth"),
        ("Site certificate", limits.SITE_CERTIFICATE, "a quarter"),
    ):
        words = {"a fifth": 5, "a tenth": 10, "a quarter": 4}
        assert share in told[name]["attention"]
        assert limit.share == pytest.approx(1 / words[share])
        assert not limit.warning or f"{limit.warning.days} days" in told[name]["attention"]
        hours = int(limit.critical.total_seconds() // 3600)
        critical = f"{limit.critical.days} days" if limit.critical.days else f"{hours} hours"
        assert critical in told[name]["wrong"]
    assert f"{limits.EVENTS_WALKED:,}" in told["Audit trail"]["wrong"]


@pytest.mark.django_db
def test_every_metric_has_a_row(site: SetupReport) -> None:
    reports.store({Scope.SITE: []}, timezone.now())
    families = [*metrics.gather(timezone.now()), *limited.families()]
    measured = {family.name for family in families}

    rows = {row.code("metric")[0].partition("{")[0] for row in PAGE.rows("## Metrics")}

    assert rows == measured
