"""What was revoked after a backup is revoked when it is restored, whoever can still tell of it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from enrollment.ca.revocation import Act, Reason
from enrollment.models import (
    AuditEvent,
    Certificate,
    EnrollmentRequest,
    LostCertificate,
)
from enrollment.services.backup.errors import BackupFault
from tests.backup.acts import (
    certificate_of,
    change,
    crl_number,
    newest_list,
    no_log,
    published,
    revoked_serials,
)
from tests.services.acts import submit

if TYPE_CHECKING:
    from pathlib import Path

    from enrollment.ca.policy import Requester
    from tests.backup.conftest import Disaster


def test_what_was_revoked_after_the_backup_is_revoked_with_its_old_date(
    disaster: Disaster, requester: Requester
) -> None:
    certificate = certificate_of(submit(requester))
    since = timezone.now().replace(microsecond=0) - timedelta(days=3)
    with disaster.lost():
        hour_ago = timezone.now() - timedelta(hours=1)
        row = change(
            certificate, Act.REVOKE, Reason.KEY_COMPROMISE, invalidity_date=since, now=hour_ago
        )

    disaster.restore()

    found = Certificate.objects.get(pk=certificate.pk)
    assert (found.revoked_at, found.revocation_reason) == (row.revoked_at, 1)
    assert found.invalidity_date == since
    assert certificate.serial_number in revoked_serials()
    assert (
        EnrollmentRequest.objects.get(certificate=found).disposition_message == "Revoked by maria"
    )


def test_what_was_issued_and_revoked_after_the_backup_is_both(
    disaster: Disaster, requester: Requester
) -> None:
    with disaster.lost():
        row = submit(requester)
        change(certificate_of(row), Act.REVOKE, Reason.SUPERSEDED)
        serial = certificate_of(row).serial_number

    disaster.restore()

    assert serial in revoked_serials()
    assert EnrollmentRequest.objects.get(pk=row.pk).state.name == "REVOKED"


def test_what_was_done_again_says_so_in_the_trail(disaster: Disaster, requester: Requester) -> None:
    certificate = certificate_of(submit(requester))
    with disaster.lost():
        change(certificate, Act.REVOKE)

    disaster.restore()

    first, again = AuditEvent.objects.filter(verb="revoked").order_by("pk")
    assert (first.actor, again.actor) == ("maria", "shell:root")
    assert again.detail["by"] == "maria"


def test_a_hold_that_was_released_after_the_backup_as_well_is_none(
    disaster: Disaster, requester: Requester
) -> None:
    certificate = certificate_of(submit(requester))
    with disaster.lost():
        change(certificate, Act.HOLD)
        change(certificate, Act.RELEASE)

    disaster.restore()

    assert certificate.serial_number not in revoked_serials()


def test_no_log_releases_what_the_backup_holds(disaster: Disaster, requester: Requester) -> None:
    """On the word of a log, rights are taken and never given."""
    certificate = change(certificate_of(submit(requester)), Act.HOLD)
    with disaster.lost():
        change(certificate, Act.RELEASE)

    report = disaster.restore()

    assert certificate.serial_number in revoked_serials()
    assert report.acts[0].endswith(f"maria: released certificate {certificate.serial_number}")


def test_a_published_list_alone_keeps_what_is_on_it_revoked(
    disaster: Disaster, requester: Requester
) -> None:
    certificate = certificate_of(submit(requester))
    with disaster.lost():
        row = change(certificate, Act.REVOKE, Reason.SUPERSEDED)
        folder = published(disaster)
        seen = crl_number()

    disaster.restore(*no_log(disaster), **folder)

    found = Certificate.objects.get(pk=certificate.pk)
    assert (found.revoked_at, found.revocation_reason) == (row.revoked_at, 4)
    assert crl_number() > seen


def test_a_revoked_certificate_that_nobody_can_show_stays_on_the_list(
    disaster: Disaster, requester: Requester
) -> None:
    with disaster.lost():
        row = change(certificate_of(submit(requester)), Act.REVOKE, Reason.KEY_COMPROMISE)
        folder = published(disaster)

    disaster.restore(*no_log(disaster), **folder)

    (entry,) = newest_list()
    assert f"{entry.serial_number:x}" == row.serial_number
    assert entry.revocation_date_utc == row.revoked_at
    assert LostCertificate.objects.count() == 1


def test_a_lost_certificate_that_is_found_later_takes_its_status_over(
    disaster: Disaster, requester: Requester
) -> None:
    with disaster.lost():
        row = change(certificate_of(submit(requester)), Act.REVOKE, Reason.KEY_COMPROMISE)
        folder = published(disaster)
        found = folder["published"][0] / "from-its-owner.cer"
        content = bytes(row.der)
    disaster.restore(*no_log(disaster), **folder)
    found.write_bytes(content)

    disaster.restore(*no_log(disaster), **folder)

    (entry,) = newest_list()
    certificate = Certificate.objects.get()
    assert f"{entry.serial_number:x}" == certificate.serial_number
    assert (certificate.revoked_at, certificate.requester) == (row.revoked_at, "unknown")
    assert not LostCertificate.objects.exists()


def test_a_list_older_than_the_backup_tells_nothing(
    disaster: Disaster, requester: Requester
) -> None:
    """What stood on it may have been released since."""
    certificate = change(certificate_of(submit(requester)), Act.HOLD)
    folder = published(disaster)
    change(certificate, Act.RELEASE)

    disaster.restore(*no_log(disaster), **folder)

    assert certificate.serial_number not in revoked_serials()


def test_a_list_of_another_ca_is_ignored_by_name(
    disaster: Disaster, tmp_path: Path, requester: Requester
) -> None:
    folder = published(disaster)
    der = bytearray((folder["published"][0] / "CA.crl").read_bytes())
    der[-1] ^= 1
    (folder["published"][0] / "other.crl").write_bytes(der)
    (folder["published"][0] / "broken.crl").write_bytes(b"hello")

    report = disaster.restore(*no_log(disaster), **folder)

    assert report.ignored == ["broken.crl", "other.crl"]


def test_a_folder_that_is_none_is_named(disaster: Disaster, tmp_path: Path) -> None:
    with pytest.raises(BackupFault, match="is no folder of published files"):
        disaster.restore(*no_log(disaster), published=(tmp_path / "missing",))


def signers_log(disaster: Disaster, serial: str) -> Path:
    path = disaster.log.with_name("signer.log")
    facts = {"at": "2026-11-23T12:00:00+00:00", "outcome": "signed", "content": "certificate"}
    path.write_text(
        json.dumps({**facts, "serial_number": serial})
        + "\n"
        + json.dumps({**facts, "content": "revocation list"})
        + "\n"
        + json.dumps({**facts, "outcome": "refused", "serial_number": "99"})
        + "\n"
    )
    return path


def test_what_the_key_signed_and_nobody_can_show_is_named(disaster: Disaster) -> None:
    report = disaster.restore(signers_log(disaster, "1234abcd"))

    assert report.unrecorded == ["1234abcd  2026-11-23T12:00:00+00:00"]
    assert revoked_serials() == set()


def test_it_is_revoked_when_that_is_wanted(disaster: Disaster) -> None:
    disaster.restore(signers_log(disaster, "1234abcd"), revoke_unrecorded=True)

    assert revoked_serials() == {"1234abcd"}


def test_what_is_recorded_is_not_named(disaster: Disaster, requester: Requester) -> None:
    serial = certificate_of(submit(requester)).serial_number

    assert disaster.restore(signers_log(disaster, serial)).unrecorded == []
