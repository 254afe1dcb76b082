"""Lists over HTTP: what caches are told, and what is never read into memory.

RFC 9110 sections 8.8, 13 and 14; RFC 9111 section 5.2.
"""

from __future__ import annotations

import hashlib
import io
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from django.http import FileResponse
from django.test import Client, RequestFactory
from django.utils import timezone

from enrollment.protocols.web.views import fetch
from enrollment.services import crl_rows, publication, published

if TYPE_CHECKING:
    from enrollment.models import CertificateRevocationList
    from tests.web.conftest import Visitor

BASE = "/CertEnroll/Example%20Issuing%20CA.crl"
CERTIFICATE = "/CertEnroll/localhost_Example%20Issuing%20CA.crt"

pytestmark = pytest.mark.usefixtures("program")


def get(address: str = BASE, method: str = "GET", **headers: str) -> Any:
    """Ask as a stranger; names of headers with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Client().generic(method, address, headers=named)


def newest() -> CertificateRevocationList:
    row = crl_rows.newest_base()
    assert row is not None
    return row


def publish() -> None:
    publication.publish(now=timezone.now(), actor="maria")


@pytest.fixture
def no_octets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the file nor the octets in the database may be touched."""

    def touched(*_arguments: object) -> None:
        raise AssertionError("the list was opened")

    monkeypatch.setattr(published, "open_list", touched)
    monkeypatch.setattr(crl_rows, "octets_of", touched)


def test_a_list_says_what_it_is_and_until_when() -> None:
    response = get()
    octets = response.getvalue()
    crl = x509.load_der_x509_crl(octets)

    assert response["Content-Type"] == "application/pkix-crl"
    assert response["Content-Length"] == str(len(octets))
    assert parsedate_to_datetime(response["Last-Modified"]) == crl.last_update_utc
    assert parsedate_to_datetime(response["Expires"]) == crl.next_update_utc
    assert response["Cache-Control"] == "public, max-age=300, must-revalidate, no-transform"
    assert not response.has_header("Content-Disposition")
    assert not response.has_header("Content-Encoding")
    assert not response.has_header("Vary")


def test_the_tag_is_the_digest_of_the_octets() -> None:
    response = get()

    digest = hashlib.sha256(response.getvalue()).hexdigest()
    assert response["ETag"] == f'"{digest}"'


def test_a_list_is_sent_from_its_file_and_not_from_memory() -> None:
    """The view itself: the test client takes the file away from the answer."""
    response = fetch.published(RequestFactory().get(BASE), "Example Issuing CA.crl")

    assert isinstance(response, FileResponse)
    file: Any = response.file_to_stream
    assert isinstance(file, io.FileIO)
    assert str(file.name).endswith("/CertEnroll/Example Issuing CA.crl")
    response.close()
    assert file.closed


@pytest.mark.usefixtures("no_octets")
def test_head_reads_no_list() -> None:
    response = get(method="HEAD")

    assert response.status_code == 200
    assert response["Content-Length"] == str(newest().size)
    assert response["Content-Type"] == "application/pkix-crl"
    assert response.content == b""


@pytest.mark.usefixtures("no_octets")
def test_who_has_the_list_gets_304_and_reads_none() -> None:
    tag = f'"{newest().sha256}"'

    for sent in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        response = get(if_none_match=sent)
        assert response.status_code == 304, sent
        assert response["ETag"] == tag
        assert response["Cache-Control"].startswith("public, max-age=300")
        assert response.has_header("Expires")
        assert response["Content-Length"] == str(newest().size)


def test_who_wants_another_list_than_this_one_gets_412() -> None:
    response = get(if_match='"other"')

    assert response.status_code == 412
    assert response["Content-Length"] == "0"


@pytest.mark.usefixtures("no_octets")
def test_who_asks_by_date_gets_304_until_there_is_a_newer_list() -> None:
    dated = get(method="HEAD")["Last-Modified"]

    assert get(if_modified_since=dated).status_code == 304


def test_who_asks_by_date_gets_the_newer_list() -> None:
    dated = get(method="HEAD")["Last-Modified"]
    publication.publish(now=timezone.now() + timedelta(minutes=20), actor="maria")

    assert len(get(if_modified_since=dated).getvalue()) == newest().size


def test_a_revocation_gives_another_tag() -> None:
    tag = get(method="HEAD")["ETag"]
    publish()

    response = get(if_none_match=tag)
    assert response.status_code == 200
    assert response.getvalue()


