"""ESC2: a certificate for any purpose, or without a purpose, which is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier

from enrollment.models import Template
from tests.admin.test_templates import act, change, errors
from tests.attacks.playing import ANY_PURPOSE, AT_ONCE, PURPOSES, SERVER, purposes_of

if TYPE_CHECKING:
    from django.test import Client

    from tests.attacks.playing import Attacker

ANY = x509.ExtendedKeyUsage([ObjectIdentifier(ANY_PURPOSE)])


@pytest.mark.parametrize("template", AT_ONCE)
@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param(f"CertificateUsage:{ANY_PURPOSE}", id="usage"),
        pytest.param("CertificateUsage:", id="empty usage"),
        pytest.param(f"ExtendedKeyUsage:{ANY_PURPOSE}", id="extended key usage"),
    ],
)
def test_no_request_widens_what_a_template_is_for(
    alice: Attacker, template: str, attributes: str
) -> None:
    answer = alice.ask(template, extensions=[ANY], attributes=attributes)

    assert purposes_of(answer.certificate) == PURPOSES[template]


@pytest.mark.parametrize("template", AT_ONCE)
def test_the_same_without_the_wish_is_issued(alice: Attacker, template: str) -> None:
    assert purposes_of(alice.ask(template).certificate) == PURPOSES[template]


@pytest.mark.parametrize("purposes", ["", ANY_PURPOSE, f"{SERVER}\n{ANY_PURPOSE}"])
@pytest.mark.parametrize("approval", ["none", "first-time"])
def test_the_desk_stores_no_such_template_that_issues_by_itself(
    office: Client, purposes: str, approval: str
) -> None:
    answer = change(office, "WebServer", extended_key_usages=purposes, approval=approval)

    assert "ESC" in errors(answer)
    assert Template.objects.get(name="WebServer").extended_key_usages == [SERVER]


def test_the_desk_publishes_no_such_template_either(office: Client) -> None:
    """Stored while it was not offered, and offered in a second step."""
    row = Template.objects.get(name="IPSECIntermediateOnline")
    row.enroll_groups.set(Template.objects.get(name="WebServer").enroll_groups.all())
    change(office, row.name, extended_key_usages=ANY_PURPOSE)

    page = act(office, "publish", row.name)

    assert "ESC2" in page
    assert not Template.objects.get(pk=row.pk).published


def test_the_same_desk_stores_and_publishes_a_template_with_a_purpose(office: Client) -> None:
    row = Template.objects.get(name="IPSECIntermediateOnline")
    row.enroll_groups.set(Template.objects.get(name="WebServer").enroll_groups.all())

    change(office, row.name, extended_key_usages=SERVER)
    act(office, "publish", row.name)

    row.refresh_from_db()
    assert row.published
    assert row.extended_key_usages == [SERVER]


def test_where_a_manager_decides_it_may_be_so(office: Client, alice: Attacker) -> None:
    change(office, "WebServer", extended_key_usages=ANY_PURPOSE, approval="always")

    assert alice.ask("WebServer").waits
