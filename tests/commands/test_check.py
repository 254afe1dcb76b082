"""`ca check` and `ca addresses`: what they print, and with which code they end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone

from enrollment import conf
from enrollment.ca.check import critical, ok
from enrollment.services import authority, ca_life, reports, self_check
from tests.live import free_port

if TYPE_CHECKING:
    from enrollment.services.setup import SetupReport
    from tests.commands.conftest import Shell

pytestmark = pytest.mark.django_db


@pytest.fixture
def named(site: SetupReport, monkeypatch: pytest.MonkeyPatch) -> None:
    """A site whose certificates name addresses that others can fetch."""
    home = str(conf.current().home)
    settings = conf.read({"CERTSRV_HOME": home, "CERTSRV_HOSTNAME": "ca.example.com"})
    monkeypatch.setattr(conf, "current", lambda: settings)


def exit_code(*words: str) -> int:
    """Return what a shell would see."""
    try:
        call_command(*words)
    except CommandError as refusal:
        return refusal.returncode
    return 0


def test_a_ca_in_order_passes_every_check(named: None, shell: Shell) -> None:
    checks = shell.json("ca", "check", "--offline")

    assert {check["severity"] for check in checks} == {"ok"}
    assert exit_code("ca", "check", "--offline", "--strict") == 0


def test_a_warning_is_printed_and_ends_with_0_or_when_strict_with_3(
    site: SetupReport, shell: Shell
) -> None:
    """The site is `localhost`, so nobody else can fetch what its certificates name."""
    assert "WARN  Addresses" in shell("ca", "check", "--offline")
    assert exit_code("ca", "check", "--offline") == 0
    assert exit_code("ca", "check", "--offline", "--strict") == 3


def test_a_key_that_others_can_read_ends_with_1(site: SetupReport, shell: Shell) -> None:
    (conf.current().home / site.authority.key_reference).chmod(0o644)

    sentence = shell.refused("ca", "check", "--offline")

    assert sentence == "Not in order: CA key."
    assert exit_code("ca", "check", "--offline", "--strict") == 1


def test_a_site_that_is_not_running_is_told_from_outside(
    site: SetupReport, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"CERTSRV_HOME": str(conf.current().home), "CERTSRV_HTTP": f"127.0.0.1:{free_port()}"}
    settings = conf.read(values)
    monkeypatch.setattr(conf, "current", lambda: settings)

    sentence = shell.refused("ca", "check")

    assert sentence == "Not in order: CRL as served, OCSP as served, CA certificate as served."


def test_a_database_that_does_not_answer_is_a_finding(
    site: SetupReport, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(authority, "current", gone)

    assert shell.refused("ca", "check") == "Not in order: Database."


def test_what_a_command_found_is_kept_for_the_desk(site: SetupReport, shell: Shell) -> None:
    shell("ca", "check", "--offline")

    assert [check.name for check in reports.read(timezone.now()).troubles] == ["Addresses"]


def test_addresses_are_shown_as_configured_and_as_written(site: SetupReport, shell: Shell) -> None:
    ca_life.renew(new_key=True, actor="ada", now=timezone.now())

    rows = shell.json("ca", "addresses")

    assert {row["certificate"] for row in rows} == {0, 1}
    assert {row["what"] for row in rows} == {"CRL", "delta CRL", "OCSP", "CA certificate"}
    newest = next(row for row in rows if (row["key"], row["what"]) == (1, "CRL"))
    assert newest["template"].endswith("/CertEnroll/%3%8<CRLPartitionIndex>%9.crl")
    assert newest["address"].endswith("/CertEnroll/Example%20Issuing%20CA(1).crl")
    assert "Take note: Certificates name an address that nobody" in shell("ca", "addresses")


def test_addresses_can_be_tried_before_they_are_used(
    site: SetupReport, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdicts = iter([ok("It is there."), critical("It is not."), ok("It is."), ok("It is.")])
    monkeypatch.setattr(self_check, "_judge", lambda *_: next(verdicts))

    printed = shell("ca", "addresses", "--check")

    assert printed.count("critical") == 1
    assert "CA+.crl: It is not." in printed


def test_a_renewal_says_what_certificates_will_name(site: SetupReport, shell: Shell) -> None:
    printed = shell("ca", "renew", "--new-key")

    assert "/CertEnroll/Example%20Issuing%20CA(1).crl" in printed
    assert "/CertEnroll/localhost_Example%20Issuing%20CA(1).crt" in printed


def test_without_a_ca_there_are_no_addresses(shell: Shell) -> None:
    assert "manage.py setup" in shell.refused("ca", "addresses")
