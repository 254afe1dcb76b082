"""Templates: changed by administrators only, and never into something dangerous."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Group

from enrollment.models import AuditEvent, Template

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User
    from django.test import Client

    SignIn = Callable[[User], Client]

pytestmark = pytest.mark.django_db

CLIENT_AUTHENTICATION = "1.3.6.1.5.5.7.3.2"


@pytest.fixture
def office(administrator: User, signed_in: SignIn) -> Client:
    """The desk, with a CA administrator at it."""
    return signed_in(administrator)


def change(client: Client, template: str, /, **changes: Any) -> Any:
    """Open the form of a template, change some fields, and save it."""
    row = Template.objects.get(name=template)
    address = f"/admin/enrollment/template/{row.pk}/change/"
    form = client.get(address).context["adminform"].form
    fields = {name: form[name].value() for name in form.fields}
    fields["enroll_groups"] = [group.pk for group in row.enroll_groups.all()]
    fields |= changes
    posted = {
        key: value for key, value in fields.items() if value is not None and value is not False
    }
    return client.post(address, posted, follow=True)


def errors(answer: Any) -> str:
    """Return the sentences a refused form shows."""
    form = answer.context["adminform"].form
    return " ".join(sentence for sentences in form.errors.values() for sentence in sentences)


def test_an_administrator_limits_the_names_of_a_template(office: Client) -> None:
    change(office, "WebServer", allowed_dns_suffixes="Example.COM\n*.internal.example.org")

    row = Template.objects.get(name="WebServer")
    assert row.allowed_dns_suffixes == ["example.com", "internal.example.org"]


def test_a_change_is_recorded_as_a_difference(office: Client) -> None:
    change(office, "WebServer", validity_days="365")

    event = AuditEvent.objects.get(subject="template WebServer")
    assert event.actor == "ada"
    assert event.detail["changes"]["validity_days"] == [730, 365]
    assert list(event.detail["changes"]) == ["validity_days"]


def test_saving_without_a_change_records_nothing(office: Client) -> None:
    answer = change(office, "WebServer")

    assert answer.redirect_chain
    assert not AuditEvent.objects.filter(subject="template WebServer").exists()


def test_a_change_of_content_makes_a_new_revision(office: Client) -> None:
    before = Template.objects.get(name="WebServer").minor_version
    change(office, "WebServer", validity_days="365")

    assert Template.objects.get(name="WebServer").minor_version == before + 1


def test_client_authentication_for_names_from_the_request_is_refused(office: Client) -> None:
    """ESC1: whoever may enroll could name somebody else and sign in as them."""
    answer = change(
        office, "WebServer", extended_key_usages=f"1.3.6.1.5.5.7.3.1\n{CLIENT_AUTHENTICATION}"
    )

    assert "ESC1" in errors(answer)
    assert CLIENT_AUTHENTICATION not in Template.objects.get(name="WebServer").extended_key_usages


def test_the_same_is_accepted_when_a_manager_approves(office: Client) -> None:
    change(
        office,
        "WebServer",
        extended_key_usages=f"1.3.6.1.5.5.7.3.1\n{CLIENT_AUTHENTICATION}",
        approval="always",
    )

    assert CLIENT_AUTHENTICATION in Template.objects.get(name="WebServer").extended_key_usages


@pytest.mark.parametrize("approval", ["none", "first-time"])
def test_certificates_of_cas_are_always_approved_by_a_person(approval: str, office: Client) -> None:
    answer = change(office, "SubCA", approval=approval)

    assert "always by a certificate manager" in errors(answer)
    assert Template.objects.get(name="SubCA").approval == "always"


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("minimum_rsa_bits", "1024", "can be broken"),
        ("minimum_rsa_bits", "512", "greater than or equal to 1024"),
        ("validity_days", "0", "greater than or equal to 1"),
        ("validity_days", "999999", "Choose 1 to 36,500"),
        ("renewal_days", "730", "as long as the validity"),
        ("allowed_keys", [], "No kind of key is allowed"),
        ("allowed_dns_suffixes", "not a name", "'not a name' is no DNS name"),
        ("allowed_ip_networks", "10.0.0.0/99", "'10.0.0.0/99' is no network"),
        ("allowed_name_patterns", "*", "fits every name"),
        ("extended_key_usages", "web things", "'web things' is no purpose we know"),
        ("key_usages", ["digital_signature", "key_cert_sign"], "belongs to CA certificates"),
        ("enroll_groups", [], "nobody may enroll"),
        ("display_name", "", "required"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(
    field: str, value: object, sentence: str, office: Client
) -> None:
    answer = change(office, "WebServer", **{field: value})

    assert sentence in errors(answer)
    assert not AuditEvent.objects.filter(subject="template WebServer").exists()


def test_a_purpose_may_be_written_as_it_is_shown(office: Client) -> None:
    change(office, "WebServer", extended_key_usages="Server Authentication\nIPsec IKE")

    row = Template.objects.get(name="WebServer")
    assert row.extended_key_usages[0] == "1.3.6.1.5.5.7.3.1"


def test_a_validity_beyond_the_end_of_the_ca_is_saved_with_a_warning(office: Client) -> None:
    page = change(office, "WebServer", validity_days="7300").content.decode()

    assert "The CA certificate ends on" in page
    assert Template.objects.get(name="WebServer").validity_days == 7300


def test_the_identity_of_a_template_cannot_be_changed(office: Client) -> None:
    """Certificates carry its number and clients send its name."""
    before = Template.objects.get(name="WebServer")
    change(office, "WebServer", name="Evil", oid="1.2.3", major_version="9", validity_days="365")

    after = Template.objects.get(pk=before.pk)
    assert (after.name, after.oid, after.major_version) == (
        before.name,
        before.oid,
        before.major_version,
    )


def act(client: Client, action: str, *names: str) -> str:
    """Choose an action for some templates of the list; return the page that follows."""
    chosen = [row.pk for row in Template.objects.filter(name__in=names)]
    answer = client.post(
        "/admin/enrollment/template/",
        {"action": action, "_selected_action": chosen},
        follow=True,
    )
    return answer.content.decode()


def test_publishing_is_a_choice_in_the_list(office: Client) -> None:
    row = Template.objects.get(name="IPSECIntermediateOffline")
    row.enroll_groups.set(Group.objects.filter(name="Enrollees"))

    act(office, "publish", row.name)

    row.refresh_from_db()
    assert row.published
    assert AuditEvent.objects.get(subject=f"template {row.name}").detail["changes"] == {
        "published": [False, True]
    }


def test_publishing_a_template_that_nobody_may_use_is_refused(office: Client) -> None:
    page = act(office, "publish", "IPSECIntermediateOffline")

    assert "nobody may enroll" in page
    assert not Template.objects.get(name="IPSECIntermediateOffline").published


def test_publishing_an_enrollment_agent_at_once_is_refused(office: Client) -> None:
    """ESC3: an agent requests certificates in the name of others."""
    row = Template.objects.get(name="EnrollmentAgent")
    row.enroll_groups.set(Group.objects.filter(name="Enrollees"))

    page = act(office, "publish", row.name)

    assert "ESC3" in page


def test_a_template_is_withdrawn_and_never_deleted(office: Client) -> None:
    act(office, "withdraw", "WebServer")
    row = Template.objects.get(name="WebServer")
    answer = office.post(f"/admin/enrollment/template/{row.pk}/delete/", {"post": "yes"})

    assert not row.published
    assert answer.status_code == 403


def test_a_new_template_gets_a_number_of_our_own_arc(office: Client) -> None:
    address = "/admin/enrollment/template/add/"
    fields = {
        "name": "Printer",
        "display_name": "Printer",
        "subject_source": "request",
        "approval": "always",
        "approvals_needed": "1",
        "extended_key_usages": "server authentication",
        "key_usages": ["digital_signature"],
        "allowed_keys": ["rsa", "ec-p256"],
        "minimum_rsa_bits": "2048",
        "validity_days": "365",
        "renewal_days": "42",
        "names_beyond": "deny",
        "held_names": "wait",
        "limit_per_requester": "0",
        "limit_per_name": "0",
        "limit_in_all": "0",
        "limit_days": "7",
        "ra_signatures": "0",
    }

    office.post(address, fields)

    arc = Template.objects.get(name="WebServer").oid.rsplit(".", 2)[0]
    assert Template.objects.get(name="Printer").oid.startswith(f"{arc}.")


@pytest.mark.parametrize("who", ["manager", "auditor"])
def test_nobody_else_changes_a_template(
    who: str, request: pytest.FixtureRequest, signed_in: SignIn
) -> None:
    client = signed_in(request.getfixturevalue(who))
    row = Template.objects.get(name="WebServer")

    answer = client.post(f"/admin/enrollment/template/{row.pk}/change/", {"validity_days": "1"})

    row.refresh_from_db()
    assert answer.status_code == 403
    assert row.validity_days == 730
