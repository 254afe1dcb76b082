"""Who may fetch what, by which id."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.utils import timezone

from enrollment.models import Authority, Certificate
from enrollment.services import authority, delivery
from enrollment.services.directory import ANONYMOUS
from tests import make
from tests.services.acts import approve, change_template, submit, submit_waiting

if TYPE_CHECKING:
    from enrollment.ca.policy import Requester
    from enrollment.services.setup import SetupReport
    from tests.services.acts import Configure


# --- requests ---


def test_ones_own_request_is_found_whatever_became_of_it(requester: Requester) -> None:
    rows = [submit(requester), submit_waiting(requester), submit(requester, raw=b"rubbish")]

    assert [delivery.find(row.pk, requester) for row in rows] == rows


def test_requests_of_others_look_as_if_they_did_not_exist(
    requester: Requester, stranger: Requester
) -> None:
    rows = [submit(requester), submit_waiting(requester)]

    assert [delivery.find(row.pk, stranger) for row in rows] == [None, None]
    assert [delivery.find(row.pk, ANONYMOUS) for row in rows] == [None, None]


@pytest.mark.parametrize("request_id", [0, -1, 2**63, 10**30])
def test_an_impossible_id_is_simply_not_found(requester: Requester, request_id: int) -> None:
    assert delivery.find(request_id, requester) is None


def test_a_namesake_with_another_account_is_somebody_else(requester: Requester) -> None:
    """Who is given the name of an account that was deleted does not inherit its requests."""
    row = submit(requester)

    assert delivery.find(row.pk, replace(requester, account_id=999_999)) is None


@pytest.mark.parametrize(
    ("setting", "seen_by"),
    [("own", set()), ("signed-in", {"charlie"}), ("anyone", {"charlie", "anonymous"})],
)
def test_issued_certificates_are_visible_as_far_as_the_site_says(
    requester: Requester, stranger: Requester, configure: Configure, setting: str, seen_by: set[str]
) -> None:
    configure(CERTSRV_CERTIFICATES_VISIBLE_TO=setting)
    row = submit(requester)

    seen = {one.name for one in (stranger, ANONYMOUS) if delivery.find(row.pk, one) is not None}

    assert seen == seen_by


@pytest.mark.parametrize("setting", ["own", "signed-in", "anyone"])
def test_what_waits_or_was_denied_is_never_shown_to_others(
    requester: Requester, stranger: Requester, configure: Configure, setting: str
) -> None:
    configure(CERTSRV_CERTIFICATES_VISIBLE_TO=setting)
    rows = [submit_waiting(requester), submit(requester, raw=b"rubbish")]

    assert [delivery.find(row.pk, stranger) for row in rows] == [None, None]


def test_ones_requests_are_listed_newest_first_and_only_ones_own(
    requester: Requester, stranger: Requester
) -> None:
    first = submit(requester)
    submit(stranger)
    second = submit_waiting(requester)

    assert list(delivery.requests_of(requester)) == [second, first]
    assert list(delivery.pending_of(requester)) == [second]


def test_a_revoked_certificate_can_still_be_fetched(requester: Requester) -> None:
    row = submit(requester)
    Certificate.objects.update(revoked_at=timezone.now())

    found = delivery.find(row.pk, requester)

    assert found is not None
    assert delivery.is_issued(found)


def test_a_waiting_request_has_nothing_to_fetch_until_it_is_approved(
    requester: Requester,
) -> None:
    row = submit_waiting(requester)
    before = delivery.find(row.pk, requester)
    approve(row)
    after = delivery.find(row.pk, requester)

    assert before is not None
    assert after is not None
    assert not delivery.is_issued(before)
    assert delivery.is_issued(after)


# --- certificates of the CA ---


def test_a_chain_begins_with_the_certificate_and_ends_with_the_root(
    requester: Requester,
) -> None:
    certificate = submit(requester).certificate
    assert certificate is not None

    leaf, root = (x509.load_der_x509_certificate(der) for der in delivery.chain_of(certificate))

    leaf.verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)


def test_everything_above_a_subordinate_ca_is_in_its_chain(site: SetupReport) -> None:
    above, _ = make.authority()
    pem = above.certificate.public_bytes(Encoding.PEM).decode()
    Authority.objects.update(chain=pem)

    assert delivery.ca_chain(None) == [bytes(site.authority.der), above.der]


@pytest.mark.parametrize("renewal", [None, -1, 7, 10**30])
def test_the_newest_ca_certificate_is_given_for_anything_that_is_no_index(
    site: SetupReport, renewal: int | None
) -> None:
    """An old client counts from one: contract section 1.8."""
    assert delivery.ca_certificate(renewal) == bytes(site.authority.der)


def test_an_earlier_ca_certificate_is_found_by_its_index(site: SetupReport) -> None:
    newer = Authority.objects.get()
    newer.pk, newer.index = None, 1
    newer.save(force_insert=True)

    assert delivery.ca(0) == site.authority
    assert delivery.ca(1) == delivery.ca(None) == newer
    assert delivery.authorities() == [newer, site.authority]


# --- published files ---


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("localhost_Example Issuing CA.crt", "crt"),
        ("LOCALHOST_example issuing ca.CRT", "crt"),
        ("Example Issuing CA.crl", "crl"),
        ("example issuing ca+.crl", "crl"),
    ],
)
def test_published_files_are_found_in_any_case(site: SetupReport, name: str, kind: str) -> None:
    found = delivery.published_file(name, now=timezone.now())

    assert found is not None
    assert found.kind == kind


@pytest.mark.parametrize("name", ["", "../db.sqlite3", "Example Issuing CA(1).crl", "CA.pfx"])
def test_no_other_file_is_served(site: SetupReport, name: str) -> None:
    assert delivery.published_file(name, now=timezone.now()) is None


def test_a_delta_is_not_found_where_deltas_are_off(site: SetupReport, configure: Configure) -> None:
    configure(CERTSRV_DELTA_PERIOD_HOURS="0")

    assert delivery.published_file("Example Issuing CA+.crl", now=timezone.now()) is None
    assert delivery.crl(None, now=timezone.now(), delta=True) is None


def test_the_addresses_in_a_certificate_lead_to_files_that_exist(requester: Requester) -> None:
    """What the certificate promises, the site serves."""
    change_template("WebServer", approval="none")
    submit(requester)
    issuer = authority.issuer_of(authority.current())

    for url in (*issuer.crl_addresses, *issuer.certificate_addresses):
        name = unquote(url.rpartition("/CertEnroll/")[2])
        assert delivery.published_file(name, now=timezone.now()) is not None, url
