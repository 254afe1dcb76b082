"""Is the CA in order? Each check answers with a sentence."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from enrollment import keys
from enrollment.models import AuditEvent, Authority, CertificateRevocationList, SigningRecord
from enrollment.services import authority, condition
from tests.services.acts import submit

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.ca.policy import Requester
    from enrollment.services.setup import SetupReport


def failing(now: datetime | None = None) -> dict[str, str]:
    """Return the checks that fail, with what they found."""
    found = condition.check(now or timezone.now())
    return {check.name: check.finding for check in found if not check.passed}


def test_a_new_site_is_in_order(site: SetupReport) -> None:
    assert failing() == {}


def test_without_a_ca_there_is_nothing_to_check(db: None) -> None:
    with pytest.raises(condition.CaFault, match=r"manage\.py setup"):
        condition.check(timezone.now())


def test_a_ca_certificate_that_ends_soon_or_has_ended_is_told(site: SetupReport) -> None:
    end = authority.issuer_of(site.authority).not_after

    assert "CA certificate" not in failing(end - timedelta(days=91))
    assert "Renew it" in failing(end - timedelta(days=89))["CA certificate"]
    assert "not valid now" in failing(end + timedelta(days=1))["CA certificate"]


def test_a_key_that_is_gone_is_told(site: SetupReport) -> None:
    Authority.objects.update(key_reference="keys/lost.pem")

    assert "There is no private key" in failing()["CA key"]


def test_a_list_that_is_missing_or_has_ended_is_told(site: SetupReport) -> None:
    assert "ended" in failing(timezone.now() + timedelta(days=9))["CRL"]

    CertificateRevocationList.objects.all().delete()
    assert "None was published" in failing()["CRL"]


def test_requests_that_were_interrupted_are_counted(requester: Requester) -> None:
    submit(requester)
    SigningRecord.objects.update(state=SigningRecord.State.COMMITTED)

    assert failing()["Unfinished requests"].startswith("1 were interrupted")


def test_an_altered_audit_trail_is_told(site: SetupReport) -> None:
    AuditEvent.objects.filter(verb="ca created").update(actor="mallory")

    assert "does not fit" in failing()["Audit trail"]


def test_a_second_ca_is_not_made(site: SetupReport) -> None:
    with pytest.raises(condition.CaFault, match="There is a CA already"):
        condition.init(timezone.now())


def test_a_ca_that_cannot_be_made_is_told(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise keys.KeyProblem("The disk is full.")

    monkeypatch.setattr(authority, "create_self_signed", full)

    with pytest.raises(condition.CaFault, match="disk is full"):
        condition.init(timezone.now())


def test_lists_are_published_on_demand(site: SetupReport) -> None:
    row, number = condition.publish_crl(timezone.now(), actor="maria")

    assert row == site.authority
    assert number == 2


def test_a_list_that_cannot_be_signed_is_told(site: SetupReport) -> None:
    Authority.objects.update(key_reference="keys/lost.pem")

    with pytest.raises(condition.CaFault, match="There is no private key"):
        condition.publish_crl(timezone.now(), actor="maria")
