"""The paper that a key ceremony leaves behind."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from enrollment.models import (
    AuditEvent,
    Authority,
    Certificate,
    CertificateRevocationList,
    EnrollmentRequest,
)
from enrollment.services import ceremony, publication
from tests import make
from tests.admin.conftest import submit

if TYPE_CHECKING:
    from pathlib import Path

    from django.contrib.auth.models import User

    from tests.commands.conftest import Shell

pytestmark = pytest.mark.django_db


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    return tmp_path / "record.html"


def test_a_record_names_the_people_and_every_hash_that_leaves_the_room(
    administrator: User, alice: User, shell: Shell, paper: Path
) -> None:
    submit(alice, template="WebServer")
    shell("crl", "publish")

    shell(
        *("ceremony", "record", "--out", str(paper), "--operator", "Ada Lovelace"),
        *("--witness", "Grace Hopper", "--witness", "Joan Clarke", "--note", "First light."),
    )

    page = paper.read_text()
    authority = Authority.objects.get()
    for person in ("Ada Lovelace, operator", "Grace Hopper, witness", "Joan Clarke, witness"):
        assert person in page
    assert hashlib.sha256(bytes(authority.der)).hexdigest() in page
    assert Certificate.objects.get(requester="alice").thumbprint_sha256 in page
    newest = publication.current_crl(authority, now=timezone.now())
    assert newest is not None
    assert hashlib.sha256(newest).hexdigest() in page
    assert "First light." in page


def test_the_trail_remembers_which_record_was_signed(
    administrator: User, shell: Shell, paper: Path
) -> None:
    before = AuditEvent.objects.latest("pk").hash

    shell("ceremony", "record", "--out", str(paper))

    event = AuditEvent.objects.latest("pk")
    assert event.verb == "ceremony recorded"
    assert event.detail["digest"] == hashlib.sha256(paper.read_bytes()).hexdigest()
    assert before in paper.read_text()


def test_what_happened_before_the_ceremony_is_not_in_its_record(
    administrator: User, alice: User, shell: Shell, paper: Path
) -> None:
    submit(alice, template="WebServer")
    AuditEvent.objects.update(at=timezone.now() - timedelta(days=3))
    Certificate.objects.update(issued_at=timezone.now() - timedelta(days=3))

    shell("ceremony", "record", "--out", str(paper))

    assert Certificate.objects.get(requester="alice").thumbprint_sha256 not in paper.read_text()


def test_a_broken_trail_is_said_before_anybody_signs(
    administrator: User, shell: Shell, paper: Path
) -> None:
    first = AuditEvent.objects.earliest("pk")
    AuditEvent.objects.filter(pk=first.pk).update(actor="somebody else")

    shell("ceremony", "record", "--out", str(paper))

    assert "audit trail is not whole" in paper.read_text()


def test_a_hostile_name_is_only_text_on_paper(
    administrator: User, shell: Shell, paper: Path
) -> None:
    shell("ceremony", "record", "--out", str(paper), "--witness", "<script>alert(1)</script>")

    assert "<script>" not in paper.read_text()
    assert "&lt;script&gt;" in paper.read_text()


def test_a_record_is_never_written_over_another(
    administrator: User, shell: Shell, paper: Path
) -> None:
    paper.write_text("signed")

    assert "exists" in shell.refused("ceremony", "record", "--out", str(paper))
    assert paper.read_text() == "signed"


def test_a_ceremony_that_begins_tomorrow_is_refused(
    administrator: User, shell: Shell, paper: Path
) -> None:
    sentence = shell.refused("ceremony", "record", "--out", str(paper), "--since", "2999-01-01")

    assert "future" in sentence
    assert not paper.exists()


def test_a_busy_day_is_no_ceremony(
    administrator: User, shell: Shell, paper: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ceremony, "MOST_LINES", 1)

    assert "audit export" in shell.refused("ceremony", "record", "--out", str(paper))


# --- requests and answers carried as files ---


def newest_id() -> str:
    """Return the id of the request made last: in a database of many tests it may be any."""
    return str(EnrollmentRequest.objects.latest("pk").pk)


def test_a_carried_request_waits_is_approved_and_carried_back(
    administrator: User, alice: User, shell: Shell, tmp_path: Path
) -> None:
    carried = tmp_path / "issuing-ca.req"
    carried.write_bytes(make.request_pem("Example Issuing CA 2", kind="ec:p256"))
    administrator.groups.add(*alice.groups.all())

    said = shell("requests", "submit", str(carried), "--template", "SubCA", "--as", "ada")
    number = newest_id()
    shell("requests", "approve", number)
    shell("requests", "export", number, "--to", str(tmp_path / "back"))

    assert f"Request {number} is waiting" in said
    issued = (tmp_path / "back" / f"certificate-{number}.cer").read_text()
    assert issued.startswith("-----BEGIN CERTIFICATE-----")
    assert (tmp_path / "back" / f"certificate-{number}.p7b").stat().st_size > len(issued)


def test_a_refused_request_says_why_and_exits_with_one(
    alice: User, shell: Shell, tmp_path: Path
) -> None:
    carried = tmp_path / "junk.req"
    carried.write_text("no request")

    sentence = shell.refused(
        "requests", "submit", str(carried), "--template", "WebServer", "--as", "alice"
    )

    assert sentence.startswith(f"Request {newest_id()} is ")


def test_a_request_is_taken_in_with_the_rights_of_the_account_that_asks(
    manager: User, shell: Shell, tmp_path: Path
) -> None:
    carried = tmp_path / "web.req"
    carried.write_bytes(make.request_pem(kind="ec:p256"))

    sentence = shell.refused(
        "requests", "submit", str(carried), "--template", "WebServer", "--as", "maria"
    )

    assert "in no group that may enroll" in sentence


def test_what_waits_cannot_be_carried_away(
    administrator: User, alice: User, shell: Shell, tmp_path: Path
) -> None:
    carried = tmp_path / "issuing-ca.req"
    carried.write_bytes(make.request_pem("Example Issuing CA 2", kind="ec:p256"))
    administrator.groups.add(*alice.groups.all())
    shell("requests", "submit", str(carried), "--template", "SubCA", "--as", "ada")

    assert "is waiting" in shell.refused("requests", "export", newest_id(), "--to", str(tmp_path))


def test_a_file_that_is_not_there_is_named(alice: User, shell: Shell) -> None:
    sentence = shell.refused("requests", "submit", "nowhere.req", "--as", "alice")

    assert "nowhere.req cannot be read" in sentence


def test_lists_are_in_the_record_only_when_they_were_finished(
    administrator: User, shell: Shell, paper: Path
) -> None:
    number = publication.publish(now=timezone.now(), actor="maria")
    CertificateRevocationList.objects.filter(number=number).update(sha256="")

    shell("ceremony", "record", "--out", str(paper))

    assert f"CRL {number} of key" not in paper.read_text()
