"""The 33 default templates, against the table of MS-CRTD appendix B (ms-facts section c)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from enrollment.ca.builtin import ENROLLEES, builtin_templates, standalone_template
from enrollment.ca.template import (
    CA_TEMPLATE_NAMES,
    ENROLLMENT_AGENT,
    Approval,
    CertificateTemplate,
    KeyUsage,
    SubjectSource,
)
from tests import make

TEMPLATES = builtin_templates(make.ARC)
BY_NAME = {template.name: template for template in TEMPLATES}
YEAR = timedelta(days=365)

# name, schema version, revision, validity, key usage octets, subject from the request
TABLE = [
    ("User", 1, (3, 1), YEAR, "a0", False),
    ("UserSignature", 1, (4, 1), YEAR, "80", False),
    ("SmartcardUser", 1, (11, 1), YEAR, "a0", False),
    ("ClientAuth", 1, (3, 1), YEAR, "80", False),
    ("SmartcardLogon", 1, (6, 1), YEAR, "a0", False),
    ("EFS", 1, (3, 1), YEAR, "20", False),
    ("Administrator", 1, (4, 1), YEAR, "a0", False),
    ("EFSRecovery", 1, (6, 1), 5 * YEAR, "20", False),
    ("CodeSigning", 1, (3, 1), YEAR, "80", False),
    ("CTLSigning", 1, (3, 1), YEAR, "80", False),
    ("EnrollmentAgent", 1, (4, 1), 2 * YEAR, "80", False),
    ("EnrollmentAgentOffline", 1, (4, 1), 2 * YEAR, "80", True),
    ("MachineEnrollmentAgent", 1, (5, 1), 2 * YEAR, "80", False),
    ("Machine", 1, (5, 1), YEAR, "a0", False),
    ("DomainController", 1, (4, 1), YEAR, "a0", False),
    ("WebServer", 1, (4, 1), 2 * YEAR, "a0", True),
    ("CA", 1, (5, 1), 5 * YEAR, "86", True),
    ("SubCA", 1, (5, 1), 5 * YEAR, "86", True),
    ("IPSECIntermediateOnline", 1, (8, 1), 2 * YEAR, "a0", False),
    ("IPSECIntermediateOffline", 1, (7, 1), 2 * YEAR, "a0", True),
    ("OfflineRouter", 1, (4, 1), 2 * YEAR, "a0", True),
    ("CEPEncryption", 1, (4, 1), 2 * YEAR, "20", True),
    ("ExchangeUser", 1, (7, 1), YEAR, "20", True),
    ("ExchangeUserSignature", 1, (6, 1), YEAR, "80", True),
    ("CrossCA", 2, (105, 0), 5 * YEAR, "86", True),
    ("CAExchange", 2, (106, 0), timedelta(days=7), "20", True),
    ("KeyRecoveryAgent", 2, (105, 0), 2 * YEAR, "20", False),
    ("DomainControllerAuthentication", 2, (110, 0), YEAR, "a0", False),
    ("DirectoryEmailReplication", 2, (115, 0), YEAR, "a0", False),
    ("Workstation", 2, (101, 0), YEAR, "a0", False),
    ("RASAndIASServer", 2, (101, 0), YEAR, "a0", False),
    ("OCSPResponseSigning", 3, (101, 0), timedelta(days=14), "80", False),
    ("KerberosAuthentication", 2, (110, 0), YEAR, "a0", False),
]
_BITS = (
    (KeyUsage.DIGITAL_SIGNATURE, 0x80),
    (KeyUsage.KEY_ENCIPHERMENT, 0x20),
    (KeyUsage.KEY_CERT_SIGN, 0x04),
    (KeyUsage.CRL_SIGN, 0x02),
)


def octet(template: CertificateTemplate) -> str:
    return f"{sum(bit for usage, bit in _BITS if usage in template.key_usages):02x}"


def test_there_are_33_and_their_identifiers_count_from_one() -> None:
    assert [template.name for template in TEMPLATES] == [row[0] for row in TABLE]
    assert [template.oid for template in TEMPLATES] == [
        f"{make.ARC}.1.{number}" for number in range(1, 34)
    ]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: str(row[0]))
def test_a_default_template_is_as_a_new_ca_has_it(
    row: tuple[str, int, tuple[int, int], timedelta, str, bool],
) -> None:
    name, schema, revision, validity, usages, from_request = row
    template = BY_NAME[name]

    assert template.schema_version == schema
    assert (template.major_version, template.minor_version) == revision
    assert template.validity == validity
    assert octet(template) == usages
    assert (template.subject_source is SubjectSource.REQUEST) == from_request


def test_five_are_published_and_open_to_enrollees_alone() -> None:
    published = [template for template in TEMPLATES if template.published]

    assert {t.name for t in published} == {"WebServer", "User", "Machine", "CodeSigning", "SubCA"}
    assert all(template.enroll_groups == {ENROLLEES} for template in published)


def test_nobody_may_enroll_for_what_is_not_published() -> None:
    assert not any(t.enroll_groups for t in TEMPLATES if not t.published)


def test_web_server_certificates_are_issued_at_once_as_the_article_expects() -> None:
    assert BY_NAME["WebServer"].approval is Approval.NONE


@pytest.mark.parametrize("name", ["CodeSigning", "SubCA", "CA", "CrossCA", "KeyRecoveryAgent"])
def test_what_could_do_harm_waits_for_a_manager(name: str) -> None:
    assert BY_NAME[name].approval is Approval.ALWAYS


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_no_default_template_lets_anybody_sign_in_as_another(
    template: CertificateTemplate,
) -> None:
    """Not even once an administrator publishes it (ESC1)."""
    assert not template.lets_anybody_sign_in


def test_no_enrollment_agent_with_a_free_subject_is_made_without_a_manager() -> None:
    """ESC3."""
    agents = [t for t in TEMPLATES if ENROLLMENT_AGENT in t.extended_key_usages]

    assert agents
    for template in agents:
        free = template.subject_source is SubjectSource.REQUEST
        assert not free or template.approval is Approval.ALWAYS


def test_ca_templates_and_no_others_make_cas() -> None:
    """MS-WCCE 3.2.2.6.2.1.4.6."""
    makes = {t.name.casefold() for t in TEMPLATES if t.is_ca}

    assert makes == CA_TEMPLATE_NAMES


def test_no_default_template_takes_keys_below_2048_bits() -> None:
    assert all(template.minimum_rsa_bits == 2048 for template in TEMPLATES)


def test_a_template_without_a_subject_has_a_critical_alternative_name() -> None:
    bare = [template for template in TEMPLATES if template.directory_subject == "none"]

    assert {t.name for t in bare} == {
        "DomainControllerAuthentication",
        "DirectoryEmailReplication",
        "Workstation",
        "KerberosAuthentication",
    }
    assert all(template.san_critical for template in bare)


def test_an_ocsp_signer_carries_no_addresses_and_is_not_checked_itself() -> None:
    signer = BY_NAME["OCSPResponseSigning"]

    assert signer.include_ocsp_no_check
    assert not signer.include_revocation_addresses
    assert signer.renewal_period == timedelta(days=2)


def test_renewal_is_due_six_weeks_before_the_end_unless_the_life_is_short() -> None:
    assert BY_NAME["WebServer"].renewal_period == timedelta(weeks=6)
    assert BY_NAME["CAExchange"].renewal_period == timedelta(days=1)
    assert all(template.renewal_period < template.validity for template in TEMPLATES)


def test_a_stand_alone_ca_has_one_nameless_rule_under_which_everything_waits() -> None:
    rule = standalone_template(make.ARC)

    assert rule.name == ""
    assert rule.approval is Approval.ALWAYS
    assert rule.subject_source is SubjectSource.REQUEST
    assert not rule.is_ca
