"""request + template + requester + knowledge -> Issue, Hold or Deny: both sides of every rule."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509

from enrollment.ca import errors
from enrollment.ca.attributes import parse_request_attributes
from enrollment.ca.keys import KeyKind
from enrollment.ca.microsoft import MicrosoftFacts, TemplateInformation
from enrollment.ca.names import HeldName
from enrollment.ca.policy import (
    Case,
    Deny,
    Hold,
    Holder,
    Issue,
    Knowledge,
    check_template_information,
    decide,
    template_name,
)
from enrollment.ca.request import CertificationRequest, parse_certification_request
from enrollment.ca.template import Approval, KeyUsage, NameRules, SubjectSource
from tests import make, messages


def small(common_name: str | None = "www.example.com", **options: Any) -> CertificationRequest:
    return make.request(common_name, **{"kind": "ec:p256", **options})


def refusal(case: Case) -> errors.EnrollmentError:
    decision = decide(case)
    assert isinstance(decision, Deny), decision
    return decision.error


def signed_with_sha1() -> CertificationRequest:
    octets = messages.pkcs10(make.key(), messages.common_name("www.example.com"), digest="sha1")
    return parse_certification_request(octets)


def with_microsoft(**facts: Any) -> CertificationRequest:
    request = small()
    return replace(request, microsoft=replace(request.microsoft, **facts))


# --- the order of the rules ---


def test_a_request_that_nothing_stands_against_is_issued() -> None:
    assert decide(Case(small(), make.template(), make.requester())) == Issue()


def test_a_wait_comes_before_a_grant() -> None:
    template = make.template(approval=Approval.ALWAYS, display_name="Web Server")

    decision = decide(Case(small(), template, make.requester()))

    assert decision == Hold("Template 'Web Server' needs the approval of a certificate manager.")


def test_a_refusal_comes_before_a_wait() -> None:
    """A manager is never asked about what must be refused anyway."""
    template = make.template(approval=Approval.ALWAYS, allowed_keys=(KeyKind.RSA,))

    error = refusal(Case(small(), template, make.requester()))

    assert isinstance(error, errors.KeyKindNotAllowed)


def test_who_may_not_enroll_hears_that_before_anything_about_the_request() -> None:
    template = make.template(allowed_keys=(), allowed_names=NameRules(patterns=("none",)))

    error = refusal(Case(small(), template, make.requester(groups=frozenset())))

    assert isinstance(error, errors.TemplateDenied)


# --- the right to enroll ---


def test_one_of_the_groups_is_enough() -> None:
    template = make.template(enroll_groups=frozenset({"A", "B"}))

    assert decide(Case(small(), template, make.requester(groups=frozenset({"B"})))) == Issue()


def test_somebody_in_no_group_of_the_template_is_denied_and_told_which() -> None:
    template = make.template(enroll_groups=frozenset({"B", "A"}))

    error = refusal(Case(small(), template, make.requester(groups=frozenset({"C"}))))

    assert isinstance(error, errors.TemplateDenied)
    assert error.hresult == 0x80094012
    assert error.remedy.endswith("one of: A, B.")


def test_a_template_without_groups_is_open_to_nobody() -> None:
    """Default deny: an emptied list must not open a template to everybody."""
    error = refusal(Case(small(), make.template(enroll_groups=frozenset()), make.requester()))

    assert isinstance(error, errors.TemplateDenied)


def test_the_nameless_rule_of_a_stand_alone_ca_is_open_to_everybody() -> None:
    template = make.template("", enroll_groups=frozenset())
    stranger = make.requester("anonymous", groups=frozenset(), is_anonymous=True)

    assert decide(Case(small(), template, stranger)) == Issue()


# --- proof of possession, keys and signatures ---


def test_what_cannot_be_proven_is_denied_with_its_reason() -> None:
    request = replace(small(), unverifiable="The key is of a kind nobody knows.")

    error = refusal(Case(request, make.template(), make.requester()))

    assert isinstance(error, errors.SignatureUnverifiable)
    assert error.detail == "The key is of a kind nobody knows."


def test_a_kind_of_key_that_the_template_does_not_take_is_denied_and_the_others_named() -> None:
    template = make.template(allowed_keys=(KeyKind.RSA, KeyKind.EC_P384))

    error = refusal(Case(small(), template, make.requester()))

    assert isinstance(error, errors.KeyKindNotAllowed)
    assert "EC P-256" in error.detail
    assert error.remedy.endswith("rsa, ec-p384.")


def test_a_kind_of_key_that_the_template_takes_is_issued() -> None:
    template = make.template(allowed_keys=(KeyKind.EC_P256,))

    assert decide(Case(small(), template, make.requester())) == Issue()


def test_an_rsa_key_shorter_than_the_template_wants_is_denied() -> None:
    """CERTSRV_E_KEY_LENGTH (0x80094811)."""
    template = make.template("CodeSigning", minimum_rsa_bits=4096)

    error = refusal(Case(make.request(), template, make.requester()))

    assert isinstance(error, errors.KeyTooShort)
    assert error.hresult == 0x80094811
    assert "RSA 2048" in error.detail
    assert "4096 bits or more" in error.remedy


def test_an_rsa_key_of_exactly_the_wanted_length_is_issued() -> None:
    assert decide(Case(make.request(), make.template(), make.requester())) == Issue()


def test_the_length_of_rsa_keys_says_nothing_about_other_kinds() -> None:
    template = make.template(minimum_rsa_bits=16_384)

    assert decide(Case(small(), template, make.requester())) == Issue()


def test_a_short_key_is_denied_even_when_a_manager_could_approve_it() -> None:
    template = make.template(minimum_rsa_bits=4096, approval=Approval.ALWAYS)

    assert isinstance(refusal(Case(make.request(), template, make.requester())), errors.KeyTooShort)


def test_a_key_that_could_not_be_loaded_is_denied() -> None:
    request = replace(small(), public_key=None)

    assert isinstance(refusal(Case(request, make.template(), make.requester())), errors.KeyWeak)


def test_a_known_weak_key_is_denied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("enrollment.ca.policy.weakness", lambda _key: "The modulus is even.")

    error = refusal(Case(small(), make.template(), make.requester()))

    assert isinstance(error, errors.KeyWeak)
    assert error.detail == "The modulus is even."


def test_a_request_signed_with_sha1_is_denied_with_the_line_that_mends_it() -> None:
    error = refusal(Case(signed_with_sha1(), make.template(), make.requester()))

    assert isinstance(error, errors.SignatureTooWeak)
    assert "openssl req -new -sha256" in error.remedy


def test_a_laboratory_may_take_requests_signed_with_sha1() -> None:
    template = make.template(weak_request_signatures=True)

    assert decide(Case(signed_with_sha1(), template, make.requester())) == Issue()


def test_a_template_that_wants_a_registration_authority_is_denied() -> None:
    error = refusal(Case(small(), make.template(ra_signatures=1), make.requester()))

    assert isinstance(error, errors.SignaturePolicyRequired)
    assert error.hresult == 0x80094809


# --- renewal with the same key ---


@pytest.mark.parametrize("earlier", ["none", "same"])
def test_a_template_that_keeps_keys_takes_new_requests_and_old_keys(earlier: str) -> None:
    request = small()
    known = Knowledge(earlier_spki=request.spki_der if earlier == "same" else None)

    decision = decide(Case(request, make.template(same_key_renewal=True), make.requester(), known))

    assert decision == Issue()


def test_a_template_that_keeps_keys_refuses_a_renewal_with_another() -> None:
    """CERTSRV_E_RENEWAL_BAD_PUBLIC_KEY."""
    known = Knowledge(earlier_spki=small(number=2).spki_der)

    error = refusal(Case(small(), make.template(same_key_renewal=True), make.requester(), known))

    assert isinstance(error, errors.RenewalKeyDiffers)
    assert error.hresult == 0x80094816


def test_other_templates_let_a_renewal_bring_a_new_key() -> None:
    known = Knowledge(earlier_spki=small(number=2).spki_der)

    assert decide(Case(small(), make.template(), make.requester(), known)) == Issue()


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
