"""A certificate of ours renews itself; nothing else does."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from enrollment.ca import hresult
from enrollment.ca.disposition import Disposition
from enrollment.ca.encode import pem
from enrollment.models import Certificate, EnrollmentRequest
from tests import make, messages, renewals
from tests.services.acts import change_template, issued, submit
from tests.services.strangers import certificate_of_a_strange_ca

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography import x509

    from enrollment.ca.policy import Requester
    from tests.services.acts import Configure

FORMS = [
    pytest.param(renewals.windows_renewal, id="Windows"),
    pytest.param(renewals.openssl_cms_renewal, id="openssl cms"),
]


@pytest.fixture
def old(requester: Requester) -> Certificate:
    """What Alice's web server has had for a year."""
    row = submit(requester, kind="rsa:2048", dns=["www.example.com"])
    assert row.certificate is not None
    return Certificate.objects.get(pk=row.certificate.pk)


def certificate_of(row: Certificate) -> x509.Certificate:
    return issued(EnrollmentRequest.objects.get(certificate=row))


def renewal_of(row: Certificate, form: Callable[..., bytes], **options: Any) -> bytes:
    """Sign a renewal with the old certificate, by default with its names and a new key."""
    wanted = {"san": ["www.example.com"], **options}
    return form(certificate_of(row), make.key(), make.key("rsa:2048", 2), **wanted)


@pytest.mark.parametrize("form", FORMS)
def test_a_renewal_signed_by_the_old_certificate_is_issued_and_linked_to_it(
    requester: Requester, old: Certificate, form: Callable[..., bytes]
) -> None:
    row = submit(requester, raw=renewal_of(old, form))

    assert row.state is Disposition.ISSUED, row.detail
    assert EnrollmentRequest.objects.get(pk=row.pk).renews == old
    assert issued(row).subject == certificate_of(old).subject
    assert issued(row).public_key() == make.key("rsa:2048", 2).public_key()


def test_a_renewal_may_name_its_template_itself(requester: Requester, old: Certificate) -> None:
    raw = renewal_of(old, renewals.windows_renewal, template="WebServer")

    assert submit(requester, raw=raw, template="").state is Disposition.ISSUED


def test_a_renewal_comes_in_iis_armor_too(requester: Requester, old: Certificate) -> None:
    raw = renewals.pem(renewal_of(old, renewals.windows_renewal))

    assert submit(requester, raw=raw).state is Disposition.ISSUED


def test_a_renewal_waits_where_the_template_says_so(requester: Requester, old: Certificate) -> None:
    change_template("WebServer", approval="always")

    row = submit(requester, raw=renewal_of(old, renewals.windows_renewal))

    assert row.state is Disposition.UNDER_SUBMISSION
    assert row.renews == old


# --- what is refused, beside what is accepted ---


@pytest.mark.parametrize("form", FORMS)
def test_a_certificate_that_we_did_not_issue_renews_nothing(
    requester: Requester, form: Callable[..., bytes]
) -> None:
    raw = form(certificate_of_a_strange_ca("www.example.com"), make.key(), make.key("rsa:2048", 2))

    row = submit(requester, raw=raw)

    assert row.state is Disposition.DENIED
    assert row.status_code == hresult.UNTRUSTED_ROOT
    assert row.disposition_message.startswith("Error Verifying Request Signature or Signing")


@pytest.mark.parametrize("form", FORMS)
def test_a_revoked_certificate_renews_nothing(
    requester: Requester, old: Certificate, form: Callable[..., bytes]
) -> None:
    Certificate.objects.filter(pk=old.pk).update(revoked_at=timezone.now())

    row = submit(requester, raw=renewal_of(old, form))

    assert row.status_code == hresult.CERT_REVOKED
    assert row.renews is None


@pytest.mark.parametrize("form", FORMS)
def test_an_expired_certificate_renews_nothing(
    requester: Requester, old: Certificate, form: Callable[..., bytes]
) -> None:
    later = old.not_after + timedelta(days=1)

    row = submit(requester, raw=renewal_of(old, form), now=later)

    assert row.status_code == hresult.CERT_EXPIRED
    assert "ended on" in row.detail


def test_a_site_may_give_expired_certificates_some_days(
    requester: Requester, old: Certificate, configure: Configure
) -> None:
    configure(CERTSRV_RENEWAL_GRACE_DAYS="2")
    raw = renewal_of(old, renewals.windows_renewal)

    within = submit(requester, raw=raw, now=old.not_after + timedelta(days=1))
    beyond = submit(requester, raw=raw, now=old.not_after + timedelta(days=3))

    assert within.state is Disposition.ISSUED
    assert beyond.status_code == hresult.CERT_EXPIRED


