"""How long a key of the CA is needed: as long as something hangs on it, and for one list more."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp as pyca
from django.utils import timezone

from enrollment.ca.revocation import Act, Reason
from enrollment.models import Certificate, CertificateRevocationList, Responder
from enrollment.services import (
    authority,
    crl_rows,
    cross,
    key_use,
    ocsp,
    publication,
    responders,
    revocation,
)
from tests.services.generations import after, end_of_ca, issue, key_file, renew, root

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import User

    from tests.services.acts import Configure

MANAGER = revocation.Revoker("maria", may_revoke=True)
WEEK = timedelta(weeks=1)


def list_of(index: int, now: datetime, *, delta: bool = False) -> x509.CertificateRevocationList:
    octets = publication.current_crl(root(index), now=now, delta=delta)
    assert octets is not None
    return x509.load_der_x509_crl(octets)


def signing(now: datetime) -> list[int]:
    return [row.key_index for row in publication.signing_keys(now)]


def revoke(row: Certificate, now: datetime) -> revocation.Outcome:
    order = revocation.Order(Act.REVOKE, Reason.SUPERSEDED)
    return revocation.change_status([row], order, MANAGER, now=now)


# --- what hangs on a key ---


def test_what_was_issued_below_a_key_is_left_until_it_ends(alice: User) -> None:
    leaf = issue(alice)
    renew()

    assert key_use.left(0, timezone.now()) == key_use.Left(1, leaf.not_after)
    assert key_use.left(0, after(leaf)) == key_use.Left(0, None)


def test_a_revoked_certificate_is_left_since_a_list_must_name_it(alice: User) -> None:
    leaf = issue(alice)
    revoke(leaf, timezone.now())
    renew()

    assert key_use.left(0, timezone.now()).count == 1


def test_all_certificates_of_one_key_are_counted_together(alice: User) -> None:
    issue(alice, "a.example.com")
    renew(new_key=False)
    later = issue(alice, "b.example.com")
    renew()

    assert key_use.left(0, timezone.now()) == key_use.Left(2, later.not_after)
    assert key_use.left(2, timezone.now()) == key_use.Left(0, None)


def test_the_sites_own_responders_and_bridges_are_no_leaves(alice: User) -> None:
    """Each would keep an old key for ever: one is renewed, the other lives as long as the root."""
    renew()
    responders.ensure(root(1), timezone.now())
    below = Certificate.objects.filter(authority=root(1), not_after__gt=timezone.now())

    assert below.count() == 2
    assert key_use.left(1, timezone.now()) == key_use.Left(0, None)


def test_counting_ends_where_nobody_reads_further(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_use, "CEILING", 2)
    last = [issue(alice, f"{name}.example.com") for name in "abc"][-1]

    left = key_use.left(0, timezone.now())

    assert (left.count, left.is_capped, left.last_ends) == (2, True, last.not_after)


# --- the last list ---


def test_a_key_with_leaves_goes_on_signing_lists(alice: User) -> None:
    leaf = issue(alice)
    renew()
    now = leaf.not_after - timedelta(days=1)

    listed = list_of(0, now)

    assert signing(now) == [1, 0]
    assert listed.next_update_utc is not None
    assert listed.next_update_utc < now + WEEK + timedelta(days=1)


def test_after_the_last_leaf_one_list_is_made_that_lasts_as_long_as_the_ca(alice: User) -> None:
    leaf = issue(alice)
    renew()
    now = after(leaf)

    listed = list_of(0, now)

    assert listed.next_update_utc == end_of_ca(0)
    assert signing(now) == [1]
    assert list_of(0, now + 52 * WEEK) == listed


def test_the_last_list_promises_no_deltas_and_leaves_a_last_one(alice: User) -> None:
    leaf = issue(alice)
    renew()
    now = after(leaf)

    with pytest.raises(x509.ExtensionNotFound):
        list_of(0, now).extensions.get_extension_for_class(x509.FreshestCRL)
    delta = list_of(0, now, delta=True)

    assert delta.next_update_utc == end_of_ca(0)
    assert list_of(0, now + 52 * WEEK, delta=True) == delta


def test_a_certificate_that_was_revoked_and_ended_stands_on_the_last_list(alice: User) -> None:
    """RFC 5280 section 3.3: it "MUST appear on at least one regularly scheduled CRL"."""
    leaf = issue(alice)
    renew()
    list_of(0, leaf.not_after - timedelta(days=1))
    revoke(leaf, leaf.not_after - timedelta(hours=1))

    listed = list_of(0, after(leaf) + WEEK)

    assert listed.next_update_utc == end_of_ca(0)
    found = listed.get_revoked_certificate_by_serial_number(int(leaf.serial_number, 16))
    assert found is not None


@pytest.mark.parametrize("keep", ["yes", "no"])
def test_where_ended_certificates_stay_on_lists_the_last_one_keeps_them(
    keep: str, alice: User, configure: Configure
) -> None:
    configure(CERTSRV_KEEP_EXPIRED_ON_CRL=keep)
    early = issue(alice, "early.example.com")
    revoke(early, timezone.now())
    Certificate.objects.filter(pk=early.pk).update(not_after=timezone.now() + timedelta(days=30))
    leaf = issue(alice, "late.example.com")
    renew()
    list_of(0, timezone.now() + timedelta(days=60))

    listed = list_of(0, after(leaf))

    found = listed.get_revoked_certificate_by_serial_number(int(early.serial_number, 16))
    assert (found is not None) is (keep == "yes")


def test_a_key_that_rests_may_be_missing(alice: User) -> None:
    leaf = issue(alice)
    renew()
    now = after(leaf)
    list_of(0, now)
    key_file(0).unlink()

    publication.publish(now=now + WEEK, actor="maria")
    publication.keep_published(now + 2 * WEEK)

    assert list_of(0, now + 3 * WEEK).next_update_utc == end_of_ca(0)


def test_a_key_that_does_not_rest_may_not_be_missing(alice: User) -> None:
    issue(alice)
    renew()
    key_file(0).unlink()

    with pytest.raises(Exception, match="There is no private key"):
        publication.publish(now=timezone.now(), actor="maria")


def test_the_current_key_never_rests(alice: User) -> None:
    leaf = issue(alice)

    assert signing(after(leaf)) == [0]
    listed = list_of(0, after(leaf))
    assert listed.next_update_utc is not None
    assert listed.next_update_utc < end_of_ca(0)


def test_a_bridge_that_is_revoked_wakes_its_key_for_another_last_list(alice: User) -> None:
    leaf = issue(alice)
    renew()
    now = after(leaf)
    first = list_of(0, now)
    (row,) = [row for row in cross.finished() if str(row) == "(0-1)"]
    assert row.certificate is not None

    revoke(row.certificate, now + WEEK)

    second = list_of(0, now + WEEK)
    assert second != first
    assert second.get_revoked_certificate_by_serial_number(int(row.serial_number, 16)) is not None
    assert second.next_update_utc == end_of_ca(0)
    assert signing(now + WEEK) == [1]


def test_a_leaf_that_appears_after_the_last_list_wakes_its_key(alice: User) -> None:
    """What was committed before the roll-over may be signed after it."""
    renew()
    now = timezone.now()
    list_of(0, now)
    assert signing(now) == [1]
    leaf = issue(alice)
    Certificate.objects.filter(pk=leaf.pk).update(authority=root(0))

    assert signing(now) == [1, 0]
    publication.publish_due(now)

    newest = crl_rows.newest_list(0)
    assert newest is not None
    assert not newest.is_last


def test_partitions_have_their_last_list_too(alice: User, configure: Configure) -> None:
    configure(CERTSRV_CRL_PARTITIONS="2")
    leaf = issue(alice)
    renew()
    list_of(0, after(leaf))

    lists = CertificateRevocationList.objects.filter(
        authority=root(0), next_update=end_of_ca(0), is_delta=False
    )
    assert sorted(row.partition for row in lists) == [0, 1, 2]


# --- OCSP ---


def ask(leaf: Certificate, index: int, now: datetime) -> pyca.OCSPResponse:
    certificate = x509.load_der_x509_certificate(bytes(leaf.der))
    issuer = authority.issuer_of(root(index)).certificate
    builder = pyca.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA256())
    request = builder.build().public_bytes(Encoding.DER)
    return pyca.load_der_ocsp_response(ocsp.respond(request, now=now).der)


def test_a_key_with_leaves_answers_by_a_responder_of_its_own(alice: User) -> None:
    leaf = issue(alice)
    renew()

    answer = ask(leaf, 0, timezone.now())

    assert answer.certificate_status is pyca.OCSPCertStatus.GOOD


def test_a_key_that_rests_gets_no_responder_and_says_that_it_cannot_tell(alice: User) -> None:
    leaf = issue(alice)
    renew()
    now = after(leaf)
    list_of(0, now)

    responders.ensure_all(now)
    answer = ask(leaf, 0, now)

    assert answer.response_status is pyca.OCSPResponseStatus.UNAUTHORIZED
    assert not Responder.objects.filter(authority__key_index=0).exists()


def test_a_responder_that_is_still_good_goes_on_answering(alice: User) -> None:
    leaf = issue(alice)
    renew()
    shortly_before = leaf.not_after - timedelta(days=3)
    responders.ensure(root(0), shortly_before)
    now = after(leaf)
    list_of(0, now)

    assert ask(leaf, 0, now).certificate_status is pyca.OCSPCertStatus.GOOD
