"""Certificates taken back in a shell: one, several, all of a requester, all with a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from enrollment.ca import encode
from enrollment.ca.revocation import Reason
from enrollment.management.commands.certificates import Command
from enrollment.models import AuditEvent, Authority, Certificate, CertificateRevocationList
from tests import make
from tests.admin.conftest import submit

if TYPE_CHECKING:
    from pathlib import Path

    from django.contrib.auth.models import User

    from tests.commands.conftest import Shell

pytestmark = pytest.mark.django_db


def issue(user: User, name: str = "www.example.com") -> Certificate:
    row = submit(user, name, template="WebServer").certificate
    assert row is not None
    return row


def revoke(*words: str) -> tuple[str, ...]:
    return ("certificates", "revoke", *words, "--reason", "superseded")


def states() -> list[str]:
    """Return of each certificate ``valid``, or the reason for which it is not."""
    reasons = Certificate.objects.order_by("pk").values_list("revocation_reason", flat=True)
    return ["valid" if reason is None else Reason(reason).label for reason in reasons]


@pytest.fixture
def two(alice: User, charlie: User) -> list[Certificate]:
    """One of Alice and one of Charlie, both with one key."""
    return [issue(alice), issue(charlie, "c.example.org")]


def test_several_serial_numbers_are_revoked_by_one_list(
    two: list[Certificate], shell: Shell
) -> None:
    printed = shell(*revoke(*(row.serial_number for row in two)))

    assert "2 certificates are revoked; CRL 2 says so." in printed
    assert all(f"{row.serial_number} of {row.requester} is revoked." in printed for row in two)
    assert states() == ["superseded", "superseded"]
    assert CertificateRevocationList.objects.latest("number").number == 2


def test_one_that_is_unknown_does_not_keep_the_others_back(
    two: list[Certificate], shell: Shell
) -> None:
    sentence = shell.refused(*revoke(two[0].serial_number, "0A:1B"))

    assert "Not everything was done (1):" in sentence
    assert "issued no certificate with the serial number 0A:1B" in sentence
    assert "another CA issued the certificate" in sentence
    assert states() == ["superseded", "valid"]


def test_a_certificate_revoked_twice_is_said_to_be(two: list[Certificate], shell: Shell) -> None:
    shell(*revoke(two[0].serial_number))

    sentence = shell.refused(*revoke(two[0].serial_number))

    assert sentence.startswith("The certificate is revoked since")
    assert "(superseded); that is never taken back." in sentence
    assert AuditEvent.objects.filter(verb="revoked").count() == 1


def test_a_certificate_that_has_ended_is_said_to_have(two: list[Certificate], shell: Shell) -> None:
    Certificate.objects.filter(pk=two[0].pk).update(not_after=two[0].not_before)

    assert "nobody accepts it any more" in shell.refused(*revoke(two[0].serial_number))


def test_the_cas_own_serial_number_is_said_to_be_that(two: list[Certificate], shell: Shell) -> None:
    own = x509.load_der_x509_certificate(bytes(Authority.objects.get().der))

    sentence = shell.refused(*revoke(f"{own.serial_number:x}"))

    assert "is that of the CA certificate" in sentence


def test_all_of_a_requester_are_held_and_released(two: list[Certificate], shell: Shell) -> None:
    held = shell("certificates", "hold", "--requester", "alice")
    assert states() == ["on hold", "valid"]

    released = shell("certificates", "release", "--requester", "alice")

    assert "is on hold; CRL 2 says so." in held
    assert "is valid again; CRL 3 says so." in released
    assert states() == ["valid", "valid"]


def test_a_request_on_hold_is_listed_as_that(two: list[Certificate], shell: Shell) -> None:
    shell("certificates", "hold", two[0].serial_number)

    listed = shell.json("requests", "list", "--state", "all")

    assert [row["state"] for row in listed] == ["on hold", "issued"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("release", "--requester", "alice"), "no certificate of alice that is on hold"),
        (("hold", "--requester", "nobody"), "issued no certificate of nobody."),
        (("hold", "--key", "0" * 64), "issued no certificate with this key."),
        (("hold", "--key", "4a4a"), "There is no file of this name, and: This CA issued no"),
        (("hold", "--key", "no such file"), "There is no file of this name, and: This CA"),
        (("hold", "--key", "x" * 5000), "The file cannot be read"),
    ],
)
def test_a_set_of_nothing_is_answered_with_a_sentence(
    words: tuple[str, ...], sentence: str, two: list[Certificate], shell: Shell
) -> None:
    assert sentence in shell.refused("certificates", *words)
    assert states() == ["valid", "valid"]


def files_of(row: Certificate) -> dict[str, bytes]:
    """Return the files in which people have a key at hand."""
    public_key = x509.load_der_x509_certificate(bytes(row.der)).public_key()
    return {
        "certificate.pem": encode.pem(bytes(row.der)).encode(),
        "public.pem": public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "request.csr": make.request_pem("another.example.com"),
    }


@pytest.mark.parametrize("file", ["certificate.pem", "public.pem", "request.csr"])
def test_all_with_the_key_of_a_file_are_revoked(
    file: str, two: list[Certificate], shell: Shell, tmp_path: Path
) -> None:
    (tmp_path / file).write_bytes(files_of(two[0])[file])

    shell(*revoke("--key", str(tmp_path / file)))

    assert states() == ["superseded", "superseded"]


def test_a_key_is_named_by_a_serial_number_or_by_its_digest(
    two: list[Certificate], shell: Shell
) -> None:
    shell("certificates", "hold", "--key", two[0].serial_number)
    shell("certificates", "release", "--key", two[0].spki_sha256)

    assert states() == ["valid", "valid"]
    assert AuditEvent.objects.filter(verb="released").count() == 2


def test_a_private_key_is_not_read(two: list[Certificate], shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "server.key").write_text("-----BEGIN PRIVATE KEY-----\nMII\n")

    sentence = shell.refused(*revoke("--key", str(tmp_path / "server.key")))

    assert "openssl pkey -in FILE -pubout" in sentence


def test_a_dry_run_says_what_would_be_and_changes_nothing(
    two: list[Certificate], shell: Shell
) -> None:
    shell(*revoke(two[1].serial_number))

    printed = shell(*revoke(*(row.serial_number for row in two), "--dry-run"))

    lines = {line.split()[0]: line for line in printed.splitlines() if line}
    assert lines[two[0].serial_number].endswith("revoked")
    assert "left as it is: The certificate is revoked since" in lines[two[1].serial_number]
    assert "Nothing was changed." in printed
    assert states() == ["valid", "superseded"]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-02", "2026-01-02T00:00:00+00:00"),
        ("2026-01-02T03:04", "2026-01-02T03:04:00+00:00"),
        ("2026-01-02 03:04:05", "2026-01-02T03:04:05+00:00"),
        ("2026-01-02T03:04+02:00", "2026-01-02T01:04:00+00:00"),
    ],
)
def test_the_invalidity_date_may_have_a_time(
    text: str, moment: str, two: list[Certificate], shell: Shell
) -> None:
    shell(*revoke(two[0].serial_number, "--invalidity", text))

    stored = Certificate.objects.get(pk=two[0].pk).invalidity_date
    assert stored is not None
    assert stored.isoformat() == moment


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "", "0001-01-01T00:00+14:00"])
def test_an_invalidity_date_that_is_none_is_said_so(
    text: str, two: list[Certificate], shell: Shell
) -> None:
    sentence = shell.refused(*revoke(two[0].serial_number, "--invalidity", text))

    assert "is no date. Write 2026-11-20" in sentence


def test_an_invalidity_date_in_the_future_is_refused(two: list[Certificate], shell: Shell) -> None:
    words = revoke(two[0].serial_number, "--invalidity", "2999-01-01")

    assert shell.refused(*words) == "The invalidity date lies in the future."


@pytest.mark.parametrize(
    "words",
    [
        revoke(),
        revoke("4a", "--requester", "alice"),
        revoke("--requester", "alice", "--key", "4a"),
        ("certificates", "revoke", "4a"),
        ("certificates", "revoke", "4a", "--reason", "certificate-hold"),
    ],
)
def test_a_command_line_that_is_wrong_ends_with_two(words: tuple[str, ...]) -> None:
    command = Command()
    command._called_from_command_line = True  # type: ignore[attr-defined]  # noqa: SLF001 - as manage.py does

    with pytest.raises(SystemExit) as caught:
        command.create_parser("manage.py", "certificates").parse_args(list(words[1:]))

    assert caught.value.code == 2