@pytest.mark.parametrize("form", FORMS)
def test_somebody_elses_certificate_renews_nothing(
    stranger: Requester, old: Certificate, form: Callable[..., bytes]
) -> None:
    row = submit(stranger, raw=renewal_of(old, form))

    assert row.state is Disposition.DENIED
    assert row.status_code == hresult.BAD_RENEWAL_SUBJECT


@pytest.mark.parametrize("form", FORMS)
def test_a_renewal_cannot_gain_names(
    requester: Requester, old: Certificate, form: Callable[..., bytes]
) -> None:
    raw = renewal_of(old, form, san=["www.example.com", "mail.example.com"])

    row = submit(requester, raw=raw)

    assert row.status_code == hresult.BAD_RENEWAL_SUBJECT
    assert "mail.example.com" in row.detail


def test_a_renewal_cannot_take_another_common_name(requester: Requester, old: Certificate) -> None:
    raw = renewal_of(
        old, renewals.windows_renewal, subject=messages.common_name("mail.example.com")
    )

    assert submit(requester, raw=raw).status_code == hresult.BAD_RENEWAL_SUBJECT


@pytest.mark.parametrize("form", FORMS)
def test_a_renewal_that_was_changed_on_its_way_is_refused(
    requester: Requester, old: Certificate, form: Callable[..., bytes]
) -> None:
    octets = bytearray(renewal_of(old, form))
    octets[-1] ^= 1

    row = submit(requester, raw=bytes(octets))

    assert row.state is Disposition.DENIED
    assert row.status_code == hresult.NTE_BAD_SIGNATURE


def test_a_renewal_signed_by_another_key_than_the_old_one_is_refused(
    requester: Requester, old: Certificate
) -> None:
    raw = renewals.windows_renewal(
        certificate_of(old), make.key("rsa:2048", 3), make.key("rsa:2048", 2)
    )

    assert submit(requester, raw=raw).status_code == hresult.NTE_BAD_SIGNATURE


def test_a_template_that_keeps_keys_refuses_a_renewal_with_a_new_one(
    requester: Requester, old: Certificate
) -> None:
    change_template("WebServer", same_key_renewal=True)
    certificate = certificate_of(old)

    other = submit(requester, raw=renewal_of(old, renewals.windows_renewal))
    same = submit(
        requester,
        raw=renewals.windows_renewal(certificate, make.key(), make.key(), san=["www.example.com"]),
    )

    assert other.status_code == hresult.RENEWAL_BAD_PUBLIC_KEY
    assert same.state is Disposition.ISSUED, same.detail


# --- the article's form: a plain PKCS #10 with the old key and subject ---


def test_a_plain_request_with_the_old_key_and_subject_is_linked_to_the_old_certificate(
    requester: Requester, old: Certificate
) -> None:
    row = submit(requester, kind="rsa:2048", dns=["www.example.com"])

    assert row.state is Disposition.ISSUED
    assert EnrollmentRequest.objects.get(pk=row.pk).renews == old


def test_the_link_is_to_the_newest_of_several(requester: Requester, old: Certificate) -> None:
    second = submit(requester, kind="rsa:2048")

    third = submit(requester, kind="rsa:2048")

    assert third.renews == second.certificate != old


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"number": 2}, id="another key"),
        pytest.param({"common_name": "mail.example.com"}, id="another subject"),
    ],
)
def test_a_plain_request_that_differs_is_a_new_one(
    requester: Requester, old: Certificate, other: dict[str, Any]
) -> None:
    row = submit(requester, **{"kind": "rsa:2048", **other})

    assert row.renews is None
    assert row.state is Disposition.ISSUED


def test_a_strangers_plain_request_is_not_linked_to_my_certificate(
    stranger: Requester, old: Certificate
) -> None:
    assert submit(stranger, kind="rsa:2048").renews is None


def test_the_link_gives_no_rights(requester: Requester, old: Certificate) -> None:
    """ms-facts b.1: a plain PKCS #10 proves nothing about the old certificate."""
    change_template("WebServer", approval="always")

    row = submit(requester, kind="rsa:2048")

    assert row.renews == old
    assert row.state is Disposition.UNDER_SUBMISSION


def test_an_old_certificate_in_pem_alone_is_no_renewal(
    requester: Requester, old: Certificate
) -> None:
    row = submit(requester, raw=pem(bytes(old.der)).encode())

    assert row.state is Disposition.DENIED
    assert "certificate" in row.detail
