"""The extensions of a certificate: which, in which order, octet by octet."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from enrollment.ca import content, der
from enrollment.ca.issuance import Issuer
from enrollment.ca.template import (
    CLIENT_AUTHENTICATION,
    SERVER_AUTHENTICATION,
)
from tests import make
from tests.ca.issuing import issue, order, value

KEY_USAGE = "2.5.29.15"
EKU = "2.5.29.37"
SKI = "2.5.29.14"
AKI = "2.5.29.35"
CDP = "2.5.29.31"
AIA = "1.3.6.1.5.5.7.1.1"
SAN = "2.5.29.17"
BASIC_CONSTRAINTS = "2.5.29.19"
OCSP_NO_CHECK = "1.3.6.1.5.5.7.48.1.5"


def is_critical(certificate: x509.Certificate, oid: str) -> bool:
    return certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier(oid)).critical


# --- order and encodings ---


def test_a_first_generation_template_writes_its_name_and_the_usual_order() -> None:
    """ms-facts d.5: `.20.2`, EKU, KU, SKI, AKI, CDP, AIA, SAN; no application policies."""
    certificate = issue(make.template(schema_version=1))

    assert order(certificate) == [content.TEMPLATE_NAME, EKU, KEY_USAGE, SKI, AKI, CDP, AIA, SAN]


def test_a_later_template_writes_its_identifier_and_application_policies() -> None:
    """ms-facts d.5: `.21.7`, EKU, KU, `.21.10`, SKI, AKI, CDP, AIA, SAN."""
    certificate = issue(make.template(schema_version=2))

    assert order(certificate) == [
        content.TEMPLATE_INFORMATION,
        EKU,
        KEY_USAGE,
        content.APPLICATION_POLICIES,
        SKI,
        AKI,
        CDP,
        AIA,
        SAN,
    ]


def test_a_template_name_is_a_bare_bmp_string_octet_by_octet() -> None:
    """ms-facts a.2, WebServer."""
    certificate = issue(make.template("WebServer", schema_version=1))

    assert value(certificate, content.TEMPLATE_NAME).hex() == (
        "1e12005700650062005300650072007600650072"
    )


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("SubCA", "1e0a00530075006200430041"),
        ("CA", "1e0400430041"),
        ("User", "1e080055007300650072"),
        ("Machine", "1e0e004d0061006300680069006e0065"),
        ("CAExchange", "1e140043004100450078006300680061006e00670065"),
    ],
)
def test_template_names_are_those_of_real_certificates(name: str, written: str) -> None:
    certificate = issue(make.template(name, schema_version=1))

    assert value(certificate, content.TEMPLATE_NAME).hex() == written


def test_template_information_is_written_octet_by_octet() -> None:
    """ms-facts a.2: the WebServer template of the MS-XCEP example, revision 100.3."""
    template = make.template(
        oid="1.3.6.1.4.1.311.21.8." + _arcs("81e7f82481c19f4986ad9b0c84d6d51c83fcdc714e0110"),
        schema_version=2,
        major_version=100,
        minor_version=3,
    )

    certificate = issue(template)

    assert value(certificate, content.TEMPLATE_INFORMATION).hex() == (
        "302806202b060104018237150881e7f82481c19f4986ad9b0c84d6d51c83fcdc714e0110020164020103"
    )


def _arcs(octets: str) -> str:
    """Read base-128 arcs, so that the example can be given as it stands in the source."""
    arcs, arc = [], 0
    for octet in bytes.fromhex(octets):
        arc = arc << 7 | octet & 0x7F
        if octet < 0x80:
            arcs.append(arc)
            arc = 0
    return ".".join(map(str, arcs))


def test_application_policies_repeat_the_extended_key_usages() -> None:
    purposes = (SERVER_AUTHENTICATION, CLIENT_AUTHENTICATION)

    certificate = issue(make.template(schema_version=2, extended_key_usages=purposes))

    assert value(certificate, content.APPLICATION_POLICIES) == der.sequence(
        *(der.sequence(der.oid(oid)) for oid in purposes)
    )
    assert value(certificate, EKU) == der.sequence(*(der.oid(oid) for oid in purposes))


def test_a_template_without_purposes_writes_neither_usages_nor_policies() -> None:
    certificate = issue(make.template(extended_key_usages=()))

    assert EKU not in order(certificate)
    assert content.APPLICATION_POLICIES not in order(certificate)


def test_a_nameless_template_writes_no_template_extension() -> None:
    """A stand-alone CA has no templates, and its certificates name none."""
    certificate = issue(make.template(""))

    assert content.TEMPLATE_INFORMATION not in order(certificate)
    assert content.TEMPLATE_NAME not in order(certificate)


def test_only_key_usage_and_basic_constraints_are_critical() -> None:
    template = make.template(
        "SubCA", schema_version=1, is_ca=True, extended_key_usages=(), path_length=0
    )

    certificate = issue(template, common_name="A CA")

    critical = [item.oid.dotted_string for item in certificate.extensions if item.critical]
    assert critical == [KEY_USAGE, BASIC_CONSTRAINTS]
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert constraints == x509.BasicConstraints(ca=True, path_length=0)


def test_a_template_may_have_its_key_usage_not_critical() -> None:
    assert not is_critical(issue(make.template(key_usage_critical=False)), KEY_USAGE)


def test_an_end_entity_has_no_basic_constraints() -> None:
    assert BASIC_CONSTRAINTS not in order(issue(make.template()))


# --- alternative names ---


def test_the_alternative_name_is_critical_exactly_when_the_subject_is_empty() -> None:
    """RFC 5280 section 4.1.2.6: "marked as critical"."""
    bare = issue(make.template(), common_name=None, dns=["www.example.com"])
    named = issue(make.template(), dns=["www.example.com"])

    assert is_critical(bare, SAN)
    assert not is_critical(named, SAN)


def test_a_template_may_want_its_alternative_name_critical() -> None:
    assert is_critical(issue(make.template(san_critical=True)), SAN)


def test_a_certificate_without_alternative_names_has_no_such_extension() -> None:
    certificate = issue(make.template(), common_name="Alice Example")

    assert SAN not in order(certificate)


# --- key identifiers and addresses ---


@pytest.mark.parametrize("kind", ["rsa:2048", "ec:p256", "ec:p384", "ed25519", "ml-dsa-65"])
def test_a_key_identifier_is_the_hash_of_the_key_bits(kind: str) -> None:
    """RFC 5280 section 4.2.1.2, method 1: as `cryptography` computes it."""
    request = make.request(kind=kind)
    assert request.public_key is not None

    expected = x509.SubjectKeyIdentifier.from_public_key(request.public_key).digest  # type: ignore[arg-type]  # no DH keys here

    assert content.key_identifier(request.spki_der) == expected


def test_the_subject_key_identifier_is_computed_not_taken_from_the_request() -> None:
    wished = x509.SubjectKeyIdentifier(b"\x01" * 20)

    certificate = issue(make.template(), extensions=[(wished, False)])

    found = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert found == x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())


def test_the_authority_key_identifier_is_the_issuers_key_identifier_alone() -> None:
    issuer, _ = make.authority()

    found = issue(make.template()).extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)

    assert found.value.key_identifier == issuer.key_identifier
    assert found.value.authority_cert_issuer is None


def test_an_issuer_without_a_key_identifier_is_known_by_the_hash_of_its_key() -> None:
    key = make.key("ec:p256", 98)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Old CA")])
    old = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(make.NOW)
        .not_valid_after(make.NOW + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )

    identifier = Issuer(old).key_identifier

    assert identifier == x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest


def test_all_addresses_of_a_list_stand_in_one_distribution_point() -> None:
    """MS-WCCE 3.2.1.4.2.1.4.7: one point whose name holds every address."""
    urls = ("http://a.example.com/CA.crl", "http://b.example.com/CA.crl")
    issuer, _ = make.authority(crl_addresses=urls)

    points = issue(make.template(), issuer=issuer).extensions.get_extension_for_class(
        x509.CRLDistributionPoints
    )

    (point,) = points.value
    assert tuple(name.value for name in point.full_name or ()) == urls


def test_access_to_the_issuer_comes_before_ocsp() -> None:
    issuer, _ = make.authority(ocsp_addresses=("http://ca.example.com/ocsp",))

    access = issue(make.template(), issuer=issuer).extensions.get_extension_for_class(
        x509.AuthorityInformationAccess
    )

    assert [(item.access_method._name, item.access_location.value) for item in access.value] == [  # noqa: SLF001 - its only name
        ("caIssuers", "http://ca.example.com/CertEnroll/CA.crt"),
        ("OCSP", "http://ca.example.com/ocsp"),
    ]


def test_a_template_may_leave_the_addresses_out() -> None:
    """The OCSP signer's: ocsp-nocheck, no AIA, no CDP."""
    template = make.template(include_revocation_addresses=False, include_ocsp_no_check=True)

    found = order(issue(template))

    assert CDP not in found
    assert AIA not in found
    assert OCSP_NO_CHECK in found


def test_an_issuer_without_addresses_writes_none() -> None:
    issuer, _ = make.authority(crl_addresses=(), certificate_addresses=())

    found = order(issue(make.template(), issuer=issuer))

    assert CDP not in found
    assert AIA not in found


# --- what a request asks for and does not get ---


def test_nothing_else_of_a_request_reaches_the_certificate() -> None:
    asked: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=True, path_length=None), True),
        (x509.ExtendedKeyUsage([x509.ObjectIdentifier(CLIENT_AUTHENTICATION)]), False),
        (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.311.25.2"), b"0"), False),
        (x509.OCSPNoCheck(), False),
    ]

    with_wishes = issue(make.template(), extensions=asked)
    without = issue(make.template())

    assert order(with_wishes) == order(without)
    assert value(with_wishes, EKU) == value(without, EKU)
