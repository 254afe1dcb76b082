"""The roll-over page: each key, what hangs on it, and what to do, in plain words."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone
from django.utils.html import strip_tags

from enrollment.services import ca_life, publication, retirement, rollover
from enrollment.services.rollover_duties import day
from tests.admin.conftest import submit

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from enrollment.models import Certificate
    from enrollment.services.setup import SetupReport

    SignIn = Callable[[User], Client]

pytestmark = pytest.mark.django_db

PAGE = "/admin/rollover/"


@pytest.fixture
def leaf(alice: User) -> Certificate:
    """A certificate below the first key, which is not the newest any more."""
    row = submit(alice, template="WebServer").certificate
    assert row is not None
    ca_life.renew(new_key=True, actor="test", now=timezone.now())
    return row


def cards(client: Client) -> dict[str, str]:
    """Return the text of each card, by the name of its key."""
    page = client.get(PAGE).content.decode()
    found = re.findall(
        r'<section class="desk-card desk-key" id="(key-\d+)".*?</section>', page, re.DOTALL
    )
    parts = re.split(r'<section class="desk-card desk-key" id="key-\d+"[^>]*>', page)[1:]
    return {
        name: " ".join(strip_tags(part.split("</section>")[0].replace("<dd>", " ")).split())
        for name, part in zip(found, parts, strict=True)
    }


def test_the_page_says_which_key_issues_and_until_when_the_other_is_needed(
    leaf: Certificate, desk: Client
) -> None:
    page = desk.get(PAGE).content.decode()

    assert f"Key 1 issues. Key 0 is needed until {day(leaf.not_after)}." in page


def test_each_key_has_a_card_with_what_hangs_on_it(leaf: Certificate, desk: Client) -> None:
    found = cards(desk)

    assert list(found) == ["key-1", "key-0"]
    assert "✓ Issues" in found["key-1"]
    assert "Certificates left 0" in found["key-1"]
    assert "◷ Needed" in found["key-0"]
    assert "Certificates left 1; the last one ends on" in found["key-0"]
    assert "EC secp256r1" in found["key-0"]
    assert "CRL 2; the next one is due on" in found["key-0"]


def test_cross_certificates_are_there_to_download(leaf: Certificate, desk: Client) -> None:
    page = desk.get(PAGE).content.decode()

    links = re.findall(r'href="(/CertEnroll/[^"]+)"', page)
    assert len(links) == 2
    assert {desk.get(link).headers["Content-Type"] for link in links} == {
        "application/x-x509-ca-cert"
    }


def test_a_key_that_can_go_is_said_to_with_what_to_type(
    leaf: Certificate, desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = leaf.not_after + timedelta(days=8)
    publication.publish(now=later, actor="test")
    keys = rollover.generations(later)
    monkeypatch.setattr(rollover, "generations", lambda _now: keys)

    text = cards(desk)["key-0"]

    assert "→ Can go" in text
    assert "python manage.py ca retire 0" in text
    assert "its last; good until the CA certificate ends" in text


def test_a_retired_key_stays_on_the_page(site: SetupReport, desk: Client) -> None:
    ca_life.renew(new_key=True, actor="test", now=timezone.now())
    retirement.retire(0, actor="test", now=timezone.now())

    assert "■ Retired" in cards(desk)["key-0"]


def test_a_site_that_never_rolled_over_has_one_card(site: SetupReport, desk: Client) -> None:
    assert list(cards(desk)) == ["key-0"]
    assert "There is no older key." in desk.get(PAGE).content.decode()


def test_without_a_ca_the_page_says_what_to_run(db: None, signed_in: SignIn) -> None:
    page = signed_in(User.objects.create_superuser("root")).get(PAGE)

    assert "There is no CA yet. Run: python manage.py setup" in page.content.decode()


@pytest.mark.parametrize(
    "group", ["CA Administrators", "Operators", "Auditors", "Certificate Managers"]
)
def test_who_reads_about_the_ca_reads_the_page(
    group: str, site: SetupReport, signed_in: SignIn
) -> None:
    person = User.objects.create_user("pat")
    person.groups.set(Group.objects.filter(name=group))

    assert signed_in(person).get(PAGE).status_code == 200


def test_a_requester_does_not(alice: User, signed_in: SignIn) -> None:
    assert signed_in(alice).get(PAGE).status_code == 403


def test_a_person_with_other_work_at_the_desk_does_not(
    site: SetupReport, signed_in: SignIn
) -> None:
    from django.contrib.auth.models import Permission

    person = User.objects.create_user("pat")
    person.user_permissions.set(Permission.objects.filter(codename="view_template"))
    person.user_permissions.add(Permission.objects.get(codename="change_template"))

    assert signed_in(person).get(PAGE).status_code == 403


def test_the_list_and_the_page_of_ca_certificates_lead_here(
    leaf: Certificate, desk: Client
) -> None:
    listed = desk.get("/admin/enrollment/authority/").content.decode()
    story = desk.get(f"/admin/enrollment/authority/{leaf.authority_id}/change/").content.decode()

    assert f'href="{PAGE}"' in listed
    assert f'href="{PAGE}#key-0"' in story
    assert "Cross certificate (0-1)" in story


def test_the_page_works_under_the_strict_policy(leaf: Certificate, desk: Client) -> None:
    page = desk.get(PAGE).content.decode()

    assert "<style" not in page
    assert " style=" not in page
    assert "!!missing" not in page
