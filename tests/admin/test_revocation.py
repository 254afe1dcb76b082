"""Revoke, Hold and Release of one certificate at the desk: what is shown, and what is done."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from enrollment.ca.revocation import Act, Reason
from enrollment.models import AuditEvent, Authority, Certificate, EnrollmentRequest
from enrollment.services import revocation
from enrollment.services.revocation import Order, Revoker
from tests.admin.taking_back import (
    LIST,
    STATUS,
    ask,
    confirm,
    issue,
    page_of,
    state_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User
    from django.test import Client

    SignIn = Callable[[User], Client]

pytestmark = pytest.mark.django_db


@pytest.fixture
def certificate(alice: User) -> Certificate:
    """Alice's certificate."""
    return issue(alice)


def test_the_page_of_a_certificate_offers_what_its_state_allows(
    certificate: Certificate, desk: Client
) -> None:
    valid = desk.get(f"{LIST}{certificate.pk}/change/").context["acts"]
    confirm(desk, "hold", certificate)
    held = desk.get(f"{LIST}{certificate.pk}/change/").context["acts"]
    confirm(desk, "revoke", certificate, reason="4")
    revoked = desk.get(f"{LIST}{certificate.pk}/change/").context["acts"]

    assert valid == (Act.REVOKE, Act.HOLD)
    assert held == (Act.REVOKE, Act.RELEASE)
    assert revoked == ()


def test_nothing_happens_before_it_is_confirmed(certificate: Certificate, desk: Client) -> None:
    page = ask(desk, "revoke", certificate, reason="1").content.decode()

    assert "Revoke this certificate?" in page
    assert "never taken back" in page
    assert "www.example.com" in page
    assert "alice" in page
    assert state_of(certificate) == "valid"


def test_every_reason_is_offered_in_plain_words(certificate: Certificate, desk: Client) -> None:
    page = ask(desk, "revoke", certificate).content.decode()

    assert "The private key is, or may be, in other hands." in page
    assert "Another certificate took its place." in page
    assert 'value="6"' not in page
    assert 'value="8"' not in page


def test_a_revocation_is_done_and_the_list_named(certificate: Certificate, desk: Client) -> None:
    page = confirm(desk, "revoke", certificate, reason="1", invalid_since="2026-01-02T03:04")

    assert "for www.example.com, issued to alice, is revoked; CRL 2 says so." in page
    assert "Revoked since" in page
    assert "key compromise" in page
    assert "Not to be trusted since 2026-01-02 03:04 UTC." in page
    assert state_of(certificate) == "key compromise"


def test_a_hold_is_a_state_of_its_own_and_ends(certificate: Certificate, desk: Client) -> None:
    held = confirm(desk, "hold", certificate)
    listed = desk.get(LIST).content.decode()
    released = confirm(desk, "release", certificate)

    assert "On hold since" in held
    for page in (held, listed):
        assert "</span> On hold</span>" in page
        assert "</span> Revoked</span>" not in page
    assert "is valid again; CRL 3 says so." in released
    assert state_of(certificate) == "valid"


def test_a_request_whose_certificate_is_held_says_so(
    certificate: Certificate, desk: Client
) -> None:
    confirm(desk, "hold", certificate)
    number = EnrollmentRequest.objects.get().pk

    for address in ("", f"{number}/change/"):
        page = desk.get(f"/admin/enrollment/enrollmentrequest/{address}").content.decode()
        assert "</span> On hold</span>" in page
        assert "</span> Revoked</span>" not in page


def test_who_did_it_and_why_stands_with_the_events_of_the_request(
    certificate: Certificate, desk: Client
) -> None:
    confirm(desk, "revoke", certificate, reason="5")

    events = desk.get(f"{LIST}{certificate.pk}/change/").context["events"]

    assert [event.verb for event in events] == ["revoked", "signed", "signing"]
    assert "revoked by <bdi>maria</bdi>: <bdi>cessation of operation</bdi>" in page_of(
        desk, certificate
    )