def test_two_lists_of_one_second_are_not_told_apart_by_date() -> None:
    """A second is all that a date says; who has the first must not be told that nothing changed."""
    now = timezone.now() + timedelta(minutes=20)
    publication.publish(now=now, actor="maria")
    dated = get(method="HEAD")["Last-Modified"]
    publication.publish(now=now, actor="maria")

    response = get(if_modified_since=dated)

    assert response.status_code == 200
    assert not response.has_header("Last-Modified")
    assert response.getvalue()


def test_caches_never_keep_a_list_beyond_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a minute left, half a minute; after the end, no time at all."""
    monkeypatch.setattr(publication, "publish_due", lambda *_a, **_k: 0)
    for left, age in ((60, 30), (0, 0), (-3600, 0)):
        at = newest().next_update - timedelta(seconds=left)
        monkeypatch.setattr("django.utils.timezone.now", lambda at=at: at)
        response = get(method="HEAD")
        assert f"max-age={age}," in response["Cache-Control"]


@pytest.mark.parametrize(
    ("sent", "begin", "end"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=10-", 10, None),
        ("bytes=-5", -5, None),
        ("bytes=5-99999999", 5, None),
        ("bytes=-99999999", 0, None),
    ],
)
def test_who_lost_the_line_asks_for_the_rest(sent: str, begin: int, end: int | None) -> None:
    whole = get().getvalue()

    response = get(range=sent)

    wanted = whole[begin:end]
    first = len(whole) + begin if begin < 0 else begin
    is_whole = len(wanted) == len(whole)
    assert response.status_code == (200 if is_whole else 206)
    assert response.getvalue() == wanted
    assert response["Content-Length"] == str(len(wanted))
    if not is_whole:
        last = first + len(wanted) - 1
        assert response["Content-Range"] == f"bytes {first}-{last}/{len(whole)}"


def test_a_range_behind_the_end_is_refused_with_the_length() -> None:
    size = newest().size

    for sent in (f"bytes={size}-", "bytes=-0"):
        response = get(range=sent)
        assert response.status_code == 416
        assert response["Content-Range"] == f"bytes */{size}"


@pytest.mark.parametrize(
    "sent", ["bytes=9-2", "bytes=-", "bytes=0-1,4-5", "lines=1-2", "bytes=a-b", "\u0661"]
)
def test_a_range_that_means_nothing_gets_the_whole(sent: str) -> None:
    response = get(range=sent)

    assert response.status_code == 200
    assert len(response.getvalue()) == newest().size


def test_the_rest_of_an_older_list_is_not_sent_as_the_rest_of_this_one() -> None:
    tag = get(method="HEAD")["ETag"]
    publish()

    response = get(range="bytes=10-", if_range=tag)

    assert response.status_code == 200
    assert len(response.getvalue()) == newest().size


def test_certificates_have_a_tag_and_no_end() -> None:
    response = get(CERTIFICATE)

    assert response["ETag"] == f'"{hashlib.sha256(response.getvalue()).hexdigest()}"'
    assert not response.has_header("Expires")
    assert get(CERTIFICATE, if_none_match=response["ETag"]).status_code == 304


def test_a_stranger_asks_for_no_partition_that_is_not_there() -> None:
    for name in ("_Partition00001", "_Partition99999", "_Partition00001+"):
        response = get(f"/CertEnroll/Example%20Issuing%20CA{name}.crl")
        assert response.status_code == 404


# --- certcrl.crl: the same, for an account ---


def test_an_account_gets_the_same_and_only_its_own_cache_keeps_it(program: Visitor) -> None:
    """The type may depend on who asks, and whether at all."""
    response = program.get("certcrl.crl?Enc=bin")

    assert response.getvalue() == get().getvalue()
    assert response["Cache-Control"].startswith("private, max-age=300")
    again = program.get("certcrl.crl?Enc=bin", headers={"If-None-Match": response["ETag"]})
    assert again.status_code == 304


def test_base_64_has_a_tag_and_a_length_of_its_own(program: Visitor) -> None:
    response = program.get("certcrl.crl?Enc=b64")
    text = response.getvalue()

    assert response["Content-Length"] == str(len(text))
    assert response["ETag"] != get(method="HEAD")["ETag"]
    again = program.get("certcrl.crl?Enc=b64", headers={"If-None-Match": response["ETag"]})
    assert again.status_code == 304


@pytest.mark.usefixtures("no_octets")
def test_head_of_base_64_reads_no_list(program: Visitor) -> None:
    response = program.visit("/certsrv/certcrl.crl?Enc=b64", "HEAD")

    assert int(response["Content-Length"]) > newest().size
    assert response.content == b""


def test_a_list_whose_octets_are_gone_is_not_found(
    program: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "open_list", lambda _row: None)

    assert get().status_code == 404
    assert b"There is no CRL yet." in program.get("certcrl.crl?Enc=bin").content
