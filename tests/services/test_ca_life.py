"""A CA that is renewed: what came before stays valid, and what comes after is valid, too."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from django.utils import timezone

from enrollment.ca import encode
from enrollment.services import authority, ca_life, delivery, directory, enroll, publication
from tests import make
from tests.services.acts import read
from tests.tools import require

if TYPE_CHECKING:
    from pathlib import Path

    from django.contrib.auth.models import User

    from enrollment.models import Authority, Certificate


def issue(user: User, name: str) -> Certificate:
    submission = enroll.Submission(
        make.request_pem(name), "CertificateTemplate:WebServer", directory.requester_of(user), "web"
    )
    row = enroll.enroll(submission, now=timezone.now())
    assert row.certificate is not None
    return row.certificate


def renew(*, new_key: bool) -> Authority:
    return ca_life.renew(new_key=new_key, actor="test", now=timezone.now())


def test_a_renewal_with_the_same_key_keeps_the_list_and_counts_the_certificate(
    alice: User,
) -> None:
    before = authority.current()

    row = renew(new_key=False)

    assert (row.index, row.key_index) == (1, 0)
    old, new = (authority.issuer_of(each).certificate for each in (before, row))
    assert new.public_key() == old.public_key()
    assert [each.index for each in publication.ca_keys()] == [1]


def test_a_renewed_certificate_names_the_one_before_it(alice: User) -> None:
    before = authority.current()

    row = renew(new_key=True)

    extensions = authority.issuer_of(row).certificate.extensions
    version, previous = (
        extensions.get_extension_for_oid(x509.ObjectIdentifier(f"1.3.6.1.4.1.311.21.{arc}"))
        for arc in (1, 2)
    )
    # ms-facts a.2: V1.1, renewed with a new key.
    assert version.value.public_bytes().hex() == "0203010001"
    assert previous.value.public_bytes().hex() == "0414" + encode.thumbprint(bytes(before.der))


def test_the_key_index_is_the_certificate_index_at_which_the_key_appeared(alice: User) -> None:
    """ms-facts a.2: new-key, same, same, same, new-key give V1.1, V2.1, V3.1, V4.1, V5.5."""
    rows = [renew(new_key=new) for new in (True, False, False, False, True)]

    assert [(row.index, row.key_index) for row in rows] == [(1, 1), (2, 1), (3, 1), (4, 1), (5, 5)]


def test_old_and_new_leaves_verify_each_below_its_own_certificate(
    alice: User, tmp_path: Path
) -> None:
    old_leaf = issue(alice, "old.example.com")
    renew(new_key=False)
    renew(new_key=True)
    new_leaf = issue(alice, "new.example.com")
    roots = tmp_path / "roots.pem"
    roots.write_text("".join(encode.pem(bytes(row.der)) for row in delivery.authorities()))

    for leaf in (old_leaf, new_leaf):
        file = tmp_path / "leaf.pem"
        file.write_text(encode.pem(bytes(leaf.der)))
        run = subprocess.run(
            [require("openssl"), "verify", "-CAfile", roots, file],
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr


def test_every_key_has_its_list_under_its_own_name(alice: User) -> None:
    renew(new_key=True)
    now = timezone.now()

    for name, index in (("Example Issuing CA.crl", 0), ("Example Issuing CA(1).crl", 1)):
        found = delivery.published_file(name, now=now)
        assert found is not None
        (key,) = [row for row in delivery.authorities() if row.index == index]
        listed = x509.load_der_x509_crl(read(found))
        public_key = authority.issuer_of(key).public_key
        assert listed.is_signature_valid(public_key)  # type: ignore[arg-type]  # a CA's key


def test_old_certificates_stay_downloadable(alice: User) -> None:
    first = bytes(authority.current().der)
    renew(new_key=True)

    assert delivery.ca_certificate(0) == first
    assert delivery.ca_certificate(None) != first
    found = delivery.published_file("localhost_Example Issuing CA(1).crt", now=timezone.now())
    assert found is not None
    assert read(found) == delivery.ca_certificate(1)


def test_a_ca_below_another_is_not_renewed_by_itself(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    below, _ = make.authority("ec:p256")
    leaf = x509.load_der_x509_certificate(bytes(issue(alice, "www.example.com").der))
    monkeypatch.setattr(authority, "issuer_of", lambda _row: type(below)(certificate=leaf))

    with pytest.raises(ca_life.RenewalRefused, match="signed by another CA"):
        renew(new_key=False)
