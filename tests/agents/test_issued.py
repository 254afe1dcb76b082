"""What an agent gets for somebody else, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import Group, User

from enrollment.ca import hresult
from enrollment.ca.disposition import Disposition
from enrollment.ca.requester import Requester
from enrollment.models import Account, AuditEvent
from enrollment.services import delivery, directory
from tests import make, renewals
from tests.agents import asking
from tests.agents.asking import FORMS, Signature, by, pkcs7
from tests.attacks.playing import names_in
from tests.other_ca import upn
from tests.services.acts import certificate_of, change_template, issued, submit

if TYPE_CHECKING:
    from collections.abc import Callable


# --- what is issued ---


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_an_agent_gets_a_certificate_for_somebody_else(
    carol: User, alice: User, granted: Signature, form: Callable[[Signature], bytes]
) -> None:
    row = by(carol, form(granted))

    assert row.state is Disposition.ISSUED, row.detail
    assert (row.requester, row.account_id) == ("alice", alice.pk)
    assert (row.agent, row.agent_account_id) == ("carol", carol.pk)
    assert certificate_of(row).requester == "alice"
    assert upn("alice@corp.example.com") in names_in(issued(row))
    assert not any("carol" in str(name) for name in names_in(issued(row)))
    assert issued(row).public_key() == make.key("rsa:2048", 20).public_key()


def test_both_stand_in_the_audit_trail(carol: User, granted: Signature) -> None:
    row = by(carol, pkcs7(granted))

    events = {event.verb: event for event in AuditEvent.objects.filter(subject=f"request {row.pk}")}
    assert {event.actor for event in events.values()} == {"carol"}
    assert events["signing"].detail["on_behalf_of"] == "alice"
    assert events["signed"].detail["requester"] == "alice"
    assert events["signed"].detail["agent"] == "carol"


@pytest.mark.parametrize(
    "name", ["EXAMPLE\\alice", "example\\ALICE", "alice@corp.example.com", "alice"]
)
def test_a_name_is_written_as_at_sign_in(carol: User, granted: Signature, name: str) -> None:
    row = by(carol, pkcs7(replace(granted, named=name)))

    assert row.state is Disposition.ISSUED
    assert row.requester == "alice"


def test_the_identifier_in_it_is_that_of_whom_it_is_for(
    carol: User, alice: User, granted: Signature
) -> None:
    Account.objects.create(user=alice, sid="S-1-5-21-1-2-3-1104")
    Account.objects.create(user=carol, sid="S-1-5-21-1-2-3-500")

    certificate = issued(by(carol, pkcs7(granted)))

    found = [one for one in certificate.extensions if one.oid.dotted_string.endswith(".311.25.2")]
    assert [one.value.public_bytes()[-19:] for one in found] == [b"S-1-5-21-1-2-3-1104"]


def test_a_group_may_be_the_agent(carol: User, agent: Signature) -> None:
    desk = Group.objects.create(name="Smart card desk")
    asking.grant(desk)

    before = by(carol, pkcs7(agent))
    carol.groups.add(desk)
    after = by(carol, pkcs7(agent))

    assert before.state is Disposition.DENIED
    assert after.state is Disposition.ISSUED


# --- names and limits are those of whom it is for ---


def test_names_are_judged_as_if_the_other_asked(
    carol: User, alice: User, charlie: User, granted: Signature
) -> None:
    asking.grant(carol, "WebServer")
    submit(directory.requester_of(alice), "mine.example.com")
    of_alice = by(carol, pkcs7(granted), "WebServer")
    of_charlie = by(carol, pkcs7(replace(granted, named="EXAMPLE\\charlie")), "WebServer")

    assert of_alice.state is Disposition.ISSUED, of_alice.detail
    assert of_charlie.state is Disposition.UNDER_SUBMISSION
    assert "somebody else holds" in of_charlie.detail


def test_limits_count_for_whom_it_is(carol: User, granted: Signature, charlie: User) -> None:
    change_template("User", limit_per_requester=1)

    first = by(carol, pkcs7(granted))
    second = by(carol, pkcs7(granted))
    for_charlie = by(carol, pkcs7(replace(granted, named="EXAMPLE\\charlie")))

    assert first.state is for_charlie.state is Disposition.ISSUED
    assert "to alice" in second.detail


# --- afterwards ---


def test_both_find_it_and_nobody_else(
    carol: User, alice: User, charlie: User, granted: Signature
) -> None:
    row = by(carol, pkcs7(granted))
    mine = by(carol, asking.signed(replace(granted, named="EXAMPLE\\charlie")))

    seen = {
        user.username: [
            one.pk for one in delivery.requests_of(directory.requester_of(user)) if one.certificate
        ]
        for user in (carol, alice, charlie)
    }

    assert seen["alice"] == [row.pk]
    assert seen["charlie"] == [mine.pk]
    assert {row.pk, mine.pk} < set(seen["carol"])
    assert delivery.find(row.pk, directory.requester_of(carol)) == row
    assert delivery.find(row.pk, directory.requester_of(alice)) == row
    assert delivery.find(row.pk, directory.requester_of(charlie)) is None


def test_a_namesake_without_an_account_finds_nothing(
    carol: User, alice: User, granted: Signature
) -> None:
    for row in (by(carol, pkcs7(granted)), submit(directory.requester_of(alice))):
        for name in ("alice", "carol"):
            assert delivery.find(row.pk, Requester(name)) is None


def test_whom_it_is_for_renews_it_as_any_certificate(
    carol: User, alice: User, granted: Signature
) -> None:
    old = issued(by(carol, pkcs7(granted)))
    key = make.key("rsa:2048", 20)
    raw = renewals.openssl_cms_renewal(old, key, make.key("rsa:2048", 21))

    renewed, taken = by(alice, raw), by(carol, raw)

    assert renewed.state is Disposition.ISSUED, renewed.detail
    assert (renewed.requester, renewed.agent) == ("alice", "")
    assert taken.status_code == hresult.BAD_RENEWAL_SUBJECT
