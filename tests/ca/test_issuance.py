"""Prepare makes every check without a key; sign accepts nothing else."""

from __future__ import annotations

import hashlib
import ipaddress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from enrollment.ca import errors
from enrollment.ca.encode import pem
from enrollment.ca.issuance import (
    IssuanceFault,
    PreparedCertificate,
    prepare,
    sign,
    sign_content,
    validity,
)
from enrollment.ca.lint import Finding, Severity
from enrollment.ca.names import HeldName
from enrollment.ca.template import SubjectSource
from enrollment.keys import FileSigner
from tests import make, tools

if TYPE_CHECKING:
    from pathlib import Path

    from enrollment.ca.issuance import Issuer

TEN_MINUTES = timedelta(minutes=10)
DAY = timedelta(days=1)


def ready(issuer: Issuer | None = None, **options: Any) -> PreparedCertificate:
    """Prepare a certificate that has nothing wrong with it."""
    defaults: dict[str, Any] = {
        "request": make.request(kind="ec:p256"),
        "template": make.template(),
        "issuer": issuer or make.authority()[0],
        "requester": make.requester(),
        "serial_number": 2**126 + 1,
        "now": make.NOW,
        "backdate": TEN_MINUTES,
    }
    return prepare(**{**defaults, **options})


# --- prepare ---


def test_a_prepared_certificate_carries_what_was_asked_for() -> None:
    prepared = ready()

    assert prepared.subject_text == "CN=www.example.com"
    assert prepared.names == (
        HeldName("cn", "www.example.com"),
        HeldName("dns", "www.example.com"),
    )
    assert prepared.serial_number == 2**126 + 1


def test_the_digest_is_over_the_very_octets_that_will_be_signed() -> None:
    prepared = ready()

    assert prepared.digest == hashlib.sha256(prepared.tbs).hexdigest()


def test_the_same_inputs_compose_the_same_octets() -> None:
    """An approval is checked by composing again."""
    request = make.request(kind="ec:p256")

    assert ready(request=request).tbs == ready(request=request).tbs


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"serial_number": 5}, id="serial number"),
        pytest.param({"now": make.NOW + timedelta(seconds=1)}, id="time"),
        pytest.param({"template": make.template(validity=DAY)}, id="template"),
    ],
)
def test_another_input_composes_another_digest(change: dict[str, Any]) -> None:
    request = make.request(kind="ec:p256")

    assert ready(request=request).digest != ready(request=request, **change).digest


def test_lint_is_asked_about_the_very_octets_and_the_issuers_algorithm() -> None:
    asked = []

    def check(tbs: bytes, algorithm: bytes) -> tuple[Finding, ...]:
        asked.append((tbs, algorithm))
        return ()

    prepared = ready(check=check)

    assert asked == [(prepared.tbs, prepared.signature_algorithm)]


def test_a_finding_that_blocks_refuses_and_says_what_it_is() -> None:
    found = (
        Finding(Severity.ERROR, "pkix.bad", "the name is wrong"),
        Finding(Severity.WARNING, "pkix.odd", "the name is odd"),
    )

    with pytest.raises(errors.LintRefused, match="the name is wrong") as caught:
        ready(check=lambda _tbs, _algorithm: found)

    assert "odd" not in caught.value.detail


def test_a_finding_that_does_not_block_is_kept_for_the_reviewer() -> None:
    found = (Finding(Severity.WARNING, "pkix.odd", "the name is odd"),)

    assert ready(check=lambda _tbs, _algorithm: found).findings == found


def test_a_network_in_the_alternative_names_is_stopped_by_lint() -> None:
    """RFC 5280 section 4.2.1.6: four or sixteen octets."""
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_network("10.0.0.0/8"))])

    with pytest.raises(errors.LintRefused):
        ready(request=make.request(kind="ec:p256", extensions=[(names, False)]))


def test_a_directory_template_refuses_what_the_directory_lacks() -> None:
    template = make.template(subject_source=SubjectSource.DIRECTORY, directory_subject="host")

    with pytest.raises(errors.DirectoryNameMissing):
        ready(template=template)


# --- validity ---


def test_a_certificate_begins_before_now_and_lives_as_long_as_the_template_says() -> None:
    """The period counts from notBefore, in years of 365 days (ms-facts d.3)."""
    issuer, _ = make.authority()

    begin, end = validity(make.template(), issuer, now=make.NOW, backdate=TEN_MINUTES)

    assert begin == make.NOW - TEN_MINUTES
    assert end == begin + timedelta(days=730)


def test_a_certificate_never_begins_before_its_issuer() -> None:
    issuer, _ = make.authority()

    begin, _ = validity(make.template(), issuer, now=make.NOW, backdate=DAY)

    assert begin == issuer.not_before


