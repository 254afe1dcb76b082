"""Revoke, Hold and Release at the desk: what is shown, what is done, and who may."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from enrollment.admin import target
from enrollment.ca.disposition import Disposition
from enrollment.ca.revocation import Act, Reason
from enrollment.models import AuditEvent, Authority, Certificate, EnrollmentRequest
from enrollment.services import revocation
from enrollment.services.revocation import Order, Revoker
from tests.admin.conftest import submit
from tests.conftest import person

if TYPE_CHECKING:
    from collections.abc import Callable

    SignIn = Callable[[User], Client]

pytestmark = pytest.mark.django_db

STATUS = "/admin/certificates/status/"
LIST = "/admin/enrollment/certificate/"


def issue(user: User, name: str = "www.example.com", **options: Any) -> Certificate:
    row = submit(user, name, template="WebServer", **options).certificate
    assert row is not None
    return row


@pytest.fixture
def certificate(alice: User) -> Certificate:
    """Alice's certificate."""
    return issue(alice)


@pytest.fixture
def on_duty(certificate: Certificate, signed_in: SignIn) -> Client:
    """The desk, with somebody at it who may revoke and not review."""
    return signed_in(person("rita", "Certificate Revokers"))


def ask(client: Client, act: str, *rows: Certificate, **fields: str) -> Any:
    """Choose an act; return the page that asks again."""
    return client.post(STATUS, {"act": act, "certificate": [row.pk for row in rows], **fields})


def confirm(client: Client, act: str, *rows: Certificate, **fields: str) -> str:
    """Confirm an act; return the page that follows."""
    said = {"act": act, "certificate": [row.pk for row in rows], "confirmed": "1", **fields}
    return str(client.post(STATUS, said, follow=True).content.decode())


def confirm_all(client: Client, act: str, **fields: str) -> str:
    """Choose an act for a set, read the page, and confirm what it counted."""
    page = client.post(STATUS, {"act": act, **fields})
    newest = str(page.context["asked"].newest)
    return confirm(client, act, newest=newest, **fields)


def state_of(row: Certificate) -> str:
    """Return ``valid``, or the reason for which a certificate is not."""
    row.refresh_from_db()
    return "valid" if row.revoked_at is None else Reason(row.revocation_reason or 0).label


def page_of(client: Client, row: Certificate) -> str:
    return client.get(f"{LIST}{row.pk}/change/").content.decode()


# --- one certificate ---


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


# --- several ---


def test_several_are_selected_in_the_list(alice: User, charlie: User, desk: Client) -> None:
    rows = [issue(alice, "a.example.com"), issue(charlie, "c.example.com")]
    listed = desk.get(LIST).content.decode()

    page = confirm(desk, "revoke", *rows, reason="4")

    assert [f'name="certificate" value="{row.pk}"' in listed for row in rows] == [True, True]
    assert "2 certificates are revoked; CRL 2 says so." in page
    assert [state_of(row) for row in rows] == ["superseded", "superseded"]


def test_those_that_cannot_be_changed_are_said_before_and_the_others_done(
    alice: User, desk: Client
) -> None:
    gone, good = issue(alice, "gone.example.com"), issue(alice, "good.example.com")
    confirm(desk, "revoke", gone, reason="1")

    asked = ask(desk, "hold", gone, good)
    done = confirm(desk, "hold", gone, good)

    problems = {c.names: bool(c.problem) for c in asked.context["asked"].candidates}
    assert problems == {"gone.example.com": True, "good.example.com": False}
    assert f'name="certificate" value="{gone.pk}"' not in asked.content.decode()
    assert "issued to alice, is on hold" in done
    assert "The certificate for gone.example.com, issued to alice, was left as it is." in done


# --- all of a requester, all of a key ---


def test_all_valid_certificates_of_a_requester_are_counted_and_revoked(
    alice: User, charlie: User, desk: Client
) -> None:
    rows = [issue(alice, f"{name}.example.com") for name in "abc"]
    other = issue(charlie, "c.example.org")
    confirm(desk, "revoke", rows[0], reason="1")

    asked = desk.post(STATUS, {"act": "revoke", "requester": "alice"})
    done = confirm_all(desk, "revoke", requester="alice", reason="9")

    assert asked.context["asked"].count == 2
    assert "Revoke all certificates of alice?" in asked.content.decode()
    assert "2 certificates are revoked; CRL 3 says so." in done
    assert [state_of(row) for row in rows] == ["key compromise"] + ["privilege withdrawn"] * 2
    assert state_of(other) == "valid"


