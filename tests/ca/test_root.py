"""The CA's own certificate."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509

from enrollment.ca import content, errors, root
from enrollment.ca.lint import Finding, Severity
from enrollment.keys import FileSigner
from tests import make

YEAR = timedelta(days=365)


def make_root(name: str = "Example Issuing CA", *, is_enterprise: bool = True) -> x509.Certificate:
    octets = root.self_signed(
        name,
        FileSigner(make.key("ec:p256")),
        serial_number=7,
        now=make.NOW,
        backdate=timedelta(minutes=10),
        lifetime=10 * YEAR,
        is_enterprise=is_enterprise,
    )
    return x509.load_der_x509_certificate(octets)


def order(certificate: x509.Certificate) -> list[str]:
    return [extension.oid.dotted_string for extension in certificate.extensions]


def test_a_root_is_its_own_issuer_and_verifies_itself() -> None:
    certificate = make_root()

    assert certificate.subject == certificate.issuer
    certificate.verify_directly_issued_by(certificate)


def test_an_enterprise_root_has_the_extensions_of_one_in_their_order() -> None:
    """ms-facts d.5: `.20.2` CA, KU!, basicConstraints!, SKI, `.21.1`."""
    certificate = make_root()

    assert order(certificate) == [
        content.TEMPLATE_NAME, "2.5.29.15", "2.5.29.19", "2.5.29.14", content.CA_VERSION,
    ]  # fmt: skip
    assert [item.critical for item in certificate.extensions] == [False, True, True, False, False]


def test_a_stand_alone_root_names_no_template() -> None:
    """ms-facts d.5: no AKI, no CDP, no AIA either."""
    assert order(make_root(is_enterprise=False)) == [
        "2.5.29.15", "2.5.29.19", "2.5.29.14", content.CA_VERSION,
    ]  # fmt: skip


def test_a_new_ca_is_version_zero_dot_zero() -> None:
    found = make_root().extensions.get_extension_for_oid(x509.ObjectIdentifier(content.CA_VERSION))

    assert found.value.public_bytes().hex() == "020100"


def test_a_root_may_sign_certificates_and_lists_and_nothing_limits_the_path() -> None:
    certificate = make_root()

    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert usage.key_cert_sign
    assert usage.crl_sign
    assert constraints == x509.BasicConstraints(ca=True, path_length=None)


def test_a_root_lives_from_a_little_before_now() -> None:
    certificate = make_root()

    assert certificate.not_valid_before_utc == make.NOW - timedelta(minutes=10)
    assert certificate.not_valid_after_utc == make.NOW + 10 * YEAR


def test_a_root_that_would_break_a_rule_is_refused_with_the_setting_to_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    finding = Finding(Severity.ERROR, "pkix.bad_name", "the name is wrong")
    monkeypatch.setattr(root, "lint", lambda _tbs, _algorithm: (finding,))

    with pytest.raises(errors.LintRefused, match="the name is wrong") as caught:
        make_root()

    assert "CERTSRV_CA_NAME" in caught.value.remedy


def test_a_name_of_64_characters_is_taken() -> None:
    """RFC 5280 appendix A, ub-common-name."""
    assert "x" * 64 in make_root("x" * 64).subject.rfc4514_string()
