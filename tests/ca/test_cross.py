"""Cross certificates: each key of a root vouches for the other, and for no longer than it lives."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from enrollment.ca import content, cross, errors, root
from enrollment.ca.issuance import sign_content
from enrollment.ca.issuer import Issuer
from enrollment.ca.lint import Finding, Severity
from enrollment.keys import FileSigner
from tests import make

YEAR = timedelta(days=365)
SIGNERS = {index: FileSigner(make.key("ec:p256", 60 + index)) for index in (0, 2)}


def generation(index: int, *, years: int = 10, begins: timedelta = timedelta(0)) -> Issuer:
    """Return the root certificate of one generation of a CA, with the addresses below it."""
    octets = root.self_signed(
        "Example Issuing CA",
        SIGNERS[index],
        serial_number=7 + index,
        now=make.NOW + begins,
        backdate=timedelta(minutes=10),
        lifetime=years * YEAR,
        is_enterprise=True,
        generation=root.Generation(index, index, b"before" if index else None),
    )
    return Issuer(
        x509.load_der_x509_certificate(octets),
        index=index,
        key_index=index,
        crl_addresses=(f"http://ca.example.com/CertEnroll/CA({index}).crl",),
        certificate_addresses=(f"http://ca.example.com/CertEnroll/CA({index}).crt",),
        ocsp_addresses=("http://ca.example.com/ocsp",),
    )


def certify(signer: Issuer, target: Issuer, *, is_enterprise: bool = True) -> x509.Certificate:
    composed = cross.compose(
        signer,
        target,
        serial_number=99,
        now=make.NOW,
        backdate=timedelta(minutes=10),
        is_enterprise=is_enterprise,
    )
    octets = sign_content(composed.tbs, signer, SIGNERS[signer.index])
    return x509.load_der_x509_certificate(octets)


def test_the_old_key_vouches_for_the_new_one() -> None:
    """MS-WCCE: key identifier of the issuer is the old key's, of the subject the new key's."""
    old, new = generation(0), generation(2)

    certificate = certify(old, new)

    certificate.verify_directly_issued_by(old.certificate)
    assert certificate.public_key() == new.public_key
    extensions = certificate.extensions
    subject = extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    authority = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert subject.digest == new.key_identifier
    assert authority.key_identifier == old.key_identifier


def test_the_new_key_vouches_for_the_old_one() -> None:
    old, new = generation(0), generation(2)

    certificate = certify(new, old)

    certificate.verify_directly_issued_by(new.certificate)
    assert certificate.public_key() == old.public_key
    assert certificate.subject == certificate.issuer == old.certificate.subject


def test_a_cross_certificate_may_do_what_a_root_may() -> None:
    extensions = certify(generation(0), generation(2)).extensions

    usage = extensions.get_extension_for_class(x509.KeyUsage)
    constraints = extensions.get_extension_for_class(x509.BasicConstraints)
    assert usage.critical
    assert usage.value.key_cert_sign
    assert usage.value.crl_sign
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=None)


@pytest.mark.parametrize(
    ("signer", "target", "value"),
    [
        pytest.param(0, 2, "020100", id="signed by V0.0"),
        pytest.param(2, 0, "0203020002", id="signed by V2.2"),
    ],
)
def test_the_cross_ca_version_is_that_of_the_signer(signer: int, target: int, value: str) -> None:
    extensions = certify(generation(signer), generation(target)).extensions

    oid = x509.ObjectIdentifier(content.CROSS_CA_VERSION)
    assert extensions.get_extension_for_oid(oid).value.public_bytes().hex() == value


def test_it_is_checked_by_the_list_of_its_signer_and_by_no_responder() -> None:
    """The list of an old key can be the last one; a responder would need the key for ever."""
    extensions = certify(generation(0), generation(2)).extensions

    (point,) = extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    access = extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    assert point.full_name is not None
    assert [name.value for name in point.full_name] == [
        "http://ca.example.com/CertEnroll/CA(0).crl"
    ]
    assert [entry.access_method for entry in access] == [AuthorityInformationAccessOID.CA_ISSUERS]
    assert access[0].access_location.value == "http://ca.example.com/CertEnroll/CA(0).crt"


def test_it_outlives_neither_root_and_begins_before_neither() -> None:
    old = generation(0, years=3, begins=-YEAR)
    new = generation(2, years=10)

    for certificate in (certify(old, new), certify(new, old)):
        assert certificate.not_valid_after_utc == old.not_after
        assert certificate.not_valid_before_utc == new.not_before


def test_roots_that_share_no_time_need_no_bridge() -> None:
    with pytest.raises(errors.IssuerEnding, match="no time left"):
        certify(generation(0, years=1, begins=-2 * YEAR), generation(2))


def test_a_stand_alone_ca_names_no_template() -> None:
    found = {
        is_enterprise: {
            extension.oid.dotted_string
            for extension in certify(
                generation(0), generation(2), is_enterprise=is_enterprise
            ).extensions
        }
        for is_enterprise in (True, False)
    }

    assert found[True] - found[False] == {content.TEMPLATE_NAME}


def test_what_would_break_a_rule_is_refused_before_the_key_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    finding = Finding(Severity.ERROR, "pkix.bad", "the address is wrong")
    monkeypatch.setattr(cross, "lint", lambda _tbs, _algorithm: (finding,))

    with pytest.raises(errors.LintRefused, match="the address is wrong"):
        certify(generation(0), generation(2))