def test_all_with_one_key_are_revoked_whoever_has_them(
    alice: User, charlie: User, desk: Client
) -> None:
    rows = [issue(alice), issue(charlie, "c.example.org")]

    page = confirm_all(desk, "revoke", key=rows[0].spki_sha256, reason="1")

    assert "2 certificates are revoked" in page
    assert [state_of(row) for row in rows] == ["key compromise"] * 2


def test_all_on_hold_are_released_together(alice: User, desk: Client) -> None:
    rows = [issue(alice, f"{name}.example.com") for name in "ab"]
    confirm_all(desk, "hold", requester="alice")

    assert "2 certificates are valid again" in confirm_all(desk, "release", requester="alice")
    assert [state_of(row) for row in rows] == ["valid", "valid"]


def test_what_was_issued_after_the_page_was_shown_is_told_and_not_touched(
    alice: User, desk: Client
) -> None:
    first = issue(alice, "first.example.com")
    page = desk.post(STATUS, {"act": "revoke", "requester": "alice"})
    second = issue(alice, "second.example.com")

    answer = confirm(desk, "revoke", requester="alice", reason="1",
                     newest=str(page.context["asked"].newest))  # fmt: skip

    assert "1 certificate of alice is left" in answer
    assert [state_of(first), state_of(second)] == ["key compromise", "valid"]


@pytest.mark.parametrize("newest", [{}, {"newest": ""}, {"newest": "x"}])
def test_a_set_that_was_never_counted_is_not_changed(
    newest: dict[str, str], certificate: Certificate, desk: Client
) -> None:
    page = confirm(desk, "revoke", requester="alice", reason="1", **newest)

    assert "Revoke all certificates of alice?" in page
    assert state_of(certificate) == "valid"


