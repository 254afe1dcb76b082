"""What the linter lets pass and what it stops."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from pkilint import loader

from enrollment.ca import algorithms, der, lint
from enrollment.ca.lint_index import IndexedContainer
from enrollment.ca.lint_profile import DEMOTED, pkix_linter

ECDSA = next(item for item in algorithms.ALL if item.name == "ECDSA SHA256").identifier

P256_POINT = bytes.fromhex(
    "04"
    "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)
KEY = der.sequence(
    der.sequence(der.oid("1.2.840.10045.2.1"), der.oid("1.2.840.10045.3.1.7")),
    der.bit_string(P256_POINT),
)


def name(*attributes: tuple[str, bytes]) -> bytes:
    return der.sequence(
        *(der.set_of(der.sequence(der.oid(kind), value)) for kind, value in attributes)
    )


def extension(kind: str, value: bytes, *, critical: bool = False) -> bytes:
    flags = (der.boolean(True),) if critical else ()  # noqa: FBT003 - the value itself
    return der.sequence(der.oid(kind), *flags, der.octet_string(value))


def dns(value: bytes | str) -> bytes:
    return der.implicit(2, value.encode() if isinstance(value, str) else value)


def san(*names: bytes, critical: bool = False) -> bytes:
    return extension("2.5.29.17", der.sequence(*names), critical=critical)


KEY_USAGE = extension("2.5.29.15", der.bit_string(b"\x80", 7), critical=True)
EKU = extension("2.5.29.37", der.sequence(der.oid("1.3.6.1.5.5.7.3.1")))
SKI = extension(
    "2.5.29.14", der.octet_string(hashlib.sha1(P256_POINT, usedforsecurity=False).digest())
)
AKI = extension("2.5.29.35", der.sequence(der.implicit(0, bytes(20))))
CDP = extension(
    "2.5.29.31",
    der.sequence(
        der.sequence(
            der.explicit(
                0, der.explicit(0, der.implicit(6, b"http://localhost:8000/CertEnroll/A%20CA.crl"))
            )
        )
    ),
)
TEMPLATE = extension(
    "1.3.6.1.4.1.311.21.7",
    der.sequence(der.oid("1.3.6.1.4.1.311.21.8.1.2.3.4.5.6.1.16"), der.integer(4), der.integer(1)),
)
TEMPLATE_NAME = extension("1.3.6.1.4.1.311.20.2", der.bmp_string("WebServer"))
APPLICATION_POLICIES = extension(
    "1.3.6.1.4.1.311.21.10", der.sequence(der.sequence(der.oid("1.3.6.1.5.5.7.3.1")))
)
SID = extension(
    "1.3.6.1.4.1.311.25.2",
    der.sequence(
        der.explicit(
            0,
            der.oid("1.3.6.1.4.1.311.25.2.1") + der.explicit(0, der.octet_string(b"S-1-5-21-1-2")),
        )
    ),
)
SUBJECT = name(("2.5.4.3", der.utf8_string("www.example.com")))
GOOD_EXTENSIONS = (
    KEY_USAGE,
    EKU,
    SKI,
    AKI,
    CDP,
    TEMPLATE,
    TEMPLATE_NAME,
    APPLICATION_POLICIES,
    SID,
)


def tbs(**spoiled: Any) -> bytes:
    """A good to-be-signed server certificate, with one part spoiled."""
    parts: dict[str, Any] = {
        "serial": der.integer(1 << 125),
        "signature": ECDSA,
        "issuer": name(("2.5.4.3", der.utf8_string("Example CA"))),
        "not_before": der.time(datetime(2026, 11, 1, tzinfo=UTC)),
        "not_after": der.time(datetime(2028, 11, 1, tzinfo=UTC)),
        "subject": SUBJECT,
        "key": KEY,
        "extensions": (*GOOD_EXTENSIONS, san(dns("www.example.com"))),
        **spoiled,
    }
    return der.sequence(
        der.explicit(0, der.integer(2)),
        parts["serial"],
        parts["signature"],
        parts["issuer"],
        der.sequence(parts["not_before"], parts["not_after"]),
        parts["subject"],
        parts["key"],
        der.explicit(3, der.sequence(*parts["extensions"])),
    )


def with_names(*names: bytes) -> bytes:
    return tbs(extensions=(*GOOD_EXTENSIONS, san(*names)))


@pytest.mark.parametrize("algorithm", algorithms.ALL, ids=lambda item: item.name)
def test_a_good_certificate_has_no_finding_whatever_the_ca_signs_with(
    algorithm: algorithms.SignatureAlgorithm,
) -> None:
    content = tbs(signature=algorithm.identifier)

    assert lint.lint(content, algorithm.identifier) == ()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(with_names(dns("localhost")), id="single label"),
        pytest.param(with_names(dns("*.example.com")), id="wildcard"),
        pytest.param(with_names(dns("my_host.corp.local")), id="underscore"),
        pytest.param(with_names(dns("xn--mnchen-3ya.example")), id="A-label"),
        pytest.param(with_names(der.implicit(7, bytes([10, 0, 0, 1]))), id="IPv4 address"),
        pytest.param(with_names(der.implicit(1, b"alice@corp")), id="mailbox at a single label"),
        pytest.param(
            with_names(der.implicit(6, b"tag:microsoft.com,2022-09-14:sid:S-1-5-21-1")),
            id="tag URI",
        ),
        pytest.param(with_names(der.implicit(6, b"http://ca01/x")), id="URI with a single label"),
        pytest.param(
            tbs(
                subject=name(), extensions=(*GOOD_EXTENSIONS, san(dns("a.example"), critical=True))
            ),
            id="empty subject with a critical alternative name",
        ),
        pytest.param(tbs(extensions=GOOD_EXTENSIONS), id="subject without alternative name"),
    ],
)
def test_what_private_networks_need_passes(content: bytes) -> None:
    assert lint.lint(content, ECDSA) == ()


SPOILED = [
    pytest.param(tbs(serial=der.integer(-5)), "serial_number", id="negative serial number"),
    pytest.param(tbs(serial=der.integer(0)), "serial_number", id="serial number zero"),
    pytest.param(tbs(serial=der.integer(1 << 160)), "serial_number", id="21 octets of serial"),
    pytest.param(
        tbs(not_after=der.time(datetime(2025, 1, 1, tzinfo=UTC))),
        "validity_period",
        id="ends before it begins",
    ),
    pytest.param(
        tbs(not_after=der.tlv(der.GENERALIZED_TIME, b"20281101000000Z")),
        "wrong_time_useful_type",
        id="GeneralizedTime before 2050",
    ),
    pytest.param(tbs(extensions=(*GOOD_EXTENSIONS, san())), "invalid_asn1", id="empty SAN"),
    pytest.param(
        tbs(extensions=(*GOOD_EXTENSIONS, EKU)), "duplicate_extension", id="duplicate extension"
    ),
    pytest.param(
        tbs(subject=name(), extensions=(*GOOD_EXTENSIONS, san(dns("a.example")))),
        "san_extension_not_critical",
        id="empty subject, SAN not critical",
    ),
    pytest.param(
        tbs(subject=name(), extensions=GOOD_EXTENSIONS),
        "subject_and_san_empty",
        id="no name at all",
    ),
    pytest.param(with_names(dns(b"caf\xe9.example")), "invalid_asn1", id="dNSName not IA5"),
    pytest.param(with_names(dns("a b.example")), "domain_name", id="dNSName with a blank"),
    pytest.param(with_names(dns("")), "domain_name", id="empty dNSName"),
    pytest.param(with_names(dns("www.*.example")), "domain_name", id="wildcard inside"),
    pytest.param(
        with_names(dns("a" * 64 + ".example")), "domain_name", id="label of 64 characters"
    ),
    pytest.param(
        with_names(dns(".".join(["a" * 60] * 5))),
        "domain_name_too_long",
        id="name of 304 characters",
    ),
    pytest.param(with_names(der.implicit(7, b"\x0a\x00\x01")), "ip_address", id="IP of 3 octets"),
    pytest.param(with_names(der.implicit(6, b"www.example.com")), "uri", id="relative URI"),
    pytest.param(with_names(der.implicit(6, b"http://a b/")), "uri", id="URI with a blank"),
    pytest.param(with_names(der.implicit(6, b"https:///x")), "uri", id="web URI without host"),
    pytest.param(with_names(der.implicit(1, b"nobody")), "email", id="mailbox without host"),
    pytest.param(
        tbs(subject=name(("2.5.4.6", der.printable_string("Germany")))),
        "invalid_asn1",
        id="country of seven letters",
    ),
    pytest.param(
        tbs(subject=name(("2.5.4.3", der.utf8_string("x" * 65)))), "invalid_asn1", id="CN of 65"
    ),
    pytest.param(
        tbs(extensions=(KEY_USAGE, EKU, SKI, CDP)), "authority_key_identifier", id="no AKI"
    ),
    pytest.param(
        tbs(extensions=(extension("2.5.29.15", der.bit_string(b"\xa0", 5)), EKU, SKI, AKI)),
        "key_usage",
        id="key encipherment with an EC key",
    ),
    pytest.param(
        tbs(extensions=(extension("2.5.29.15", der.bit_string(b"\x04", 2)), EKU, SKI, AKI)),
        "keycertsign",
        id="certificate signing without being a CA",
    ),
    pytest.param(
        tbs(extensions=(KEY_USAGE, SKI, AKI, extension("1.3.6.1.4.1.311.20.2", b"\x0c\x01A"))),
        "invalid_asn1",
        id="template name that is no BMPString",
    ),
    pytest.param(tbs(signature=algorithms.ED25519.identifier), "mismatch", id="other algorithm"),
    pytest.param(b"\x30\x03\x02\x01\x05", "unreadable", id="no certificate at all"),
    pytest.param(b"", "unreadable", id="nothing"),
]


@pytest.mark.parametrize(("content", "code"), SPOILED)
def test_a_planted_defect_blocks(content: bytes, code: str) -> None:
    stopped = lint.blocking(lint.lint(content, ECDSA))

    assert any(code in finding.code for finding in stopped), stopped


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param(name(("1.2.840.113549.1.9.1", der.ia5_string("a@b.example"))), id="E="),
        pytest.param(name(("1.2.840.113549.1.9.1", der.ia5_string("none"))), id="E= without @"),
        pytest.param(name(("0.9.2342.19200300.100.1.25", der.ia5_string("corp"))), id="DC=corp"),
    ],
)
def test_old_habits_are_shown_as_warnings(subject: bytes) -> None:
    findings = lint.lint(tbs(subject=subject), ECDSA)

    assert findings
    assert {finding.severity for finding in findings} == {lint.Severity.WARNING}


def test_the_worst_finding_stands_first() -> None:
    content = tbs(
        serial=der.integer(-5),
        subject=name(("1.2.840.113549.1.9.1", der.ia5_string("a@b.example"))),
    )

    severities = [finding.severity for finding in lint.lint(content, ECDSA)]

    assert severities == sorted(severities)
    assert severities[0] is lint.Severity.ERROR


def test_an_algorithm_no_ca_here_uses_is_our_bug_and_raised() -> None:
    with pytest.raises(algorithms.UnsupportedSigningKey):
        lint.lint(tbs(), der.sequence(der.oid("1.2.3")))


@pytest.mark.parametrize("content", [tbs(), *(spoiled.values[0] for spoiled in SPOILED)])
def test_the_index_finds_what_the_plain_walk_finds(content: bytes) -> None:
    """The index is for speed only, so the same rules walked plainly must say the same."""
    certificate = der.sequence(content, ECDSA, der.bit_string(bytes(70)))
    plain = pkix_linter()
    indexed = IndexedContainer(plain, {})

    def findings(rules: Any) -> list[tuple[str, str, str | None]]:
        try:
            document = loader.load_der_certificate(certificate, "certificate", "test")
        except ValueError:
            return []
        return [
            (result.node.path, description.finding.code, description.message)
            for result in rules.validate(document.root)
            for description in result.finding_descriptions
        ]

    assert findings(indexed) == findings(plain)


def test_threads_do_not_disturb_each_other() -> None:
    contents: list[Any] = [tbs(), *(spoiled.values[0] for spoiled in SPOILED)] * 3
    expected = [lint.lint(content, ECDSA) for content in contents]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda content: lint.lint(content, ECDSA), contents))

    assert found == expected


def test_every_rule_we_bend_says_why() -> None:
    assert all(reason.endswith(".") for reason in DEMOTED.values())
