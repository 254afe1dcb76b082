"""What did we issue, to whom, and when does it end?"""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from enrollment.admin.wording import grouped
from enrollment.models import Certificate, CertificateName
from tests.admin.conftest import submit

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client

pytestmark = pytest.mark.django_db

LIST = "/admin/enrollment/certificate/"


@pytest.fixture
def certificate(alice: User) -> Certificate:
    """Alice's certificate for www and shop."""
    row = submit(alice, "www.example.com", template="WebServer",
                 dns=("www.example.com", "shop.example.com"))  # fmt: skip
    assert row.certificate is not None
    return row.certificate


@pytest.fixture
def other(charlie: User) -> Certificate:
    """Charlie's certificate, which a search for Alice's must not find."""
    row = submit(charlie, "mail.example.org", template="WebServer")
    assert row.certificate is not None
    return row.certificate


def found(client: Client, term: str) -> list[int]:
    answer = client.get(LIST, {"q": term})
    assert answer.status_code == 200
    return [row.pk for row in answer.context["cl"].result_list]


@pytest.mark.parametrize(
    "term", ["www.example.com", "WWW.Example.COM", "shop.example.com", " shop ", "www.", "sho*"]
)
def test_a_certificate_is_found_by_a_name_or_its_beginning(
    term: str,
    certificate: Certificate,
    other: Certificate,
    desk: Client,
) -> None:
    assert found(desk, term) == [certificate.pk]


def test_a_certificate_is_found_by_its_serial_number_in_any_writing(
    certificate: Certificate,
    other: Certificate,
    desk: Client,
) -> None:
    serial = certificate.serial_number
    colons = ":".join(serial[at : at + 2] for at in range(0, len(serial), 2))

    for writing in (serial, serial.upper(), colons, f"0x{serial}", grouped(serial), f"00{serial}"):
        assert found(desk, writing) == [certificate.pk]


def test_a_certificate_is_found_by_its_thumbprint_as_windows_copies_it(
    certificate: Certificate,
    other: Certificate,
    desk: Client,
) -> None:
    """The certificate dialog of Windows puts an invisible mark before the first digit."""
    thumbprint = certificate.thumbprint_sha1
    spaced = " ".join(thumbprint[at : at + 2] for at in range(0, 40, 2))

    assert found(desk, "\u200e" + spaced) == [certificate.pk]
    assert found(desk, certificate.thumbprint_sha256.upper()) == [certificate.pk]


def test_certificates_are_found_by_requester(
    certificate: Certificate,
    other: Certificate,
    desk: Client,
) -> None:
    assert found(desk, "alice") == [certificate.pk]


def test_a_name_that_looks_like_a_number_is_found_as_a_name(
    alice: User,
    other: Certificate,
    desk: Client,
) -> None:
    row = submit(alice, "cafe", template="WebServer")

    assert row.certificate is not None
    assert found(desk, "cafe") == [row.certificate.pk]


def test_the_page_says_how_the_search_was_understood(
    certificate: Certificate, desk: Client
) -> None:
    page = desk.get(LIST, {"q": f"0x{certificate.serial_number}"}).content.decode()

    assert "the serial number typed" in page


@pytest.mark.parametrize(
    "term", ["%", "_", "'; DROP", "\x00", "9" * 5000, "*", "\u202e", "ff" * 30]
)
def test_a_search_that_finds_nothing_is_no_fault(
    term: str,
    certificate: Certificate,
    desk: Client,
) -> None:
    answer = desk.get(LIST, {"q": term})

    assert answer.status_code == 200


def test_a_search_never_reads_the_table_row_by_row(certificate: Certificate, desk: Client) -> None:
    """Asked of the database itself: every look-up of a search goes by an index."""
    if connection.vendor == "postgresql":
        fill_until_an_index_pays(certificate)
    with CaptureQueriesContext(connection) as queries:
        for term in ("www.", "alice", certificate.serial_number, certificate.thumbprint_sha1):
            desk.get(LIST, {"q": term})

    plans = [_plan(query["sql"]) for query in queries if "enrollment_certificate" in query["sql"]]
    assert plans
    assert not [plan for plan in plans if re.search(_READS_A_TABLE, plan)]


_READS_A_TABLE = r"SCAN enrollment_certificate|Seq Scan on enrollment_certificate"


def fill_until_an_index_pays(certificate: Certificate) -> None:
    """Add strangers' certificates: PostgreSQL reads a short table as a whole, and rightly so."""
    rows = [copy.copy(certificate) for _ in range(3000)]
    for number, row in enumerate(rows):
        row.pk = None
        row.serial_number = f"{number:040}"
        row.thumbprint_sha1 = f"{number:040}"
        row.thumbprint_sha256 = f"{number:064}"
        row.requester = f"somebody {number}"
    names = [
        CertificateName(certificate=row, kind="dns", value=f"host{number}", not_after=row.not_after)
        for number, row in enumerate(Certificate.objects.bulk_create(rows))
    ]
    CertificateName.objects.bulk_create(names)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE enrollment_certificate, enrollment_certificatename")


def _plan(sql: str) -> str:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"EXPLAIN {sql}")
            return "\n".join(row[0] for row in cursor.fetchall())
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return "\n".join(str(row[3]) for row in cursor.fetchall())


def test_the_list_shows_names_before_numbers_and_the_end_in_words(
    certificate: Certificate, desk: Client
) -> None:
    page = desk.get(LIST).content.decode()

    assert page.index("www.example.com") < page.index(grouped(certificate.serial_number))
    assert "in 24 months" in page


def test_the_page_of_a_certificate_tells_its_story(certificate: Certificate, desk: Client) -> None:
    page = desk.get(f"{LIST}{certificate.pk}/change/").content.decode()

    assert f"/admin/enrollment/enrollmentrequest/{certificate.request.pk}/change/" in page
    assert "server authentication" in page
    assert "DNS shop.example.com" in page
    assert "-----BEGIN CERTIFICATE-----" in page


@pytest.mark.parametrize(("encoding", "begin"), [("der", b"\x30"), ("pem", b"-----BEGIN C")])
def test_a_certificate_can_be_downloaded(
    encoding: str, begin: bytes, certificate: Certificate, desk: Client
) -> None:
    answer = desk.get(f"{LIST}{certificate.pk}/download/{encoding}/")

    assert answer.content.startswith(begin)
    assert answer["Content-Disposition"].startswith("attachment")


def test_the_chain_can_be_downloaded_nearest_first(certificate: Certificate, desk: Client) -> None:
    chain = desk.get(f"{LIST}{certificate.pk}/download/p7b/").content

    leaf, issuer = bytes(certificate.der), bytes(certificate.authority.der)
    assert 0 < chain.index(leaf) < chain.index(issuer)


def test_an_encoding_nobody_knows_is_not_found(certificate: Certificate, desk: Client) -> None:
    assert desk.get(f"{LIST}{certificate.pk}/download/jks/").status_code == 404


def test_every_name_of_the_list_comes_with_one_query(
    certificate: Certificate, desk: Client
) -> None:
    with CaptureQueriesContext(connection) as queries:
        desk.get(LIST)

    reads_names = [q for q in queries if f'FROM "{CertificateName._meta.db_table}"' in q["sql"]]  # noqa: SLF001 - Django's public spelling
    assert certificate.names.count() > 1
    assert len(reads_names) == 1
