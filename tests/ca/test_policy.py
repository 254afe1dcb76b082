"""request + template + requester + knowledge -> Issue, Hold or Deny: both sides of every rule."""

from __future__ import annotations

from dataclasses import replace

import pytest

from enrollment.ca import errors
from enrollment.ca.keys import KeyKind
from enrollment.ca.policy import (
    Case,
    Hold,
    Issue,
    Knowledge,
    LostKey,
    decide,
)
from enrollment.ca.request import CertificationRequest, parse_certification_request
from enrollment.ca.revocation import Reason
from enrollment.ca.template import Approval, NameRules
from tests import make, messages
from tests.ca.cases import refusal, small


def signed_with_sha1() -> CertificationRequest:
    octets = messages.pkcs10(make.key(), messages.common_name("www.example.com"), digest="sha1")
    return parse_certification_request(octets)


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
    monkeypatch.setattr("enrollment.ca.policy.weakness", lambda _key, **_: "The modulus is even.")

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


# --- a key that was lost ---


@pytest.mark.parametrize("reason", [Reason.KEY_COMPROMISE, Reason.CA_COMPROMISE])
def test_a_key_that_is_in_other_hands_is_refused_for_good(reason: Reason) -> None:
    """CERT_E_REVOKED (0x800b010c)."""
    known = Knowledge(lost_key=LostKey("4a", reason))

    error = refusal(Case(small(), make.template(), make.requester(), known))

    assert isinstance(error, errors.KeyCompromised)
    assert error.hresult == 0x800B010C
    assert f"certificate 4a, which was revoked because of {reason.label}" in error.detail
    assert error.remedy.startswith("Make a new key")


def test_a_lost_key_is_no_question_for_a_manager() -> None:
    known = Knowledge(lost_key=LostKey("4a", Reason.KEY_COMPROMISE))
    template = make.template(approval=Approval.ALWAYS)

    error = refusal(Case(small(), template, make.requester(), known))

    assert isinstance(error, errors.KeyCompromised)


def test_a_key_that_was_lost_is_said_before_that_it_is_of_the_wrong_kind() -> None:
    """Another kind of the same key is no help; a new key is."""
    known = Knowledge(lost_key=LostKey("4a", Reason.KEY_COMPROMISE))
    template = make.template(allowed_keys=(KeyKind.RSA,))

    error = refusal(Case(small(), template, make.requester(), known))

    assert isinstance(error, errors.KeyCompromised)


def test_who_may_not_enroll_learns_nothing_of_a_lost_key() -> None:
    known = Knowledge(lost_key=LostKey("4a", Reason.KEY_COMPROMISE))
    stranger = make.requester(groups=frozenset())

    assert isinstance(
        refusal(Case(small(), make.template(), stranger, known)), errors.TemplateDenied
    )