def test_a_large_set_is_done_in_goes(
    alice: User, desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(target, "MOST_AT_ONCE", 2)
    monkeypatch.setattr("enrollment.admin.revoke.MOST_AT_ONCE", 2)
    rows = [issue(alice, f"{name}.example.com") for name in "abc"]

    asked = desk.post(STATUS, {"act": "revoke", "requester": "alice"}).content.decode()
    first = confirm_all(desk, "revoke", requester="alice", reason="4")
    confirm_all(desk, "revoke", requester="alice", reason="4")

    assert "so many are done in one go" in asked
    assert "1 certificate of alice is left" in first
    assert [state_of(row) for row in rows] == ["superseded"] * 3


def test_a_long_set_is_listed_in_part_and_meant_as_a_whole(
    certificate: Certificate, desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("enrollment.admin.revoke.SHOWN", 1)
    issue(certificate.request.account or User(), "second.example.com")

    page = desk.post(STATUS, {"act": "revoke", "requester": "alice"}).content.decode()

    assert "The first 1 are listed; all are meant." in page


def test_the_sets_are_offered_where_they_are_seen(alice: User, charlie: User, desk: Client) -> None:
    row, _ = issue(alice), issue(charlie, "c.example.org")

    alone = desk.get(LIST).context["holdings"]
    by_requester = desk.get(LIST, {"q": "alice"}).context["holdings"]
    by_key = desk.get(LIST, {"key": row.spki_sha256})
    on_page = desk.get(f"{LIST}{row.pk}/change/").context["holdings"]

    assert alone == ()
    assert [one.value for one in by_requester] == ["alice"]
    assert [one.value for one in by_key.context["holdings"]] == [row.spki_sha256]
    assert by_key.context["cl"].result_count == 2
    # Alice has one certificate; its key is Charlie's, too.
    assert [one.value for one in on_page] == [row.spki_sha256]


def test_the_page_of_an_account_leads_to_its_certificates(
    certificate: Certificate, alice: User, signed_in: SignIn, administrator: User
) -> None:
    page = signed_in(administrator).get(f"/admin/auth/user/{alice.pk}/change/")
    root = signed_in(User.objects.create_superuser("root"))
    both = root.get(f"/admin/auth/user/{alice.pk}/change/")

    assert f'{LIST}?q=alice"' in page.content.decode()
    assert page.context["holdings"] == ()
    assert [one.value for one in both.context["holdings"]] == ["alice"]


# --- who may ---


def test_who_may_only_review_revokes_nothing(certificate: Certificate, signed_in: SignIn) -> None:
    """Approval and taking back are granted apart from each other."""
    clerk = User.objects.create_user("clerk")
    clerk.user_permissions.set(
        Permission.objects.filter(codename__in=["review_enrollmentrequest", "view_certificate"])
    )
    client = signed_in(clerk)

    listed = client.get(LIST).content.decode()
    shown = page_of(client, certificate)
    statuses = {
        client.post(STATUS, {"act": act, "confirmed": "1", "reason": "1", **fields}).status_code
        for act in Act
        for fields in (
            {"certificate": str(certificate.pk)},
            {"requester": "alice", "newest": "9"},
            {"key": certificate.spki_sha256, "newest": "9"},
        )
    }

    assert statuses == {403}
    assert state_of(certificate) == "valid"
    assert 'name="certificate"' not in listed
    assert STATUS not in listed + shown


def test_who_may_only_revoke_reviews_nothing(
    certificate: Certificate, alice: User, on_duty: Client
) -> None:
    waiting = submit(alice, "waits.example.com")

    revoked = confirm(on_duty, "revoke", certificate, reason="1")
    decided = on_duty.post(
        f"/admin/enrollment/enrollmentrequest/{waiting.pk}/decide/",
        {"act": "deny", "reason": "no"},
    )

    waiting.refresh_from_db()
    assert "is revoked; CRL 2 says so." in revoked
    assert decided.status_code == 403
    assert waiting.disposition == Disposition.UNDER_SUBMISSION
    assert on_duty.get("/admin/", follow=True).status_code == 200


@pytest.mark.parametrize("role", ["Auditors", "CA Administrators", "Enrollees", "Operators"])
def test_no_other_role_takes_anything_back(
    role: str, certificate: Certificate, signed_in: SignIn
) -> None:
    client = signed_in(person("somebody", role))

    answer = ask(client, "revoke", certificate, confirmed="1", reason="1")

    assert answer.status_code == 403
    assert state_of(certificate) == "valid"


def test_a_stranger_takes_nothing_back(certificate: Certificate) -> None:
    answer = ask(Client(SERVER_NAME="localhost"), "revoke", certificate, confirmed="1", reason="1")

    assert answer.status_code in (302, 401)
    assert state_of(certificate) == "valid"


def test_a_right_that_is_taken_away_is_gone_with_the_next_click(
    certificate: Certificate, manager: User, desk: Client
) -> None:
    asked = ask(desk, "revoke", certificate).status_code
    manager.groups.clear()

    done = ask(desk, "revoke", certificate, confirmed="1", reason="1").status_code

    assert (asked, done) == (200, 403)
    assert state_of(certificate) == "valid"


def test_an_account_that_is_switched_off_takes_nothing_back(
    certificate: Certificate, manager: User, desk: Client
) -> None:
    User.objects.filter(pk=manager.pk).update(is_active=False)

    ask(desk, "revoke", certificate, confirmed="1", reason="1")

    assert state_of(certificate) == "valid"


def test_a_post_without_the_token_does_nothing(certificate: Certificate, manager: User) -> None:
    client = Client(SERVER_NAME="localhost", enforce_csrf_checks=True)
    client.force_login(manager)

    answer = ask(client, "revoke", certificate, confirmed="1", reason="1")

    assert answer.status_code == 403
    assert state_of(certificate) == "valid"


def test_a_link_does_nothing(certificate: Certificate, desk: Client) -> None:
    answer = desk.get(f"{STATUS}?act=revoke&certificate={certificate.pk}&confirmed=1&reason=1")

    assert answer.status_code == 405
    assert state_of(certificate) == "valid"


def test_the_pages_work_under_the_strict_policy(certificate: Certificate, desk: Client) -> None:
    """No inline style, script or handler: the policy of the site forbids all three."""
    pages = [desk.get(LIST, {"q": "alice"}), desk.get(f"{LIST}{certificate.pk}/change/")]
    pages += [ask(desk, act, certificate) for act in ("revoke", "hold", "release")]

    for page in pages:
        text = page.content.decode()
        assert "<style" not in text
        assert " style=" not in text
        assert "<script>" not in text


def test_a_hostile_name_is_shown_escaped(alice: User, desk: Client) -> None:
    row = issue(alice, "<script>alert(1)</script>\u202egnp.exe")

    for page in (ask(desk, "revoke", row).content.decode(),
                 confirm(desk, "revoke", row, reason="1")):  # fmt: skip
        assert "<script>alert" not in page
        assert "\u202e" not in page
