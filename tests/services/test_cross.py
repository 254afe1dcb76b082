"""When a root gets a new key, old and new vouch for each other: once each, recorded, revocable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from django.utils import timezone

from enrollment.ca.issuer import IssuanceFault
from enrollment.ca.revocation import Act, Reason
from enrollment.models import AuditEvent, Authority, Certificate, CrossCertificate
from enrollment.services import authority, ca_life, cross, delivery, publication, revocation
from tests.services.acts import read
from tests.services.generations import issue, key_file, renew, root

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from enrollment.services.setup import SetupReport
    from tests.services.acts import Configure

MANAGER = revocation.Revoker("maria", may_revoke=True)


def names() -> list[str]:
    return [str(row) for row in cross.finished()]


def loaded(name: str) -> x509.Certificate:
    (row,) = [row for row in cross.finished() if str(row) == name]
    assert row.certificate is not None
    return x509.load_der_x509_certificate(bytes(row.certificate.der))


def test_a_renewal_with_a_new_key_bridges_both_ways(site: SetupReport) -> None:
    renew()

    assert names() == ["(0-1)", "(1-0)"]
    old, new = (authority.issuer_of(root(index)).certificate for index in (0, 1))
    loaded("(0-1)").verify_directly_issued_by(old)
    loaded("(1-0)").verify_directly_issued_by(new)
    assert loaded("(0-1)").public_key() == new.public_key()
    assert loaded("(1-0)").public_key() == old.public_key()


def test_a_renewal_with_the_same_key_needs_no_bridge(site: SetupReport) -> None:
    renew(new_key=False)

    assert names() == []


def test_each_change_of_key_has_its_own_bridge(site: SetupReport) -> None:
    """MS-WCCE 3.2.1.1.2: between neighbors with different keys, and between no others."""
    for new_key in (False, True, False, True):
        renew(new_key=new_key)

    assert names() == ["(1-2)", "(2-1)", "(3-4)", "(4-3)"]


def test_a_bridge_is_told_before_and_after_it_is_signed(site: SetupReport) -> None:
    renew()

    told = AuditEvent.objects.filter(verb__contains="cross certificate").order_by("pk")
    assert [(event.verb, event.subject) for event in told] == [
        ("signing cross certificate", "ca 1"),
        ("cross certificate signed", "ca 1"),
        ("signing cross certificate", "ca 0"),
        ("cross certificate signed", "ca 0"),
    ]
    assert {event.detail["serial_number"] for event in told} == {
        row.serial_number for row in CrossCertificate.objects.all()
    }


def test_a_crash_at_the_signature_is_finished_with_the_same_content(
    site: SetupReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bytes:
        raise IssuanceFault("the machine stopped here")

    with monkeypatch.context() as broken:
        broken.setattr(cross, "sign_content", fail)
        with pytest.raises(ca_life.RenewalUnfinished, match=r"ca cross"):
            renew()
    written = {row.serial_number for row in CrossCertificate.objects.all()}
    assert len(written) == 2
    assert names() == []

    made = cross.make_missing(timezone.now(), actor="test")

    assert {row.serial_number for row in made.signed} == written
    assert {f"{loaded(name).serial_number:x}" for name in names()} == written


def test_a_second_call_makes_nothing(site: SetupReport) -> None:
    renew()

    made = cross.make_missing(timezone.now(), actor="test")

    assert made == cross.Made((), ())
    assert CrossCertificate.objects.count() == 2


def test_a_lost_old_key_does_not_keep_the_new_one_from_vouching(site: SetupReport) -> None:
    """The new key needs the old public key only."""
    key_file(0).rename(key_file(0).with_suffix(".away"))

    with pytest.raises(ca_life.RenewalUnfinished, match=r"Cross certificate \(0-1\): There is no"):
        renew()

    assert names() == ["(1-0)"]
    key_file(0).with_suffix(".away").rename(key_file(0))


def test_a_site_that_wants_none_makes_none_and_misses_none(
    site: SetupReport, configure: Configure
) -> None:
    configure(CERTSRV_CROSS_CERTIFICATES="no")
    renew()

    assert names() == []
    assert cross.missing(timezone.now()) == []
    with pytest.raises(cross.CrossesOff, match="CERTSRV_CROSS_CERTIFICATES"):
        cross.make_missing(timezone.now(), actor="test")


def test_a_bridge_is_served_under_microsofts_name_in_any_case(site: SetupReport) -> None:
    renew()
    now = timezone.now()

    for name in ("localhost_Example Issuing CA(0-1).crt", "LOCALHOST_example issuing ca(0-1).CRT"):
        found = delivery.published_file(name, now=now)
        assert found is not None
        assert x509.load_der_x509_certificate(read(found)) == loaded("(0-1)")
    assert delivery.published_file("localhost_Example Issuing CA(0-2).crt", now=now) is None


def test_a_bridge_can_be_revoked_and_the_list_of_its_signer_says_so(
    site: SetupReport, alice: User
) -> None:
    """A stolen old key is cut off from those who trust the new one by revoking (1-0)."""
    issue(alice)
    renew()
    (row,) = [row for row in cross.finished() if str(row) == "(1-0)"]
    assert row.certificate is not None
    order = revocation.Order(Act.REVOKE, Reason.CA_COMPROMISE)

    outcome = revocation.change_status([row.certificate], order, MANAGER, now=timezone.now())

    assert outcome.crl_number is not None
    octets = publication.current_crl(root(1), now=timezone.now())
    assert octets is not None
    listed = x509.load_der_x509_crl(octets)
    found = listed.get_revoked_certificate_by_serial_number(int(row.serial_number, 16))
    assert found is not None
    # It is not made anew behind the back of who revoked it.
    assert cross.missing(timezone.now()) == []


def test_a_bridge_is_no_certificate_of_a_person(site: SetupReport) -> None:
    renew()

    rows = Certificate.objects.filter(cross__isnull=False)
    assert {(row.requester, row.template_name) for row in rows} == {("site", "CrossCA")}
    assert not any(row.names.exists() for row in rows)


def test_a_subordinate_ca_makes_no_bridges(
    site: SetupReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its certificates come from the CA above, which vouches for each of its keys."""
    renew()
    CrossCertificate.objects.all().delete()
    monkeypatch.setattr(authority, "is_root", lambda row: row.index == 1)

    assert Authority.objects.count() == 2
    assert cross.missing(timezone.now()) == []
