"""Certificates, the CA, its lists, the audit trail and accounts, in a shell."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from django.contrib.auth.models import User
from django.utils import timezone

from enrollment.models import AuditEvent, Authority, CertificateRevocationList
from enrollment.services import authority, publication
from tests.admin.conftest import submit

if TYPE_CHECKING:
    from pathlib import Path

    from enrollment.services.setup import SetupReport
    from tests.commands.conftest import Shell

pytestmark = pytest.mark.django_db


def test_certificates_are_listed_by_name(alice: User, charlie: User, shell: Shell) -> None:
    submit(alice, "www.example.com", template="WebServer")
    submit(charlie, "mail.example.org", template="WebServer")

    [row] = shell.json("certificates", "list", "mail.")

    assert (row["requester"], row["state"]) == ("charlie", "valid")


def test_certificates_that_end_soon_are_listed(alice: User, shell: Shell) -> None:
    submit(alice, template="WebServer")

    assert shell.json("certificates", "list", "--ends-within", "30") == []
    assert len(shell.json("certificates", "list", "--ends-within", "800")) == 1


def test_a_certificate_is_shown_by_its_serial_number_in_any_writing(
    alice: User, shell: Shell
) -> None:
    row = submit(alice, template="WebServer").certificate
    assert row is not None
    pairs = [row.serial_number[at : at + 2].upper() for at in range(0, len(row.serial_number), 2)]

    printed = shell("certificates", "show", ":".join(pairs))

    assert row.thumbprint_sha256 in printed
    assert "-----BEGIN CERTIFICATE-----" in printed


def test_a_certificate_is_revoked_and_the_list_says_so(alice: User, shell: Shell) -> None:
    row = submit(alice, template="WebServer").certificate
    assert row is not None

    printed = shell("certificates", "revoke", row.serial_number, "--reason", "key-compromise")

    assert "is revoked; CRL 2 says so" in printed
    [listed] = shell.json("certificates", "list", row.serial_number)
    assert listed["state"] == "revoked"
    octets = publication.current_crl(authority.current(), now=timezone.now())
    assert octets is not None
    newest = x509.load_der_x509_crl(octets)
    assert newest.get_revoked_certificate_by_serial_number(int(row.serial_number, 16)) is not None


def test_a_hold_is_released_and_a_revocation_is_not(alice: User, shell: Shell) -> None:
    held = submit(alice, "a.example.com", template="WebServer").certificate
    lost = submit(alice, "b.example.com", template="WebServer").certificate
    assert held is not None
    assert lost is not None
    shell("certificates", "hold", held.serial_number)
    shell("certificates", "revoke", lost.serial_number, "--reason", "superseded")

    assert "valid again" in shell("certificates", "release", held.serial_number)
    assert "never taken back" in shell.refused("certificates", "release", lost.serial_number)


def test_a_certificate_of_another_ca_cannot_be_revoked(site: SetupReport, shell: Shell) -> None:
    sentence = shell.refused("certificates", "revoke", "0A:1B", "--reason", "unspecified")

    assert "issued no certificate with the serial number 0A:1B" in sentence


@pytest.mark.parametrize("serial", ["00", "zz", "-", "f" * 999])
def test_an_unknown_serial_number_is_answered_with_a_sentence(
    serial: str,
    site: SetupReport,
    shell: Shell,
) -> None:
    assert "There is no certificate" in shell.refused("certificates", "show", "--", serial)


def test_the_ca_is_shown(site: SetupReport, shell: Shell) -> None:
    [facts] = shell.json("ca", "show")

    assert facts["name"] == site.authority.name
    assert len(facts["thumbprint_sha256"]) == 64


def test_a_second_ca_is_not_made_over_the_first(site: SetupReport, shell: Shell) -> None:
    sentence = shell.refused("ca", "init")

    assert "There is a CA already" in sentence
    assert list(Authority.objects.all()) == [site.authority]


def test_a_ca_is_made_where_there_is_none(shell: Shell) -> None:
    shell("ca", "init")

    assert Authority.objects.count() == 1
    assert CertificateRevocationList.objects.exists()


@pytest.mark.parametrize("words", [("ca", "show"), ("ca", "check"), ("crl", "publish")])
def test_without_a_ca_the_sentence_says_what_to_run(words: tuple[str, ...], shell: Shell) -> None:
    assert "manage.py setup" in shell.refused(*words)


def test_lists_are_copied_to_be_carried_to_where_the_net_is(
    site: SetupReport, shell: Shell, tmp_path: Path
) -> None:
    """An offline root: publish, copy, carry, put into the folder of a plain web server."""
    printed = shell("crl", "publish", "--to", str(tmp_path / "stick"))

    names = {file.name for file in (tmp_path / "stick").iterdir()}
    assert names == {
        "Example Issuing CA.crl",
        "Example Issuing CA+.crl",
        "localhost_Example Issuing CA.crt",
    }
    assert all(str(tmp_path / "stick" / name) in printed for name in names)
    published = publication.current_crl(site.authority, now=timezone.now())
    assert (tmp_path / "stick" / "Example Issuing CA.crl").read_bytes() == published


def test_a_folder_that_cannot_be_written_is_a_sentence(
    site: SetupReport, shell: Shell, tmp_path: Path
) -> None:
    (tmp_path / "stick").write_text("a file")

    sentence = shell.refused("crl", "publish", "--to", str(tmp_path / "stick"))

    assert "The lists are published, but" in sentence
    assert "Name another folder with --to" in sentence


def test_a_list_is_published_with_the_next_number(site: SetupReport, shell: Shell) -> None:
    before = shell.json("crl", "show")[0]["number"]

    shell("crl", "publish")

    assert shell.json("crl", "show")[0]["number"] == before + 1


def test_an_audit_trail_in_order_is_said_to_be(alice: User, shell: Shell) -> None:
    submit(alice, template="WebServer")

    assert shell.json("audit", "verify")["whole"] is True


def test_an_audit_event_that_was_altered_is_found(alice: User, shell: Shell) -> None:
    submit(alice, template="WebServer")
    event = AuditEvent.objects.order_by("pk")[1]
    AuditEvent.objects.filter(pk=event.pk).update(actor="somebody else")

    assert f"Event {event.pk} does not fit" in shell.refused("audit", "verify")


def test_the_audit_trail_is_exported_a_line_an_event(alice: User, shell: Shell) -> None:
    submit(alice, template="WebServer")

    events = [json.loads(line) for line in shell("audit", "export").splitlines()]

    assert len(events) == AuditEvent.objects.count()
    assert events[1]["previous_hash"] == events[0]["hash"]


@pytest.fixture
def password_file(tmp_path: Path) -> str:
    """A file with a good password."""
    path = tmp_path / "password"
    path.write_text("correct horse battery\n")
    return str(path)


def test_an_account_is_added_with_roles_and_directory_entry(
    site: SetupReport,
    password_file: str,
    shell: Shell,
) -> None:
    roles = ("--group", "Enrollees", "--group", "Auditors")
    names = ("--dns-name", "PC7.example.com", "--email", "pc7@example.com")
    shell("user", "add", "pc7", "--password-file", password_file, *roles, *names)

    user = User.objects.get(username="pc7")
    assert user.check_password("correct horse battery")
    assert {group.name for group in user.groups.all()} == {"Enrollees", "Auditors"}
    assert user.account.dns_name == "pc7.example.com"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("alice",), "There is an account 'alice' already."),
        (("ALICE",), "There is an account 'ALICE' already"),
        (("\uff21lice",), "There is an account '\uff21lice' already"),
        (("zoe", "--group", "Kings"), "There is no group 'Kings'. The groups are: Auditors"),
        (("zo:e",), "username"),
        (("zoe", "--email", "nowhere"), "email"),
        (("zoe", "--dns-name", "x" * 300), "dns name"),
    ],
)
def test_an_account_that_makes_no_sense_is_refused_with_a_sentence(
    words: tuple[str, ...],
    sentence: str,
    alice: User,
    password_file: str,
    shell: Shell,
) -> None:
    people = User.objects.count()

    assert sentence in shell.refused("user", "add", *words, "--password-file", password_file)
    assert User.objects.count() == people


def test_a_simple_password_is_refused(site: SetupReport, tmp_path: Path, shell: Shell) -> None:
    path = tmp_path / "password"
    path.write_text("12345\n")

    sentence = shell.refused("user", "add", "zoe", "--password-file", str(path))

    assert "too short" in sentence


def test_a_password_file_that_is_not_there_is_said_so(shell: Shell, tmp_path: Path) -> None:
    sentence = shell.refused("user", "add", "zoe", "--password-file", str(tmp_path / "nothing"))

    assert sentence == "The password file cannot be read: No such file or directory."


def test_a_database_that_was_never_set_up_is_a_sentence(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    from enrollment.services import publication

    def fail() -> None:
        raise OperationalError("no such table")

    monkeypatch.setattr(publication, "lists", fail)

    assert "manage.py setup" in shell.refused("crl", "show")
