"""What a relying party makes of what is served as our list or certificate.

RFC 5280 section 6.3.3 says what a list must fulfil; each test spoils one thing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509

from enrollment.ca import crl, encode, relying_party, root
from enrollment.ca.check import Severity
from enrollment.ca.crl import Scope
from enrollment.ca.issuer import Issuer
from enrollment.ca.relying_party import ExpectedList
from enrollment.keys import FileSigner
from tests import make

NOW = make.NOW
WEEK = timedelta(weeks=1)
SKEW = timedelta(minutes=10)
URL = "http://ca.example.com/CertEnroll/CA_Partition00001.crl"
ISSUER, SIGNER = make.authority()


def served(
    *, number: int = 5, now: datetime = NOW, by: Issuer = ISSUER, scope: Scope = crl.COMPLETE
) -> bytes:
    """Return a list that was published at `now`."""
    times = crl.crl_times(now, WEEK, SKEW)
    tbs = crl.compose(by, [], number=number, times=times, scope=scope)
    return crl.sign(tbs, by, SIGNER)


def expected(**spoiled: Any) -> ExpectedList:
    """Return what the list above should be."""
    whole = ExpectedList(
        issuer=ISSUER,
        point=URL,
        is_delta=False,
        is_partition=False,
        number=5,
        published_at=NOW,
        margin=timedelta(hours=6),
    )
    return replace(whole, **spoiled)


def verdict(data: bytes, now: datetime = NOW, **spoiled: Any) -> tuple[Severity, str]:
    """Return what is thought of it."""
    found = relying_party.judge_list(data, expected(**spoiled), now)
    return found.severity, found.finding


def other_ca(name: str = "Example Issuing CA", number: int = 98) -> tuple[Issuer, FileSigner]:
    """Return a CA of somebody else, perhaps of the same name."""
    signer = FileSigner(make.key("ec:p256", number))
    certificate = root.self_signed(
        name,
        signer,
        serial_number=2,
        now=NOW,
        backdate=SKEW,
        lifetime=timedelta(days=3650),
        is_enterprise=True,
    )
    return Issuer(x509.load_der_x509_certificate(certificate)), signer


def test_the_newest_list_is_in_order() -> None:
    assert verdict(served()) == (Severity.OK, "List 5, until 2026-12-01 00:10.")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        pytest.param(b"", "nothing", id="nothing"),
        pytest.param(b"<!DOCTYPE html><title>404</title>", "a web page", id="a page"),
        pytest.param(encode.pem_crl(served()).encode(), "PEM", id="PEM"),
        pytest.param(b"\x1f\x8b\x08\x00", "compressed", id="gzip"),
        pytest.param(served()[:-1], "other octets", id="cut off"),
        pytest.param(ISSUER.der, "other octets", id="a certificate"),
    ],
)
def test_what_is_no_list_is_named_as_what_it_is(data: bytes, what: str) -> None:
    severity, sentence = verdict(data)

    assert severity is Severity.CRITICAL
    assert what in sentence


def test_a_list_of_another_ca_is_refused() -> None:
    other, signer = other_ca("Other CA")
    data = crl.build_crl(other, [], signer, number=5, now=NOW, period=WEEK, skew=SKEW)

    assert verdict(data)[0] is Severity.CRITICAL
    assert "'CN=Other CA'" in verdict(data)[1]


def test_a_list_of_another_key_of_the_same_name_is_refused() -> None:
    other, signer = other_ca()
    data = crl.build_crl(other, [], signer, number=5, now=NOW, period=WEEK, skew=SKEW)

    assert "another key" in verdict(data)[1]


def test_a_list_that_was_altered_is_refused() -> None:
    data = bytearray(served())
    data[-1] ^= 1

    assert "was altered" in verdict(bytes(data))[1]


def test_a_delta_in_the_place_of_a_base_and_a_base_in_that_of_a_delta_are_refused() -> None:
    delta = served(scope=Scope(base_number=4))

    assert "expect a base list" in verdict(delta)[1]
    assert "expect a delta" in verdict(served(), is_delta=True)[1]
    assert verdict(delta, is_delta=True)[0] is Severity.OK


def test_a_partition_speaks_for_the_address_it_names_and_no_other() -> None:
    """RFC 5280 section 6.3.3 (b) (2) (i)."""
    ours = served(scope=Scope(distribution_points=(URL,)))
    other = served(scope=Scope(distribution_points=(URL.replace("1.crl", "2.crl"),)))

    assert verdict(ours, is_partition=True)[0] is Severity.OK
    assert "does not speak for" in verdict(other, is_partition=True)[1]
    assert "does not speak for" in verdict(served(), is_partition=True)[1]
    assert "expect the complete list" in verdict(ours)[1]


def test_a_list_that_ended_is_refused() -> None:
    severity, sentence = verdict(served(), NOW + timedelta(days=8))

    assert severity is Severity.CRITICAL
    assert "ended 2026-12-01 00:10" in sentence


def test_a_list_of_the_future_is_refused() -> None:
    assert "later than now" in verdict(served(now=NOW + timedelta(hours=1)), NOW)[1]


def test_an_old_list_is_told_once_copies_had_the_time_to_follow() -> None:
    soon = verdict(served(number=4), NOW + timedelta(minutes=59))
    late = verdict(served(number=4), NOW + timedelta(minutes=61))

    assert soon[0] is Severity.OK
    assert late[0] is Severity.WARNING
    assert "the old list 4; 5 was published" in late[1]


def test_a_list_whose_successor_is_overdue_is_told() -> None:
    severity, sentence = verdict(served(), NOW + timedelta(days=7, hours=7))

    assert severity is Severity.WARNING
    assert "crl publish" in sentence


def test_the_ca_certificate_is_compared_octet_for_octet() -> None:
    other, _ = other_ca()
    judged = {
        name: relying_party.judge_certificate(data, ISSUER)
        for name, data in {
            "ours": ISSUER.der,
            "other": other.der,
            "PEM": encode.pem(ISSUER.der).encode(),
            "longer": ISSUER.der + b"\0",
        }.items()
    }

    assert judged.pop("ours").severity is Severity.OK
    assert {verdict.severity for verdict in judged.values()} == {Severity.CRITICAL}
    assert "another certificate" in judged["other"].finding
    assert "PEM" in judged["PEM"].finding
