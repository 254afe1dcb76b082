"""Is the CA in order? Each check answers with a sentence."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import OperationalError
from django.utils import timezone

from enrollment import conf, keys
from enrollment.ca import encode
from enrollment.ca.check import Check, Severity
from enrollment.models import (
    AuditEvent,
    Authority,
    CertificateRevocationList,
    Responder,
    SigningRecord,
)
from enrollment.services import (
    audit,
    authority,
    ca_life,
    condition,
    keyring,
    limits,
    responders,
    site_certificate,
)
from enrollment.services.condition import Scope
from tests.services.acts import change_template, submit

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from enrollment.ca.policy import Requester
    from enrollment.services.setup import SetupReport
    from tests.services.acts import Configure

INSIDE = (Scope.SITE, Scope.MACHINE)
OK, WARNING, CRITICAL = Severity


def found(now: datetime | None = None) -> list[Check]:
    """Return everything that can be seen from inside."""
    checks = condition.check(now or timezone.now(), *INSIDE)
    return [check for scope in checks.values() for check in scope]


def failing(now: datetime | None = None) -> dict[str, str]:
    """Return the checks that fail, with what they found."""
    return {
        f"{check.name} {check.about}".strip(): check.finding
        for check in found(now)
        if not check.passed and check.name != "Addresses"
    }


def severity(name: str, now: datetime | None = None) -> Severity:
    """Return the worst that is said under a name."""
    return max(check.severity for check in found(now) if check.name == name)


def test_a_new_site_is_in_order(site: SetupReport) -> None:
    assert failing() == {}
    assert {check.name for check in found()} == {
        "CA certificate",
        "CA key",
        "CRL",
        "OCSP responder",
        "Addresses",
        "Audit log",
        "Unfinished requests",
        "Audit trail",
        "Database",
        "Site certificate",
        "Clock",
        "Disk",
    }


def test_without_a_ca_there_is_nothing_to_check(db: None) -> None:
    with pytest.raises(condition.CaFault, match=r"manage\.py setup"):
        condition.check(timezone.now())


def test_a_ca_certificate_that_ends_is_told_long_before(site: SetupReport) -> None:
    end = authority.issuer_of(site.authority).not_after

    assert severity("CA certificate", end - timedelta(days=731)) is OK
    assert severity("CA certificate", end - timedelta(days=729)) is WARNING
    assert severity("CA certificate", end - timedelta(days=31)) is WARNING
    assert severity("CA certificate", end - timedelta(days=29)) is CRITICAL
    assert "not valid now" in failing(end + timedelta(days=1))["CA certificate"]


def test_a_ca_that_cuts_certificates_short_is_told_by_the_template(site: SetupReport) -> None:
    """A fifth of its life is longer than most templates, and not than all."""
    change_template("WebServer", validity_days=1500)
    end = authority.issuer_of(site.authority).not_after

    finding = failing(end - timedelta(days=1499))["CA certificate"]

    assert "certificates of 'Web Server', which last 1500 days, are already cut short" in finding
    assert severity("CA certificate", end - timedelta(days=1501)) is OK


def test_certificates_of_other_cas_are_no_measure(site: SetupReport) -> None:
    """SubCA lasts five years, half the life of the root: nobody reads a warning for so long."""
    end = authority.issuer_of(site.authority).not_after

    assert severity("CA certificate", end - timedelta(days=1800)) is OK


def test_a_certificate_above_the_ca_is_looked_at(site: SetupReport) -> None:
    authority._issuer.cache_clear()  # noqa: SLF001 - the row is changed below
    Authority.objects.update(chain=encode.pem(bytes(site.authority.der)))
    end = authority.issuer_of(site.authority).not_after

    assert severity("Certificate above the CA", end - timedelta(days=364)) is WARNING
    assert "not trusted after that" in str(failing(end - timedelta(days=1)))
    authority._issuer.cache_clear()  # noqa: SLF001 - as above


def test_a_key_that_is_gone_is_told(site: SetupReport) -> None:
    Authority.objects.update(key_reference="keys/lost.pem")

    assert "There is no private key" in failing()["CA key"]


def test_the_key_of_an_older_certificate_that_still_signs_is_looked_at(
    requester: Requester,
) -> None:
    submit(requester)
    ca_life.renew(new_key=True, actor="ada", now=timezone.now())
    Authority.objects.filter(index=0).update(key_reference="keys/lost.pem")

    assert set(failing()) == {"CA key key 0"}


def test_a_key_whose_passphrase_only_the_site_knows_is_named_as_not_checked(
    site: SetupReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(_: object) -> None:
        raise keys.PassphraseMissing("It is encrypted.")

    monkeypatch.setattr(authority, "signer_of", locked)

    [of_a_command] = [check for check in found() if check.name == "CA key"]
    monkeypatch.setattr(keyring.process, "asks_signer", True)
    [of_the_site] = [check for check in found() if check.name == "CA key"]

    assert of_a_command.passed
    assert of_a_command.finding.startswith("Not checked")
    assert of_the_site.severity is CRITICAL


def test_a_site_that_serves_does_not_forget_what_it_was_told_at_its_start(
    site: SetupReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file with the passphrase may be gone by now."""
    forgotten: list[bool] = []
    monkeypatch.setattr(keys, "forget_signers", lambda: forgotten.append(True))
    monkeypatch.setattr(keyring.process, "asks_signer", True)

    found()

    assert forgotten == []


def test_a_list_that_is_missing_or_has_ended_is_told(site: SetupReport) -> None:
    assert "ended" in failing(timezone.now() + timedelta(days=9))["CRL"]

    CertificateRevocationList.objects.all().delete()
    assert "None was published" in failing()["CRL"]
    assert "None was published" in failing()["CRL delta"]


