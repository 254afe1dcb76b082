"""The banner and the page that say how the CA is, and who sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from enrollment.ca.check import Check, Severity
from enrollment.services import condition, reports
from enrollment.services.condition import Scope
from tests.conftest import person

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User
    from django.test import Client

    from enrollment.services.setup import SetupReport

    SignIn = Callable[[User], Client]

pytestmark = pytest.mark.django_db
PAGE = "/admin/condition/"
CHECK = "/admin/condition/check/"
STALE = Check(
    "CRL as served", Severity.WARNING, "It serves <old> list 4.", "http://a.example/CA.crl"
)
FULL = Check("Disk", Severity.CRITICAL, "100 MB are free. Make room.")
FINE = Check("CA key", Severity.OK, "It opens.")
ROLES = {
    "Certificate Managers": False,
    "CA Administrators": True,
    "Auditors": False,
    "Operators": True,
}


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Scope, ...]]:
    """Look without looking."""
    seen: list[tuple[Scope, ...]] = []

    def check(_now: object, *scopes: Scope) -> dict[Scope, tuple[Check, ...]]:
        seen.append(scopes)
        return {Scope.SITE: (FINE,)}

    monkeypatch.setattr(condition, "check", check)
    return seen


def found(*checks: Check) -> None:
    """Let the last look have found this."""
    reports.store({Scope.SITE: checks}, timezone.now())


def text(client: Client, address: str = PAGE) -> str:
    """Return what a page says."""
    return client.get(address).content.decode()


@pytest.mark.parametrize("role", ROLES)
def test_the_worst_stands_above_every_page_of_those_who_run_the_ca(
    role: str, site: SetupReport, signed_in: SignIn
) -> None:
    found(FINE, STALE, FULL)
    client = signed_in(person("somebody", role))

    shown = text(client, "/admin/enrollment/authority/")

    assert "<strong>Disk</strong> <bdi>100 MB are free. Make room.</bdi>" in shown
    assert "1 more: Condition" in shown
    assert "It serves" not in shown


def test_while_all_is_well_there_is_no_banner(desk: Client) -> None:
    found(FINE)

    assert "desk-banner" not in text(desk, "/admin/")


def test_what_is_wrong_is_none_of_a_requesters_business(
    alice: User, site: SetupReport, signed_in: SignIn
) -> None:
    found(FULL)
    client = signed_in(alice)

    assert client.get(PAGE).status_code == 403
    assert client.post(CHECK).status_code == 403
    for address in (PAGE, "/admin/", "/certsrv/"):
        assert "100 MB" not in text(client, address)


def test_the_page_lists_everything_the_worst_first_and_nothing_twice(desk: Client) -> None:
    found(FINE, STALE, FULL)

    shown = text(desk)

    assert "Something is wrong with the CA." in shown
    assert shown.index("Disk") < shown.index("CRL as served") < shown.index("CA key")
    assert shown.count("100 MB are free") == 1
    assert "It serves &lt;old&gt; list 4." in shown


def test_before_the_first_look_the_page_says_so(desk: Client) -> None:
    assert "Nobody has looked yet" in text(desk)


@pytest.mark.parametrize("role", ROLES)
def test_operators_and_administrators_may_have_it_looked_at_now(
    role: str, site: SetupReport, signed_in: SignIn, looks: list[tuple[Scope, ...]]
) -> None:
    may = ROLES[role]
    client = signed_in(person("somebody", role))

    answer = client.post(CHECK)

    assert answer.status_code == (302 if may else 403)
    assert len(looks) == may
    assert ("Check now" in text(client)) is may


def test_nobody_can_make_the_ca_look_all_the_time(
    administrator: User, signed_in: SignIn, looks: list[tuple[Scope, ...]]
) -> None:
    client = signed_in(administrator)

    for _ in range(5):
        client.post(CHECK)

    assert len(looks) == 1
    assert "less than half a minute ago" in text(client)


def test_looking_is_asked_for_by_a_post_only(
    administrator: User, signed_in: SignIn, looks: list[tuple[Scope, ...]]
) -> None:
    assert signed_in(administrator).get(CHECK).status_code == 405
    assert looks == []


def test_the_page_of_a_ca_certificate_shows_addresses_before_they_are_used(
    desk: Client, site: SetupReport
) -> None:
    shown = text(desk, f"/admin/enrollment/authority/{site.authority.pk}/change/")

    assert "http://localhost:8000/CertEnroll/Example%20Issuing%20CA.crl" in shown
    assert "CERTSRV_CRL_URLS" in shown
    assert "%3%8&lt;CRLPartitionIndex&gt;%9.crl" in shown
    assert shown.count("nobody on another machine can fetch") == 1
