"""Whose signature counts, for whom it names, and who may send it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from enrollment.ca import hresult
from enrollment.ca.disposition import Disposition
from enrollment.ca.policy import Issue
from enrollment.ca.revocation import Act, Reason
from enrollment.models import AgentGrant, Certificate
from enrollment.services import directory, judgement, meanwhile
from tests import make
from tests.agents import asking
from tests.agents.asking import FOR_ALICE, Signature, by, pkcs7
from tests.conftest import person
from tests.services.acts import certificate_of, change_template, issued, submit, take_back
from tests.services.strangers import certificate_of_a_strange_ca

if TYPE_CHECKING:
    from tests.services.acts import Configure


# --- the signature ---


def test_a_certificate_for_other_purposes_signs_for_nobody(carol: User, granted: Signature) -> None:
    own = submit(directory.requester_of(carol), template="User", number=12)
    other = Signature(issued(own), make.key("ec:p256", 12), FOR_ALICE)

    row = by(carol, pkcs7(other))

    assert row.status_code == hresult.SIGNATURE_REJECTED


def test_a_certificate_of_another_ca_signs_for_nobody(carol: User, granted: Signature) -> None:
    strange = Signature(certificate_of_a_strange_ca("carol"), make.key(), FOR_ALICE)

    assert by(carol, pkcs7(strange)).status_code == hresult.UNTRUSTED_ROOT


def test_a_broken_hash_names_nobody(carol: User, granted: Signature) -> None:
    """Whoever finds a second message of the same hash would choose for whom it is."""
    weak = replace(granted, digest="sha1")

    row = by(carol, pkcs7(weak))
    assert row.status_code == hresult.WEAK_SIGNATURE_OR_KEY
    assert "The enrollment agent signed with" in row.detail

    change_template("User", weak_request_signatures=True)
    assert by(carol, pkcs7(weak)).disposition == Disposition.ISSUED.value


@pytest.mark.parametrize("act", [Act.REVOKE, Act.HOLD])
def test_a_certificate_that_was_taken_back_signs_for_nobody(
    carol: User, granted: Signature, act: Act
) -> None:
    take_back(Certificate.objects.get(template_name="EnrollmentAgent"), act=act)

    assert by(carol, pkcs7(granted)).status_code == hresult.CERT_REVOKED


def test_a_certificate_that_has_ended_signs_for_nobody(
    carol: User, granted: Signature, configure: Configure
) -> None:
    """Not even within the days that a renewal is given."""
    configure(CERTSRV_RENEWAL_GRACE_DAYS="3650")
    Certificate.objects.filter(template_name="EnrollmentAgent").update(
        not_after=timezone.now() - timedelta(minutes=1)
    )

    assert by(carol, pkcs7(granted)).status_code == hresult.CERT_EXPIRED


def test_a_key_that_is_in_other_hands_signs_for_nobody(carol: User, granted: Signature) -> None:
    row = submit(directory.requester_of(carol), template="User", number=11)
    take_back(certificate_of(row), reason=Reason.KEY_COMPROMISE)

    assert by(carol, pkcs7(granted)).status_code == hresult.CERT_REVOKED


def test_a_message_that_was_changed_on_its_way_is_refused(carol: User, granted: Signature) -> None:
    raw = pkcs7(granted)
    utf16 = "alice".encode("utf-16-be")
    assert raw.count(utf16) == 1

    row = by(carol, raw.replace(utf16, "carol".encode("utf-16-be")))

    assert row.status_code == hresult.NTE_BAD_SIGNATURE


# --- the sender ---


def test_who_overhears_a_message_cannot_use_it(
    carol: User, alice: User, charlie: User, granted: Signature
) -> None:
    """Not another agent with the same grant, and not the one it is for."""
    asking.certify(charlie, 13)
    asking.grant(charlie)
    raw = pkcs7(granted)

    for thief in (charlie, alice):
        row = by(thief, raw)
        assert row.status_code == hresult.BAD_RENEWAL_SUBJECT
        assert row.requester == thief.username
    assert by(carol, raw).state is Disposition.ISSUED


def test_its_sender_may_send_it_twice(carol: User, granted: Signature) -> None:
    """As any request: the second is another certificate, judged by the rights of its own moment."""
    raw = pkcs7(granted)
    first, second = by(carol, raw), by(carol, raw)
    AgentGrant.objects.all().delete()
    third = by(carol, raw)

    assert first.certificate != second.certificate
    assert third.status_code == hresult.ENROLL_DENIED


def test_a_namesake_of_an_agent_is_not_the_agent(carol: User, granted: Signature) -> None:
    User.objects.filter(pk=carol.pk).update(username="carol-who-left")
    namesake = person("carol", "Enrollees")
    asking.grant(namesake)

    assert by(namesake, pkcs7(granted)).state is Disposition.DENIED


# --- where the name must stand ---


def test_a_name_that_no_signature_covers_names_nobody(carol: User, granted: Signature) -> None:
    raw = pkcs7(replace(granted, named="", named_unsigned=FOR_ALICE))

    row = by(carol, raw)

    assert row.requester == "carol"
    assert row.agent == ""


def test_a_name_in_the_request_within_names_nobody(carol: User, granted: Signature) -> None:
    """Whoever has the new key wrote it, and the agent may not have looked."""
    raw = asking.signed(replace(granted, named=""), attributes=[asking.name_attribute(FOR_ALICE)])

    row = by(carol, raw)

    assert row.requester == "carol"
    assert row.agent == ""


def test_a_name_beside_the_message_names_nobody(carol: User, granted: Signature) -> None:
    raw = pkcs7(replace(granted, named="EXAMPLE\\alice"))

    row = submit(
        directory.requester_of(carol), raw=raw, template="User\r\nRequesterName:EXAMPLE\\charlie"
    )

    assert row.requester == "alice"


def test_a_name_that_only_the_new_key_signs_asks_for_an_agent(carol: User) -> None:
    row = by(carol, asking.full_cmc(named="EXAMPLE%5Calice"))

    assert row.status_code == hresult.SIGNATURE_POLICY_REQUIRED


def test_two_names_are_none(carol: User, granted: Signature, charlie: User) -> None:
    raw = asking.full_cmc(granted, named="EXAMPLE%5Ccharlie")

    assert by(carol, raw).status_code == hresult.INVALID_DATA


def test_every_signature_says_for_whom_it_is(
    carol: User, granted: Signature, charlie: User
) -> None:
    """Else one agent's signature could be put beside what another one signed."""
    other = asking.certify(charlie, 13)
    asking.grant(charlie)

    silent = by(carol, asking.signed(granted, other))
    both = by(carol, asking.signed(granted, replace(other, named=FOR_ALICE)))

    assert silent.status_code == hresult.INVALID_DATA
    assert both.state is Disposition.ISSUED