def test_a_list_that_was_not_renewed_in_time_is_told_before_it_ends(site: SetupReport) -> None:
    """A week, and then twelve hours in which the old and the new one are good."""
    due = CertificateRevocationList.objects.get(is_delta=False).next_publish

    of_base = {
        hours: next(
            check.severity
            for check in found(due + timedelta(hours=hours))
            if (check.name, check.about) == ("CRL", "")
        )
        for hours in (1, 3, 8, 13)
    }

    assert of_base == {1: OK, 3: WARNING, 8: CRITICAL, 13: CRITICAL}


def test_a_partition_without_a_list_is_told(site: SetupReport, configure: Configure) -> None:
    configure(CERTSRV_CRL_PARTITIONS="3")

    assert set(failing()) == {"CRL partition 3", "CRL delta partition 3"}


def test_a_responder_that_was_not_renewed_is_told(site: SetupReport) -> None:
    held = responders.ensure(site.authority, timezone.now())

    assert severity("OCSP responder", held.not_after - timedelta(days=2)) is OK
    assert severity("OCSP responder", held.not_after - timedelta(days=1)) is WARNING
    assert severity("OCSP responder", held.not_after + timedelta(days=1)) is CRITICAL


def test_a_responder_that_never_came_is_told_after_a_day(site: SetupReport) -> None:
    assert severity("OCSP responder") is OK
    assert severity("OCSP responder", timezone.now() + timedelta(days=2)) is WARNING


def test_a_responder_whose_key_is_gone_is_told(site: SetupReport) -> None:
    responders.ensure(site.authority, timezone.now())
    Responder.objects.update(key_reference="keys/lost.pem")

    assert "There is no private key" in failing()["OCSP responder"]


def test_addresses_that_nobody_else_can_fetch_are_told(site: SetupReport) -> None:
    [check] = [check for check in found() if check.name == "Addresses"]

    assert check.severity is WARNING
    assert "CERTSRV_HOSTNAME" in check.finding
    assert check.about == "CERTSRV_CRL_URLS, CERTSRV_CERTIFICATE_URLS, CERTSRV_OCSP_URLS"


def test_addresses_of_a_site_with_a_name_are_in_order(
    site: SetupReport, configure: Configure
) -> None:
    configure(CERTSRV_HOSTNAME="ca.example.com")

    assert severity("Addresses") is OK


def test_certificates_that_name_no_way_to_check_them_are_told(
    site: SetupReport, configure: Configure
) -> None:
    configure(CERTSRV_HOSTNAME="ca.example.com", CERTSRV_CRL_URLS="", CERTSRV_OCSP_URLS="")

    assert severity("Addresses") is WARNING


def test_requests_that_were_interrupted_are_counted_once_they_are_not_being_worked_on(
    requester: Requester,
) -> None:
    submit(requester)
    SigningRecord.objects.update(state=SigningRecord.State.COMMITTED)

    assert failing() == {}
    later = failing(timezone.now() + timedelta(minutes=11))
    assert later["Unfinished requests"].startswith("1 were interrupted")


def test_an_altered_audit_trail_is_told(site: SetupReport) -> None:
    AuditEvent.objects.filter(verb="ca created").update(actor="mallory")

    assert "does not fit" in failing()["Audit trail"]


def test_an_audit_trail_without_its_beginning_is_told(site: SetupReport) -> None:
    first = AuditEvent.objects.order_by("pk").first()
    assert first is not None
    first.delete()

    assert "does not fit" in failing()["Audit trail"]


def test_of_a_long_audit_trail_the_newest_part_is_verified(
    site: SetupReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        audit.record("noted", actor="maria", subject=f"thing {number}")
    monkeypatch.setattr(limits, "EVENTS_WALKED", 3)

    AuditEvent.objects.filter(subject="thing 0").update(actor="mallory")
    assert failing() == {}
    AuditEvent.objects.filter(subject="thing 3").update(actor="mallory")
    assert "does not fit" in failing()["Audit trail"]


def test_a_clock_that_went_back_is_told(site: SetupReport) -> None:
    assert severity("Clock", timezone.now() - timedelta(minutes=4)) is OK
    assert "Set the clock right" in failing(timezone.now() - timedelta(hours=1))["Clock"]


@pytest.mark.parametrize(
    ("free", "told"), [(2 * 1024**3, OK), (800 * 1024**2, WARNING), (100 * 1024**2, CRITICAL)]
)
def test_a_disk_that_fills_is_told(
    free: int, told: Severity, site: SetupReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")._replace(free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)

    assert severity("Disk") is told


def test_a_site_certificate_that_was_not_renewed_is_told(
    site: SetupReport, configure: Configure, tmp_path: Path
) -> None:
    (tmp_path / "keys").symlink_to(conf.current().home / "keys")
    configure(CERTSRV_HOME=str(tmp_path))
    held = site_certificate.ensure(timezone.now())

    assert severity("Site certificate", held.not_after - timedelta(days=92)) is OK
    assert severity("Site certificate", held.not_after - timedelta(days=90)) is WARNING
    assert severity("Site certificate", held.not_after - timedelta(days=6)) is CRITICAL


def test_a_look_that_fails_is_a_finding_and_does_not_stop_the_rest(
    site: SetupReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "verify_newest", lambda _: 1 / 0)

    assert failing() == {
        "Audit trail": "It could not be looked at (ZeroDivisionError). The log says more."
    }


def test_without_a_database_the_machine_is_still_looked_at(
    site: SetupReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> None:
        raise OperationalError("no such host")

    monkeypatch.setattr(authority, "current", gone)

    assert [check.name for check in found()] == ["Database", "Site certificate", "Disk"]
    assert set(failing()) == {"Database"}


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
