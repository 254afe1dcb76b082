"""Names, first-time approval and the template that is meant: both sides of every rule."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from enrollment.ca import errors
from enrollment.ca.attributes import parse_request_attributes
from enrollment.ca.microsoft import MicrosoftFacts, TemplateInformation
from enrollment.ca.names import HeldName
from enrollment.ca.policy import (
    Case,
    Hold,
    Holder,
    Issue,
    Knowledge,
    check_template_information,
    decide,
    template_name,
)
from enrollment.ca.template import Approval, KeyUsage, NameRules, SubjectSource
from tests import make
from tests.ca.cases import refusal, small, with_microsoft

if TYPE_CHECKING:
    from enrollment.ca.request import CertificationRequest

# --- names ---


def test_a_request_without_any_name_is_denied() -> None:
    error = refusal(Case(small(None), make.template(), make.requester()))

    assert isinstance(error, errors.NameMissing)
    assert error.hresult == 0x80094001


def test_an_alternative_name_alone_is_enough() -> None:
    request = small(None, dns=["www.example.com"])

    assert decide(Case(request, make.template(), make.requester())) == Issue()


def test_a_subject_that_holds_no_comparable_name_is_enough() -> None:
    country = x509.Name([x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "DE")])
    request = replace(small(), subject=country)

    assert decide(Case(request, make.template(), make.requester())) == Issue()


def test_a_name_outside_the_rules_is_denied_and_both_are_named() -> None:
    template = make.template(allowed_names=NameRules(dns_suffixes=("example.com",)))

    error = refusal(
        Case(small(dns=["www.example.com", "evilexample.com"]), template, make.requester())
    )

    assert isinstance(error, errors.NameNotAllowed)
    assert "'evilexample.com'" in error.detail
    assert error.detail.endswith("example.com.")


def test_names_within_the_rules_are_issued() -> None:
    template = make.template(allowed_names=NameRules(dns_suffixes=("example.com",)))
    request = small(dns=["www.example.com", "*.example.com"])

    assert decide(Case(request, template, make.requester())) == Issue()


def test_a_common_name_outside_the_rules_is_denied_though_the_alternative_name_is_fine() -> None:
    template = make.template(allowed_names=NameRules(dns_suffixes=("example.com",)))

    error = refusal(Case(small("bank.org", dns=["www.example.com"]), template, make.requester()))

    assert "'bank.org'" in error.detail


def test_a_common_name_that_repeats_an_alternative_name_needs_no_rule_of_its_own() -> None:
    template = make.template(
        allowed_names=NameRules(ip_networks=(ipaddress.ip_network("10.0.0.0/8"),))
    )
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("10.0.0.1"))])
    request = small("10.0.0.1", extensions=[(names, False)])

    assert decide(Case(request, template, make.requester())) == Issue()


def test_a_network_as_alternative_name_is_denied_and_breaks_nothing() -> None:
    template = make.template(
        allowed_names=NameRules(ip_networks=(ipaddress.ip_network("10.0.0.0/8"),))
    )
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_network("10.0.0.0/8"))])

    error = refusal(Case(small(None, extensions=[(names, False)]), template, make.requester()))

    assert isinstance(error, errors.NameNotAllowed)


def test_the_rules_for_names_do_not_bind_the_directory() -> None:
    template = make.template(
        subject_source=SubjectSource.DIRECTORY,
        directory_subject="name",
        allowed_names=NameRules(dns_suffixes=("example.com",)),
    )

    assert decide(Case(small("evil.org"), template, make.requester())) == Issue()


def test_a_name_that_the_directory_lacks_is_denied() -> None:
    template = make.template(subject_source=SubjectSource.DIRECTORY, directory_subject="host")

    error = refusal(Case(small(), template, make.requester()))

    assert isinstance(error, errors.DirectoryNameMissing)


def test_a_ca_needs_a_subject() -> None:
    template = make.template(
        "SubCA", is_ca=True, key_usages=frozenset({KeyUsage.KEY_CERT_SIGN}), extended_key_usages=()
    )

    error = refusal(Case(small(None, dns=["ca.example.com"]), template, make.requester()))

    assert isinstance(error, errors.NameMissing)
    assert decide(Case(small("A CA"), template, make.requester())) == Issue()


# --- approval the first time ---


def test_names_that_were_never_granted_wait_the_first_time() -> None:
    template = make.template(approval=Approval.FIRST_TIME)

    decision = decide(Case(small(), template, make.requester("alice")))

    assert isinstance(decision, Hold)
    assert "not issued to alice before" in decision.reason


def test_names_that_were_granted_before_pass_by_themselves() -> None:
    template = make.template(approval=Approval.FIRST_TIME)

    decision = decide(Case(small(), template, make.requester(), Knowledge(granted_before=True)))

    assert decision == Issue()


def test_a_template_that_always_waits_waits_for_granted_names_too() -> None:
    template = make.template(approval=Approval.ALWAYS)

    decision = decide(Case(small(), template, make.requester(), Knowledge(granted_before=True)))

    assert isinstance(decision, Hold)


# --- who holds the names ---


def test_holders_are_told_apart_from_the_requester() -> None:
    name = HeldName("dns", "www.example.com")
    mine = Holder(name, "alice", "01", make.NOW)
    other = Holder(name, "bob", "02", make.NOW)

    assert Knowledge((mine, other)).held_by_others(make.requester("alice")) == (other,)


# --- which template is meant ---


@pytest.mark.parametrize(
    ("line", "facts", "meant"),
    [
        pytest.param("CertificateTemplate:WebServer", {}, "WebServer", id="attribute"),
        pytest.param("", {"template_name": "User"}, "User", id="extension"),
        pytest.param(
            "",
            {"name_value_pairs": (("Certificate-Template", "User"), ("other", "x"))},
            "User",
            id="name-value pair",
        ),
        pytest.param(
            "CertificateTemplate:user", {"template_name": "User"}, "user", id="both, in any case"
        ),
        pytest.param("", {}, "", id="none"),
    ],
)
def test_a_request_means_the_one_template_it_names(
    line: str, facts: dict[str, Any], meant: str
) -> None:
    assert template_name(with_microsoft(**facts), parse_request_attributes(line)) == meant


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"template_name": "User"}, id="extension"),
        pytest.param({"name_value_pairs": (("certificatetemplate", "User"),)}, id="pair"),
    ],
)
def test_two_templates_in_one_request_are_refused(facts: dict[str, Any]) -> None:
    """CERTSRV_E_TEMPLATE_CONFLICT."""
    with pytest.raises(errors.TemplateConflict, match="'User' and 'WebServer'") as caught:
        template_name(
            with_microsoft(**facts), parse_request_attributes("CertificateTemplate:WebServer")
        )

    assert caught.value.hresult == 0x80094802


def information(oid: str, major: int | None, minor: int | None) -> CertificationRequest:
    return with_microsoft(template_information=TemplateInformation(oid, major, minor))


V2 = make.template("Web2", schema_version=2, major_version=100, minor_version=3)


@pytest.mark.parametrize(
    ("major", "minor"),
    [(100, 3), (100, 2), (99, 9), (None, None), (100, None)],
)
def test_a_request_for_our_revision_or_an_older_one_passes(
    major: int | None, minor: int | None
) -> None:
    check_template_information(information(V2.oid, major, minor), V2)


@pytest.mark.parametrize(("major", "minor"), [(100, 4), (101, 0)])
def test_a_request_for_a_newer_revision_is_refused(major: int, minor: int) -> None:
    """CERTSRV_E_BAD_TEMPLATE_VERSION."""
    with pytest.raises(errors.TemplateVersionNewer, match=r"100\.3"):
        check_template_information(information(V2.oid, major, minor), V2)


def test_the_identifier_of_another_template_is_a_conflict() -> None:
    with pytest.raises(errors.TemplateConflict, match=r"1\.2\.3"):
        check_template_information(information("1.2.3", 1, 0), V2)


def test_a_first_generation_template_has_no_version_rule() -> None:
    v1 = make.template(schema_version=1)

    check_template_information(information("1.2.3", 999, 0), v1)


def test_a_request_without_template_information_passes() -> None:
    assert small().microsoft == MicrosoftFacts() or not small().microsoft.template_information
    check_template_information(small(), V2)