# --- templates that want agents ---


def test_who_asks_for_themselves_is_refused_where_agents_must_sign(
    carol: User, granted: Signature
) -> None:
    change_template("User", ra_signatures=1)

    own = submit(directory.requester_of(carol), template="User")
    for_another = by(carol, pkcs7(granted))

    assert own.status_code == hresult.SIGNATURE_POLICY_REQUIRED
    assert for_another.state is Disposition.ISSUED


def test_nor_are_they_their_own_agent_there(carol: User, granted: Signature, charlie: User) -> None:
    other = asking.certify(charlie, 13)
    asking.grant(charlie)
    change_template("User", ra_signatures=1)
    alone = by(carol, pkcs7(replace(granted, named="carol")))
    change_template("User", ra_signatures=2)
    each = [replace(signature, named="charlie") for signature in (granted, other)]
    beside = by(carol, asking.signed(*each))

    assert alone.status_code == hresult.SIGNATURE_POLICY_REQUIRED
    assert beside.status_code == hresult.SIGNATURE_COUNT


def test_two_agents_are_two_people(carol: User, granted: Signature, charlie: User) -> None:
    change_template("User", ra_signatures=2)
    second = replace(asking.certify(carol, 14), named=FOR_ALICE)
    other = replace(asking.certify(charlie, 13), named=FOR_ALICE)

    alone = by(carol, pkcs7(granted))
    twice = by(carol, asking.signed(granted, second))
    not_granted = by(carol, asking.signed(granted, other))
    asking.grant(charlie)
    both = by(carol, asking.signed(granted, other))

    assert alone.status_code == twice.status_code == hresult.SIGNATURE_COUNT
    assert not_granted.status_code == hresult.ENROLL_DENIED
    assert both.state is Disposition.ISSUED, both.detail
    assert "signed by carol, charlie" in both.remarks[-1]


def test_a_second_look_at_the_commit_knows_the_agents(carol: User, granted: Signature) -> None:
    """What others were granted meanwhile is looked at once more, by the same rules."""
    change_template("User", ra_signatures=1, limit_per_requester=9)
    sender, now = directory.requester_of(carol), timezone.now()
    request = judgement.read(pkcs7(granted))
    judged = judgement.judge(request, "CertificateTemplate:User", sender, now=now)
    by(carol, pkcs7(granted))

    with transaction.atomic():
        assert meanwhile.decide_again(judged, now=now) == Issue()


def test_a_disabled_agent_counts_for_nothing(
    carol: User, granted: Signature, charlie: User
) -> None:
    other = replace(asking.certify(charlie, 13), named=FOR_ALICE)
    asking.grant(charlie)
    User.objects.filter(pk=charlie.pk).update(is_active=False)

    row = by(carol, asking.signed(granted, other))

    assert row.status_code == hresult.SIGNATURE_REJECTED


def test_a_template_may_want_another_purpose_beside(carol: User, granted: Signature) -> None:
    change_template("User", ra_application_policy="1.3.6.1.4.1.311.10.3.10")
    refused = by(carol, pkcs7(granted))
    change_template("User", ra_application_policy="1.3.6.1.4.1.311.20.2.1")

    assert refused.status_code == hresult.SIGNATURE_REJECTED
    assert by(carol, pkcs7(granted)).state is Disposition.ISSUED
