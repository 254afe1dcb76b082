"""The list of what is revoked."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from pkilint import loader, pkix
from pkilint.pkix import crl as pkilint_crl
from pkilint.pkix import extension, name

from enrollment.ca import algorithms, crl, encode, root
from enrollment.ca.issuance import IssuanceFault, Issuer
from enrollment.ca.revocation import Reason
from enrollment.keys.file import FileSigner
from tests import tools

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 23, 9, 30, 15, 123456, tzinfo=UTC)
WEEK = timedelta(weeks=1)
SKEW = timedelta(minutes=10)


@functools.cache
def signer(algorithm: algorithms.SignatureAlgorithm) -> FileSigner:
    return FileSigner(algorithm.throw_away_key())


@functools.cache
def issuer(
    algorithm: algorithms.SignatureAlgorithm = algorithms.ED25519,
    index: int = 0,
    key_index: int = 0,
) -> Issuer:
    certificate = root.self_signed(
        "Example CA",
        signer(algorithm),
        serial_number=77,
        now=NOW,
        backdate=SKEW,
        lifetime=timedelta(days=3650),
        is_enterprise=True,
    )
    return Issuer(x509.load_der_x509_certificate(certificate), index=index, key_index=key_index)


def build(
    *revocations: crl.Revocation,
    number: int = 1,
    by: Issuer | None = None,
    algorithm: algorithms.SignatureAlgorithm = algorithms.ED25519,
) -> bytes:
    return crl.build_crl(
        by or issuer(algorithm),
        revocations,
        signer(algorithm),
        number=number,
        now=NOW,
        period=WEEK,
        skew=SKEW,
    )


def loaded(
    *revocations: crl.Revocation, by: Issuer | None = None
) -> x509.CertificateRevocationList:
    return x509.load_der_x509_crl(build(*revocations, by=by))


@pytest.mark.parametrize(
    ("period", "skew", "length"),
    [
        pytest.param(WEEK, SKEW, timedelta(days=7, hours=12, minutes=20), id="a week"),
        pytest.param(2 * WEEK, SKEW, timedelta(days=14, hours=12, minutes=20), id="two weeks"),
        pytest.param(
            timedelta(days=1), SKEW, timedelta(days=1, hours=2, minutes=44), id="a tenth of a day"
        ),
        pytest.param(
            timedelta(hours=1), SKEW, timedelta(hours=1, minutes=35), id="one and a half skews"
        ),
        pytest.param(
            timedelta(minutes=5), SKEW, timedelta(minutes=30), id="no longer than the period"
        ),
    ],
)
def test_a_list_is_good_for_period_overlap_and_both_skews(
    period: timedelta, skew: timedelta, length: timedelta
) -> None:
    """Weekly lists of AD CS are good for 7 days, 12 hours and 20 minutes."""
    times = crl.crl_times(NOW, period, skew)

    assert times.next_update - times.this_update == length
    assert times.this_update == NOW.replace(microsecond=0) - skew
    assert times.next_publish == NOW.replace(microsecond=0) + period


def test_a_list_does_not_begin_before_its_ca() -> None:
    begin = NOW.replace(microsecond=0) - timedelta(minutes=3)

    assert crl.crl_times(NOW, WEEK, SKEW, not_before=begin).this_update == begin


@pytest.mark.parametrize(
    ("period", "skew"), [(timedelta(), SKEW), (-WEEK, SKEW), (WEEK, timedelta(seconds=-1))]
)
def test_a_period_that_makes_no_sense_is_our_bug(period: timedelta, skew: timedelta) -> None:
    with pytest.raises(ValueError, match="positive period"):
        crl.crl_times(NOW, period, skew)


def test_an_empty_list_has_no_list_in_it() -> None:
    """RFC 5280 section 5.1.2.6: revokedCertificates MUST be absent when nothing is revoked."""
    empty = crl.compose(issuer(), [], number=1, times=crl.crl_times(NOW, WEEK, SKEW))
    one = crl.compose(
        issuer(), [crl.Revocation(5, NOW)], number=1, times=crl.crl_times(NOW, WEEK, SKEW)
    )

    assert len(loaded()) == 0
    assert len(one) - len(empty) == 22  # list, entry, serial number and time, with their headers


def test_entries_say_what_when_and_why() -> None:
    revoked_at = datetime(2026, 11, 1, 12, 0, 1, tzinfo=UTC)
    listed = loaded(
        crl.Revocation(2**126 + 5, revoked_at, Reason.KEY_COMPROMISE),
        crl.Revocation(7, revoked_at, Reason.CERTIFICATE_HOLD),
    )

    entry = listed.get_revoked_certificate_by_serial_number(2**126 + 5)

    assert entry is not None
    assert entry.revocation_date_utc == revoked_at
    assert entry.extensions.get_extension_for_class(x509.CRLReason).value == x509.CRLReason(
        x509.ReasonFlags.key_compromise
    )


def test_an_unspecified_reason_is_not_written() -> None:
    """RFC 5280 section 5.3.1: SHOULD be absent instead of using unspecified (0)."""
    entry = loaded(crl.Revocation(5, NOW)).get_revoked_certificate_by_serial_number(5)

    assert entry is not None
    assert not list(entry.extensions)


@pytest.mark.parametrize("reason", set(Reason))
def test_every_reason_is_written_with_its_number(reason: Reason) -> None:
    entry = loaded(crl.Revocation(5, NOW, reason)).get_revoked_certificate_by_serial_number(5)

    assert entry is not None
    found = [extension.value.public_bytes() for extension in entry.extensions]
    assert found == ([] if reason is Reason.UNSPECIFIED else [bytes((0x0A, 1, reason.value))])


def test_an_invalidity_date_stands_beside_the_reason() -> None:
    lost = datetime(2026, 10, 1, 8, 0, tzinfo=UTC)
    entry = loaded(
        crl.Revocation(5, NOW, Reason.KEY_COMPROMISE, lost)
    ).get_revoked_certificate_by_serial_number(5)

    assert entry is not None
    found = entry.extensions.get_extension_for_class(x509.InvalidityDate)
    assert found.value.invalidity_date_utc == lost


def test_a_delta_names_its_base_and_is_critical_about_it() -> None:
    times = crl.crl_times(NOW, timedelta(days=1), SKEW, base_period=WEEK)
    tbs = crl.compose(issuer(), [], number=9, times=times, scope=crl.Scope(base_number=7))
    delta = x509.load_der_x509_crl(crl.sign(tbs, issuer(), signer(algorithms.ED25519)))

    indicator = delta.extensions.get_extension_for_class(x509.DeltaCRLIndicator)

    assert indicator.critical
    assert indicator.value.crl_number == 7


def test_a_daily_delta_overlaps_by_twelve_hours() -> None:
    """ms-facts section d.7: overlap(delta) = min(max(min(period, 12 h), 1.5 skew), base period)."""
    times = crl.crl_times(NOW, timedelta(days=1), SKEW, base_period=WEEK)

    assert times.next_update - times.next_publish == timedelta(hours=12) + SKEW


def test_a_partition_says_critically_which_certificates_it_speaks_for() -> None:
    address = "http://ca.example.com/CertEnroll/CA_Partition00003.crl"
    scope = crl.Scope(distribution_points=(address,))
    tbs = crl.compose(issuer(), [], number=1, times=crl.crl_times(NOW, WEEK, SKEW), scope=scope)
    partition = x509.load_der_x509_crl(crl.sign(tbs, issuer(), signer(algorithms.ED25519)))

    point = partition.extensions.get_extension_for_class(x509.IssuingDistributionPoint)

    assert point.critical
    assert point.value.full_name == [x509.UniformResourceIdentifier(address)]


def test_a_base_says_where_its_deltas_are() -> None:
    address = "http://ca.example.com/CertEnroll/CA+.crl"
    scope = crl.Scope(freshest_addresses=(address,))
    tbs = crl.compose(issuer(), [], number=1, times=crl.crl_times(NOW, WEEK, SKEW), scope=scope)
    base = x509.load_der_x509_crl(crl.sign(tbs, issuer(), signer(algorithms.ED25519)))

    freshest = base.extensions.get_extension_for_class(x509.FreshestCRL).value

    assert freshest[0].full_name == [x509.UniformResourceIdentifier(address)]


def test_extensions_stand_in_the_order_of_ad_cs_and_none_is_critical() -> None:
    extensions = list(loaded().extensions)

    assert [item.oid.dotted_string for item in extensions] == [
        "2.5.29.35",
        "1.3.6.1.4.1.311.21.1",
        "2.5.29.20",
        "1.3.6.1.4.1.311.21.4",
    ]
    assert not any(item.critical for item in extensions)


def test_extensions_name_key_version_number_and_next_list() -> None:
    listed = x509.load_der_x509_crl(build(number=300, by=issuer(index=1, key_index=1)))
    values = {item.oid.dotted_string: item.value for item in listed.extensions}

    assert values["2.5.29.35"].key_identifier == issuer().key_identifier
    assert values["2.5.29.20"].crl_number == 300
    # V1.1, as Windows shows it
    assert values["1.3.6.1.4.1.311.21.1"].value == bytes.fromhex("0203010001")
    assert values["1.3.6.1.4.1.311.21.4"].value == b"\x17\x0d261130093015Z"


def test_a_foreign_key_cannot_sign() -> None:
    other = FileSigner(ec.generate_private_key(ec.SECP256R1()))

    with pytest.raises(IssuanceFault):
        crl.build_crl(issuer(), [], other, number=1, now=NOW, period=WEEK, skew=SKEW)


@pytest.mark.parametrize("algorithm", algorithms.ALL, ids=lambda item: item.name)
def test_a_list_of_every_ca_key_verifies(algorithm: algorithms.SignatureAlgorithm) -> None:
    listed = x509.load_der_x509_crl(build(crl.Revocation(5, NOW), algorithm=algorithm))

    assert listed.is_signature_valid(issuer(algorithm).public_key)  # type: ignore[arg-type] # a CA's


@pytest.mark.parametrize("algorithm", algorithms.ALL[:5], ids=lambda item: item.name)
def test_openssl_verifies_a_list(algorithm: algorithms.SignatureAlgorithm, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(encode.pem(issuer(algorithm).der))
    (tmp_path / "list.pem").write_text(
        encode.pem_crl(build(crl.Revocation(5, NOW), algorithm=algorithm))
    )

    answer = tools.run(
        "openssl", "crl", "-in", tmp_path / "list.pem", "-CAfile", tmp_path / "ca.pem",
        "-verify", "-noout",
    )  # fmt: skip

    assert answer.returncode == 0
    assert b"verify OK" in answer.stdout


def test_gnutls_verifies_a_list(tmp_path: Path) -> None:
    algorithm = algorithms.RSA_SHA256
    (tmp_path / "ca.pem").write_text(encode.pem(issuer(algorithm).der))
    (tmp_path / "list.pem").write_text(
        encode.pem_crl(build(crl.Revocation(5, NOW), algorithm=algorithm))
    )

    answer = tools.run(
        "certtool", "--verify-crl", "--infile", tmp_path / "list.pem",
        "--load-ca-certificate", tmp_path / "ca.pem",
    )  # fmt: skip

    assert answer.returncode == 0, answer.stdout
    assert b"Verified" in answer.stdout


def test_java_reads_a_list(tmp_path: Path) -> None:
    (tmp_path / "list.crl").write_bytes(build(crl.Revocation(5, NOW)))

    answer = tools.run(
        "keytool", "-J-Duser.language=en", "-printcrl", "-file", tmp_path / "list.crl"
    )

    assert answer.returncode == 0, answer.stdout
    assert b"CRLNumber" in answer.stdout or b"CRL Number" in answer.stdout


def test_pkilint_finds_nothing_in_a_list() -> None:
    rules = pkilint_crl.create_pkix_crl_validator_container(
        [
            pkix.create_attribute_decoder(name.ATTRIBUTE_TYPE_MAPPINGS),
            pkix.create_extension_decoder(extension.EXTENSION_MAPPINGS),
        ],
        [
            pkilint_crl.create_issuer_validator_container(),
            pkilint_crl.create_validity_validator_container(),
            pkilint_crl.create_extensions_validator_container(),
        ],
    )
    document = loader.load_der_crl(build(crl.Revocation(5, NOW)), "crl", "test")

    findings = [
        description.finding.code
        for result in rules.validate(document.root)
        for description in result.finding_descriptions
    ]

    assert findings == []


def test_the_bytes_are_what_encoding_der_gives_back() -> None:
    der = build(crl.Revocation(5, NOW))

    assert x509.load_der_x509_crl(der).public_bytes(Encoding.DER) == der
