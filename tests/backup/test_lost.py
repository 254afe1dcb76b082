"""A certificate that nobody can show is revoked by its number, whoever asks."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp as asking
from django.utils import timezone

from enrollment.ca.revocation import Reason, Status
from enrollment.models import CertificateRevocationList
from enrollment.services import authority, crl_rows, lost, ocsp, publication
from tests.services.acts import issued, submit

if TYPE_CHECKING:
    from enrollment.ca.policy import Requester
    from enrollment.services.setup import SetupReport
    from tests.services.acts import Configure

NUMBER = 0x1234ABCD


def lose(number: int = NUMBER, reason: Reason = Reason.SUPERSEDED) -> bool:
    now = timezone.now()
    status = Status(now.replace(microsecond=0), reason)
    return lost.revoke(authority.current(), number, status, actor="shell:root", now=now)


def entries(**which: object) -> dict[int, x509.RevokedCertificate]:
    row = CertificateRevocationList.objects.exclude(sha256="").filter(**which).first()
    assert row is not None
    der = crl_rows.octets_of(row)
    assert der is not None
    return {entry.serial_number: entry for entry in x509.load_der_x509_crl(der)}


def asked(number: int) -> asking.OCSPResponse:
    issuer = authority.issuer_of(authority.current())
    name, key = (
        hashes.Hash(hashes.SHA1()),  # noqa: S303 - what OCSP clients use
        x509.SubjectKeyIdentifier.from_public_key(issuer.public_key).digest,
    )
    name.update(issuer.name_der)
    builder = asking.OCSPRequestBuilder()
    built = builder.add_certificate_by_hash(name.finalize(), key, number, hashes.SHA1()).build()  # noqa: S303 - as above
    from cryptography.hazmat.primitives.serialization import Encoding

    answer = ocsp.respond(built.public_bytes(Encoding.DER), now=timezone.now())
    return asking.load_der_ocsp_response(answer.der)


def test_it_stands_on_the_next_list_and_on_the_next_delta(site: SetupReport) -> None:
    lose()
    publication.publish(now=timezone.now(), actor="maria")

    assert set(entries(is_delta=False)) == {NUMBER}
    assert set(entries(is_delta=True)) == {NUMBER}
    reason = entries(is_delta=False)[NUMBER].extensions.get_extension_for_class(x509.CRLReason)
    assert reason.value.reason is x509.ReasonFlags.superseded


def test_a_delta_names_it_only_until_a_base_list_does(site: SetupReport) -> None:
    """As with every other change of status."""
    lose()
    now = timezone.now()
    publication.publish(now=now, actor="maria")
    publication.publish(now=now + timedelta(days=5), actor="maria")

    assert set(entries(is_delta=False)) == {NUMBER}
    assert set(entries(is_delta=True)) == set()


def test_it_stands_on_the_list_of_its_partition(site: SetupReport, configure: Configure) -> None:
    configure(CERTSRV_CRL_PARTITIONS="3")
    lose()
    publication.publish(now=timezone.now(), actor="maria")

    found = [NUMBER in entries(is_delta=False, partition=part) for part in range(4)]
    assert found == [True, *(part == 1 + NUMBER % 3 for part in (1, 2, 3))]


def test_ocsp_says_that_it_is_revoked(site: SetupReport) -> None:
    before = asked(NUMBER).certificate_status

    lose()

    assert before is asking.OCSPCertStatus.UNKNOWN
    assert asked(NUMBER).certificate_status is asking.OCSPCertStatus.REVOKED
    assert asked(NUMBER).revocation_reason is x509.ReasonFlags.superseded
    assert asked(NUMBER + 1).certificate_status is asking.OCSPCertStatus.UNKNOWN


def test_it_is_revoked_once(site: SetupReport) -> None:
    assert lose()
    assert not lose(reason=Reason.KEY_COMPROMISE)


def test_a_certificate_that_the_database_holds_is_not_lost(
    site: SetupReport, requester: Requester
) -> None:
    assert not lose(issued(submit(requester)).serial_number)


@pytest.mark.parametrize("status", [Status()])
def test_a_certificate_that_is_good_is_not_revoked(site: SetupReport, status: Status) -> None:
    assert not lost.revoke(
        authority.current(), NUMBER, status, actor="shell:root", now=timezone.now()
    )
