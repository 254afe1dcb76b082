"""The desk's page of names that groups may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import Group

from enrollment.models import AuditEvent, NameGrant

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User
    from django.test import Client

ADD = "/admin/enrollment/namegrant/add/"
LIST = "/admin/enrollment/namegrant/"


def form(**lines: str) -> dict[str, str]:
    enrollees = Group.objects.get(name="Enrollees")
    return {"group": str(enrollees.pk), "template": "", **lines}


def test_an_administrator_grants_names_one_a_line(
    administrator: User, signed_in: Callable[[User], Client]
) -> None:
    desk = signed_in(administrator)

    desk.post(ADD, form(dns_suffixes="*.Example.com\nexample.org", email_domains="@example.com"))

    row = NameGrant.objects.get()
    assert row.dns_suffixes == ["example.com", "example.org"]
    assert row.email_domains == ["example.com"]
    assert AuditEvent.objects.get(verb="name grant added").actor == "ada"
    assert "example.com, example.org, @example.com" in desk.get(LIST).content.decode()


def test_an_empty_grant_comes_back_with_a_sentence(
    administrator: User, signed_in: Callable[[User], Client]
) -> None:
    page = signed_in(administrator).post(ADD, form())

    assert "at least one domain" in page.content.decode()
    assert not NameGrant.objects.exists()


def test_what_is_no_domain_is_quoted(
    administrator: User, signed_in: Callable[[User], Client]
) -> None:
    page = signed_in(administrator).post(ADD, form(upn_suffixes="not a domain"))

    assert "is no domain" in page.content.decode()


def test_a_grant_is_deleted_with_a_trace(
    administrator: User, signed_in: Callable[[User], Client]
) -> None:
    desk = signed_in(administrator)
    desk.post(ADD, form(dns_suffixes="example.com"))
    row = NameGrant.objects.get()

    desk.post(f"{LIST}{row.pk}/delete/", {"post": "yes"})

    assert not NameGrant.objects.exists()
    assert AuditEvent.objects.filter(verb="name grant deleted").exists()


@pytest.mark.parametrize("who", ["manager", "auditor"])
def test_nobody_else_grants_names(
    who: str, request: pytest.FixtureRequest, signed_in: Callable[[User], Client]
) -> None:
    page = signed_in(request.getfixturevalue(who)).post(ADD, form(dns_suffixes="example.com"))

    assert page.status_code == 403
    assert not NameGrant.objects.exists()
