"""A restored CA knows what it issued after the backup, and what it cannot know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

from enrollment.ca.revocation import Act
from enrollment.models import (
    AuditEvent,
    Certificate,
    EnrollmentRequest,
    SigningRecord,
)
from enrollment.services import audit, issuance
from tests.backup.acts import (
    certificate_of,
    change,
)
from tests.services.acts import approve, submit, submit_waiting

if TYPE_CHECKING:
    import pytest

    from enrollment.ca.policy import Requester
    from tests.backup.conftest import Disaster


def test_a_certificate_issued_after_the_backup_is_back_in_every_column(
    disaster: Disaster, requester: Requester
) -> None:
    with disaster.lost():
        row = submit(requester, "www.example.com", dns=["www.example.com"])
        wanted = Certificate.objects.filter(request=row).values().get()
        names = sorted(certificate_of(row).names.values_list("kind", "value", "not_after"))

    report = disaster.restore()

    found = Certificate.objects.filter(request=row.pk).values().get()
    assert {**found, "id": 0} == {**wanted, "id": 0}
    assert sorted(certificate_of(row).names.values_list("kind", "value", "not_after")) == names
    assert report.certificates[0].startswith(f"{wanted['serial_number']}  request {row.pk}  alice")


def test_its_request_is_back_with_its_id_and_says_that_nothing_of_it_is_kept(
    disaster: Disaster, requester: Requester
) -> None:
    with disaster.lost():
        row = submit(requester, "www.example.com")

    disaster.restore()

    found = EnrollmentRequest.objects.get(pk=row.pk)
    assert (found.state.name, found.requester, found.template_name) == (
        "ISSUED",
        "alice",
        "WebServer",
    )
    assert found.account is not None
    assert found.account.username == "alice"
    assert found.remarks == ["Brought back after a restore; what was sent is not kept."]


def test_a_request_that_waited_in_the_backup_is_issued_by_whom_it_was(
    disaster: Disaster, requester: Requester
) -> None:
    row = submit_waiting(requester)
    with disaster.lost():
        approve(row)

    disaster.restore()

    found = EnrollmentRequest.objects.get(pk=row.pk)
    assert (found.state.name, found.decided_by) == ("ISSUED", "maria")
    assert found.raw


def test_a_content_that_was_committed_in_the_backup_is_not_signed_again(
    disaster: Disaster, requester: Requester, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(issuance, "complete", lambda *_, **__: None)
        row = submit(requester)
    with disaster.lost():
        (signed,) = issuance.recover(timezone.now())

    disaster.restore()

    assert SigningRecord.objects.get(request=row).state == "signed"
    assert issuance.recover(timezone.now()) == []
    assert bytes(certificate_of(row).der) == bytes(signed.der)


def test_restoring_twice_brings_nothing_back_twice(
    disaster: Disaster, requester: Requester
) -> None:
    with disaster.lost():
        row = submit(requester)
        change(certificate_of(row), Act.REVOKE)
    disaster.restore()

    report = disaster.restore()

    assert (report.events, report.certificates, report.revocations) == (0, [], [])
    assert Certificate.objects.count() == 1


def test_a_log_makes_no_certificate_ours_that_our_key_did_not_sign(
    disaster: Disaster, requester: Requester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log is not trusted: whoever can write it can write a line."""
    with disaster.lost():
        row = submit(requester)
        der = bytearray(bytes(certificate_of(row).der))
        der[-1] ^= 1
        Certificate.objects.filter(request=row).update(der=bytes(der))

    report = disaster.restore()

    assert not Certificate.objects.exists()
    assert len(report.strange) == 1


def test_a_certificate_for_a_number_that_has_another_one_is_a_problem(
    disaster: Disaster, requester: Requester
) -> None:
    row = submit(requester)
    der = bytearray(bytes(certificate_of(row).der))
    der[-1] ^= 1
    (event,) = AuditEvent.objects.filter(verb="signed")
    with disaster.lost():
        Certificate.objects.filter(request=row).update(der=bytes(der))

    report = disaster.restore()

    assert event.detail["serial_number"] in report.strange[0]


def test_requests_that_waited_and_are_gone_are_named(
    disaster: Disaster, requester: Requester
) -> None:
    with disaster.lost():
        row = submit_waiting(requester)

    report = disaster.restore()

    assert len(report.waited) == 1
    assert report.waited[0].endswith(f"alice: held request {row.pk}")


def test_what_people_did_at_the_desk_is_to_be_done_again(disaster: Disaster) -> None:
    with disaster.lost():
        audit.record("user changed", actor="ada", subject="user alice")
        audit.record("ca renewed", actor="ada", subject="ca 1")

    report = disaster.restore()

    assert [line.partition("  ")[2] for line in report.acts] == [
        "ada: user changed user alice",
        "ada: ca renewed ca 1",
    ]