def test_the_audit_trail_opens_at_both_stories(
    certificate: Certificate, administrator: User, desk: Client, signed_in: SignIn
) -> None:
    confirm(desk, "hold", certificate)
    auditing = signed_in(administrator)
    address = auditing.get(f"{LIST}{certificate.pk}/change/").context["events_address"]

    listed = auditing.get(address)

    assert {event.verb for event in listed.context["cl"].result_list} == {
        "put on hold", "signed", "signing",
    }  # fmt: skip


# --- what is said wrong ---


@pytest.mark.parametrize("reason", ["", "6", "8", "99", "x"])
def test_a_revocation_wants_one_of_the_reasons(
    reason: str, certificate: Certificate, desk: Client
) -> None:
    page = confirm(desk, "revoke", certificate, reason=reason)

    assert "desk-error" in page
    assert state_of(certificate) == "valid"


@pytest.mark.parametrize(
    ("moment", "sentence"),
    [
        ("2999-01-01T00:00", "lies in the future"),
        ("0001-01-01T00:00", "lies before 1950"),
        ("yesterday", "This is no date and time."),
        ("9" * 99, "This is no date and time."),
    ],
)
def test_a_date_that_cannot_be_is_said_at_its_field(
    moment: str, sentence: str, certificate: Certificate, desk: Client
) -> None:
    page = confirm(desk, "revoke", certificate, reason="1", invalid_since=moment)

    assert sentence in page
    assert state_of(certificate) == "valid"


def test_what_was_revoked_is_not_revoked_again(certificate: Certificate, desk: Client) -> None:
    confirm(desk, "revoke", certificate, reason="1")

    asked = ask(desk, "revoke", certificate).content.decode()
    replayed = confirm(desk, "revoke", certificate, reason="4")

    assert "Left out: The certificate is revoked since" in asked
    assert 'class="desk-danger"' not in asked
    assert "was left as it is. The certificate is revoked since" in replayed
    assert state_of(certificate) == "key compromise"
    assert AuditEvent.objects.filter(verb="revoked").count() == 1


def test_another_manager_was_faster(certificate: Certificate, desk: Client) -> None:
    """The page said it could be put on hold; meanwhile somebody revoked it."""
    ask(desk, "hold", certificate)
    revocation.change_status(
        [certificate],
        Order(Act.REVOKE, Reason.KEY_COMPROMISE),
        Revoker("moritz", may_revoke=True),
        now=timezone.now(),
    )

    page = confirm(desk, "hold", certificate)

    assert "was left as it is. The certificate is revoked since" in page
    assert state_of(certificate) == "key compromise"


def test_what_has_ended_is_left_out_and_said_why(certificate: Certificate, desk: Client) -> None:
    Certificate.objects.update(not_after=timezone.now() - timedelta(days=1))

    assert "Left out: The certificate ended on" in ask(desk, "revoke", certificate).content.decode()


@pytest.mark.parametrize(
    "fields",
    [
        {"act": "revoke"},
        {"act": "revoke", "certificate": "999"},
        {"act": "revoke", "certificate": "x"},
        {"act": "revoke", "certificate": "9" * 400},
        {"act": "revoke", "certificate": "-1", "confirmed": "1", "reason": "1"},
        {"act": "burn", "certificate": "1"},
        {"act": "revoke", "requester": "nobody"},
        {"act": "revoke", "requester": "x" * 999},
        {"act": "revoke", "key": "\x00"},
        {},
    ],
)
def test_a_selection_of_nothing_is_answered_with_a_sentence(
    fields: dict[str, str], certificate: Certificate, desk: Client
) -> None:
    answer = desk.post(STATUS, fields, follow=True)

    assert answer.status_code == 200
    assert len(list(answer.context["messages"])) == 1
    assert state_of(certificate) == "valid"


def test_a_list_that_cannot_be_published_is_said_and_the_change_stands(
    certificate: Certificate, desk: Client
) -> None:
    Authority.objects.update(key_reference="keys/lost.pem")

    page = confirm(desk, "revoke", certificate, reason="1")

    assert "is revoked, but no CRL could be published" in page
    assert "The next publication says so." in page
    assert state_of(certificate) == "key compromise"