def test_a_certificate_never_outlives_its_issuer() -> None:
    issuer, _ = make.authority()
    late = issuer.not_after - DAY

    _, end = validity(make.template(), issuer, now=late, backdate=TEN_MINUTES)

    assert end == issuer.not_after


def test_a_certificate_that_fits_to_the_second_is_not_cut() -> None:
    issuer, _ = make.authority()
    template = make.template(validity=DAY)
    now = issuer.not_after - DAY + TEN_MINUTES

    begin, end = validity(template, issuer, now=now, backdate=TEN_MINUTES)

    assert end == begin + DAY == issuer.not_after


@pytest.mark.parametrize("moment", ["after the end", "at the end", "before the beginning"])
def test_an_issuer_outside_its_own_time_issues_nothing(moment: str) -> None:
    issuer, _ = make.authority()
    now = {
        "after the end": issuer.not_after + DAY,
        "at the end": issuer.not_after,
        "before the beginning": issuer.not_before - DAY,
    }[moment]

    with pytest.raises(errors.IssuerEnding, match="valid from"):
        validity(make.template(), issuer, now=now, backdate=TEN_MINUTES)


def test_an_issuer_may_issue_in_its_first_and_last_second() -> None:
    issuer, _ = make.authority()
    second = timedelta(seconds=1)

    assert validity(make.template(), issuer, now=issuer.not_before, backdate=DAY)
    assert validity(make.template(), issuer, now=issuer.not_after - second, backdate=DAY)


def test_a_template_shorter_than_the_back_dating_leaves_no_time() -> None:
    issuer, _ = make.authority()
    template = make.template(validity=timedelta(minutes=5))

    with pytest.raises(errors.IssuerEnding, match="leaves no time"):
        validity(template, issuer, now=make.NOW, backdate=TEN_MINUTES)


def test_times_are_whole_seconds() -> None:
    issuer, _ = make.authority()
    now = datetime(2026, 11, 23, 12, 0, 0, 999_999, tzinfo=UTC)

    begin, end = validity(make.template(), issuer, now=now, backdate=TEN_MINUTES)

    assert begin.microsecond == end.microsecond == 0


# --- sign ---


def test_what_was_prepared_is_what_is_signed() -> None:
    issuer, signer = make.authority()
    prepared = ready(issuer)

    certificate = x509.load_der_x509_certificate(sign(prepared, issuer, signer))

    assert certificate.tbs_certificate_bytes == prepared.tbs
    certificate.verify_directly_issued_by(issuer.certificate)


@pytest.mark.parametrize("kind", ["rsa:2048", "ec:p256", "ec:p384", "ed25519", "ml-dsa-65"])
def test_every_kind_of_ca_key_signs(kind: str) -> None:
    issuer, signer = make.authority(kind)

    certificate = x509.load_der_x509_certificate(sign(ready(issuer), issuer, signer))

    certificate.verify_directly_issued_by(issuer.certificate)


def test_a_key_that_is_not_the_issuers_is_noticed_before_anybody_sees_the_certificate() -> None:
    issuer, _ = make.authority()
    stranger = FileSigner(make.key("ec:p256", 7))

    with pytest.raises(IssuanceFault):
        sign(ready(issuer), issuer, stranger)


def test_a_key_of_another_kind_is_noticed() -> None:
    issuer, _ = make.authority()

    with pytest.raises(IssuanceFault):
        sign(ready(issuer), issuer, FileSigner(make.key("rsa:2048")))


def test_a_signature_with_a_computation_fault_never_leaves() -> None:
    """One wrong RSA signature can give the private key away."""
    issuer, _signer = make.authority("rsa:2048")

    class Faulty(FileSigner):
        def sign(self, message: bytes) -> bytes:
            signature = bytearray(super().sign(message))
            signature[100] ^= 1
            return bytes(signature)

    with pytest.raises(IssuanceFault, match="does not verify"):
        sign(ready(issuer), issuer, Faulty(make.key("rsa:2048", 99)))


def test_content_that_is_no_certificate_is_never_signed_into_one() -> None:
    issuer, signer = make.authority()

    with pytest.raises(IssuanceFault):
        sign_content(b"\x30\x00", issuer, signer)


def test_openssl_verifies_an_issued_certificate(tmp_path: Path) -> None:
    """Never only our own parser."""
    issuer, signer = make.authority()
    (tmp_path / "ca.pem").write_text(pem(issuer.der))
    (tmp_path / "leaf.pem").write_text(pem(sign(ready(issuer), issuer, signer)))

    verdict = tools.run(
        "openssl", "verify", "-x509_strict", "-attime", str(int(make.NOW.timestamp())),
        "-CAfile", tmp_path / "ca.pem", tmp_path / "leaf.pem",
    )  # fmt: skip

    assert verdict.returncode == 0, verdict.stdout
