"""ESC13 and ESC15: policies that the enrollee writes into the request.

An issuance policy may stand for a group (ESC13). An application policy counts as a purpose where
Windows reads the certificate, and templates of version 1 let it through (ESC15, CVE-2024-49019).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier

from enrollment.ca import der
from tests import make, messages
from tests.attacks.playing import (
    AGENT,
    ANY_PURPOSE,
    AT_ONCE,
    CLIENT,
    PUBLISHED,
    PURPOSES,
    SMART_CARD,
    octets_of,
    purposes_of,
    unknown,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.attacks.playing import Attacker

POLICIES = "2.5.29.32"
APPLICATION_POLICIES = "1.3.6.1.4.1.311.21.10"
MAPPINGS, CONSTRAINTS = "1.3.6.1.4.1.311.21.11", "1.3.6.1.4.1.311.21.12"
LINKED_TO_A_GROUP = "1.3.6.1.4.1.311.21.8.1.2.3.4.5.6.1.402"
WANTED = (CLIENT, AGENT, SMART_CARD, ANY_PURPOSE)


def encoded(*oids: str) -> bytes:
    """Return policies without qualifiers; both extensions have that form."""
    return der.sequence(*(der.sequence(der.oid(oid)) for oid in oids))


def policies(*oids: str) -> x509.CertificatePolicies:
    return x509.CertificatePolicies(
        [x509.PolicyInformation(ObjectIdentifier(oid), None) for oid in oids]
    )


def by_extension() -> dict[str, object]:
    return {"extensions": [unknown(APPLICATION_POLICIES, encoded(*WANTED))]}


def by_critical_extension() -> dict[str, object]:
    extension = messages.extension(APPLICATION_POLICIES, encoded(*WANTED), critical=True)
    asked = messages.extension_request(extension)
    return {"raw": messages.pkcs10(make.key(), messages.common_name("mine.example.com"), [asked])}


def by_microsoft_s_attribute() -> dict[str, object]:
    extension = messages.extension(APPLICATION_POLICIES, encoded(*WANTED))
    asked = messages.extension_request(extension, oid=messages.MICROSOFT_EXTENSIONS)
    return {"raw": messages.pkcs10(make.key(), messages.common_name("mine.example.com"), [asked])}


def by_line() -> dict[str, object]:
    return {"attributes": f"ApplicationPolicies:{'&'.join(WANTED)}"}


def by_pair() -> dict[str, object]:
    pair = messages.name_value_pair("ApplicationPolicies", "&".join(WANTED))
    attribute = messages.attribute(messages.MICROSOFT + "13.2.1", pair)
    common_name = messages.common_name("mine.example.com")
    return {"raw": messages.pkcs10(make.key(), common_name, [attribute])}


def by_mappings() -> dict[str, object]:
    server = der.oid("1.3.6.1.5.5.7.3.1")
    mapped = der.sequence(der.sequence(server, der.oid(CLIENT)))
    return {"extensions": [unknown(MAPPINGS, mapped), unknown(CONSTRAINTS, der.sequence())]}


WAYS = [
    by_extension, by_critical_extension, by_microsoft_s_attribute, by_line, by_pair, by_mappings
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("template", AT_ONCE)
def test_no_application_policy_of_a_request_becomes_a_purpose(
    alice: Attacker, template: str, way: Callable[[], dict[str, object]]
) -> None:
    certificate = alice.ask(template, **way()).certificate  # type: ignore[arg-type]  # of one case each

    assert purposes_of(certificate) == PURPOSES[template]
    for oid in (APPLICATION_POLICIES, MAPPINGS, CONSTRAINTS):
        assert octets_of(certificate, oid) is None


@pytest.mark.parametrize("template", PUBLISHED)
def test_no_issuance_policy_of_a_request_is_copied(alice: Attacker, template: str) -> None:
    answer = alice.ask(template, extensions=[policies(LINKED_TO_A_GROUP, "2.5.29.32.0")])

    # Not even when a manager looks and issues.
    certificate = answer.certificate if answer.is_issued else answer.approved().certificate
    assert octets_of(certificate, POLICIES) is None


@pytest.mark.parametrize("template", PUBLISHED)
def test_the_same_request_without_policies_takes_the_same_way(
    alice: Attacker, template: str
) -> None:
    answer = alice.ask(template)

    assert answer.is_issued is (template in AT_ONCE)
    assert answer.is_issued or answer.approved().is_issued
