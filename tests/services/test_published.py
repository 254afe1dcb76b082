"""The files of the CA on this node: copies of what the database holds, whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from django.utils import timezone

from enrollment.models import CertificateRevocationList, RevocationListContent
from enrollment.services import authority, crl_making, crl_rows, delivery, publication, published
from tests.services.acts import read

if TYPE_CHECKING:
    from pathlib import Path

    from enrollment.services.setup import SetupReport
    from tests.services.acts import Configure

NAME = "Example Issuing CA.crl"


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, configure: Configure) -> Path:
    """A folder for this test alone."""
    configure(CERTSRV_PUBLISHED=str(tmp_path / "www"))
    return tmp_path / "www" / published.FOLDER


def publish() -> int:
    return publication.publish(now=timezone.now(), actor="maria")


def number_in(file: Path) -> int:
    crl = x509.load_der_x509_crl(file.read_bytes())
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def newest(*, delta: bool = False) -> CertificateRevocationList:
    row = crl_rows.newest_list(0, delta=delta)
    assert row is not None
    return row


def served(name: str = NAME) -> bytes:
    found = delivery.published_file(name, now=timezone.now())
    assert found is not None
    return read(found)


def test_every_list_and_ca_certificate_is_a_file_under_its_name(
    site: SetupReport, own_folder: Path
) -> None:
    publish()
    published.keep(timezone.now())

    assert sorted(file.name for file in own_folder.iterdir()) == [
        "Example Issuing CA+.crl",
        "Example Issuing CA.crl",
        "localhost_Example Issuing CA.crt",
    ]
    assert number_in(own_folder / NAME) == 2
    certificate = (own_folder / "localhost_Example Issuing CA.crt").read_bytes()
    assert certificate == bytes(site.authority.der)


def test_everybody_may_read_the_files_whatever_the_mask_of_the_process(
    site: SetupReport, own_folder: Path
) -> None:
    shutil.rmtree(own_folder.parent)
    before = os.umask(0o077)
    try:
        publish()
    finally:
        os.umask(before)

    assert stat.S_IMODE((own_folder / NAME).stat().st_mode) == 0o644
    assert stat.S_IMODE(own_folder.stat().st_mode) == 0o755
    assert stat.S_IMODE(own_folder.parent.stat().st_mode) == 0o755


def test_a_file_that_was_deleted_by_hand_is_written_again(
    site: SetupReport, own_folder: Path
) -> None:
    publish()
    (own_folder / NAME).unlink()

    assert number_in_octets(served()) == 2
    assert number_in(own_folder / NAME) == 2


@pytest.mark.parametrize("content", [b"", b"junk", None])
def test_a_file_that_was_altered_by_hand_is_never_served(
    site: SetupReport, own_folder: Path, content: bytes | None
) -> None:
    """Also one octet in the middle, at the same length."""
    publish()
    right = served()
    file = own_folder / NAME
    file.write_bytes(right[:50] + b"\x00" + right[51:] if content is None else content)

    assert served() == right
    assert file.read_bytes() == right


def test_a_file_is_read_once_and_not_with_every_download(
    site: SetupReport, own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish()
    served()

    def never(*_arguments: object) -> str:
        raise AssertionError("the file was read again")

    monkeypatch.setattr(hashlib, "file_digest", never)

    assert number_in_octets(served()) == 2


def test_a_crash_between_row_and_file_is_mended_by_whoever_asks(
    site: SetupReport, own_folder: Path
) -> None:
    """The row is stored first: what is in the folder is older than it, or missing."""
    publish()
    number = crl_rows.highest_number() + 1
    crl_making.make(crl_making.Wanted(site.authority, 0), number, timezone.now())
    assert number_in(own_folder / NAME) == 2

    assert number_in_octets(served()) == 3
    assert number_in(own_folder / NAME) == 3


def test_housekeeping_mends_it_where_nobody_asks_us(site: SetupReport, own_folder: Path) -> None:
    """Another node published, and a plain web server sends what lies in our folder."""
    publish()
    number = crl_rows.highest_number() + 1
    crl_making.make(crl_making.Wanted(site.authority, 0), number, timezone.now())
    (own_folder / ".half.crl.0a1b.new").write_bytes(b"\x30")

    published.keep(timezone.now())

    assert number_in(own_folder / NAME) == 3
    assert not list(own_folder.glob(".*"))


def test_an_older_list_never_takes_the_place_of_a_newer_one(
    site: SetupReport, own_folder: Path
) -> None:
    """Who was slow still gets what it asked for; the folder keeps the newer list."""
    publish()
    older = newest()
    octets = crl_rows.octets_of(older)
    publish()

    assert octets is not None
    published.write_list(older, octets)
    file = published.open_list(older)

    assert file is not None
    assert file.read() == octets
    assert number_in(own_folder / NAME) == 3


def test_a_folder_that_cannot_be_written_costs_nobody_the_list(
    site: SetupReport, tmp_path: Path, configure: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    configure(CERTSRV_PUBLISHED=str(tmp_path / "file"))

    number = publish()

    assert number_in_octets(served()) == number
    assert "cannot be written" in caplog.text


def test_lists_and_certificates_are_exported_to_be_carried(
    site: SetupReport, tmp_path: Path
) -> None:
    export = published.export(tmp_path / "stick" / "lists")

    assert set(export.names) == {file.name for file in export.folder.iterdir()}
    assert number_in(export.folder / NAME) == 1
    assert (export.folder / "localhost_Example Issuing CA.crt").exists()


def number_in_octets(octets: bytes) -> int:
    crl = x509.load_der_x509_crl(octets)
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


# --- the octets of lists that have ended ---


def test_the_octets_of_ended_lists_are_dropped_and_their_rows_stay(site: SetupReport) -> None:
    publish()
    last = publish()
    first = CertificateRevocationList.objects.get(number=1, is_delta=False)
    after = newest().next_update + timedelta(seconds=1)

    dropped = crl_rows.drop_ended(after)

    assert dropped == 4  # base and delta of the first two publications
    assert crl_rows.octets_of(first) is None
    assert first.sha256
    assert first.size
    assert crl_rows.highest_number() == last == 3


def test_the_last_list_of_a_place_is_kept_for_ever(site: SetupReport) -> None:
    """A CA that has ended serves it until the last certificate below is forgotten."""
    crl_rows.drop_ended(timezone.now() + timedelta(days=9999))

    assert crl_rows.octets_of(newest()) is not None
    assert crl_rows.octets_of(newest(delta=True)) is not None


def test_lists_that_somebody_may_still_use_are_kept(site: SetupReport) -> None:
    publish()

    assert crl_rows.drop_ended(timezone.now() + timedelta(hours=1)) == 0


def test_a_number_is_never_used_again_after_its_octets_were_dropped(site: SetupReport) -> None:
    publish()
    crl_rows.drop_ended(timezone.now() + timedelta(days=9999))

    assert publish() == 3


def test_a_list_without_octets_is_not_there(site: SetupReport, own_folder: Path) -> None:
    """Nobody drops the newest; if the row is gone all the same, that is no server error."""
    RevocationListContent.objects.all().delete()
    (own_folder / NAME).unlink()

    found = delivery.published_file(NAME, now=timezone.now())

    assert found is not None
    assert found.open() is None
    assert publication.current_crl(authority.current(), now=timezone.now()) is None
