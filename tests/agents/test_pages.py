"""What agents, targets, managers and administrators see of it: pages, the desk, commands."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.test import Client

from enrollment.models import AgentGrant, AuditEvent, EnrollmentRequest, Template
from enrollment.services import directory
from tests import renewals
from tests.agents import asking
from tests.agents.asking import by, pkcs7
from tests.services.acts import change_template, submit

if TYPE_CHECKING:
    from tests.agents.asking import Signature

ADD = "/admin/enrollment/agentgrant/add/"
LIST = "/admin/enrollment/agentgrant/"


def browser(user: User) -> Client:
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    return client


def text(answer: Any) -> str:
    body: str = answer.content.decode()
    return body


# --- the pages of requesters ---


def test_an_agent_sends_the_message_as_any_request(
    carol: User, alice: User, granted: Signature
) -> None:
    """By the form, in armor, and fetches what was issued; so may the one it is for."""
    fields = {
        "Mode": "newreq",
        "CertRequest": renewals.pem(pkcs7(granted), "PKCS7").decode(),
        "CertAttrib": "CertificateTemplate:User",
    }
    form = "application/x-www-form-urlencoded"
    page = browser(carol).post("/certsrv/certfnsh.asp", urlencode(fields), form)
    row = EnrollmentRequest.objects.latest("pk")

    assert f"certnew.cer?ReqID={row.pk}&" in text(page)
    assert "the enrollment agent carol" in text(page)
    for user in (carol, alice):
        fetched = browser(user).get(f"/certsrv/certnew.cer?ReqID={row.pk}&Enc=b64")
        assert text(fetched).startswith("-----BEGIN CERTIFICATE-----")


def test_my_requests_tell_both_who_asked_for_whom(
    carol: User, alice: User, granted: Signature
) -> None:
    row = by(carol, pkcs7(granted))

    of_agent, of_alice = (text(browser(one).get("/certsrv/requests")) for one in (carol, alice))

    assert "for alice, asked for by carol" in of_agent
    assert "for alice, asked for by carol" in of_alice
    # Renewed by the agent, it would be the agent's own.
    assert f"renews={row.pk}" not in of_agent
    assert f"renews={row.pk}" in of_alice


def test_a_preview_says_on_whose_behalf(carol: User, granted: Signature) -> None:
    fields = {
        "CertRequest": renewals.pem(pkcs7(granted), "PKCS7").decode(),
        "CertAttrib": "CertificateTemplate:User",
    }

    shown = text(browser(carol).post("/certsrv/preview", fields))

    assert "On behalf of</dt><dd>alice" in shown


# --- the desk ---


def test_managers_see_both(carol: User, granted: Signature, manager: User) -> None:
    change_template("User", approval="always")
    row = by(carol, pkcs7(granted))
    desk = browser(manager)

    queue = text(desk.get("/admin/"))
    listed = text(desk.get("/admin/enrollment/enrollmentrequest/"))
    page = text(desk.get(f"/admin/enrollment/enrollmentrequest/{row.pk}/change/"))

    assert "by agent <bdi>carol</bdi>" in queue
    assert "by agent <bdi>carol</bdi>" in listed
    assert "asked for by the enrollment agent" in page
    assert 'href="/admin/enrollment/enrollmentrequest/?agent=carol"' in page


def test_managers_find_what_an_agent_asked_for(
    carol: User, charlie: User, granted: Signature, manager: User
) -> None:
    by(carol, pkcs7(granted))
    submit(directory.requester_of(charlie), "own.example.com")
    desk = browser(manager)

    found = text(desk.get("/admin/enrollment/enrollmentrequest/?agent=carol"))
    none = text(desk.get("/admin/enrollment/enrollmentrequest/?agent=charlie"))

    assert "by agent <bdi>carol</bdi>" in found
    assert "own.example.com" not in found + none


def form(**changes: Any) -> dict[str, Any]:
    return {
        "account": "carol",
        "agent_group": "",
        "templates": [Template.objects.get(name="User").pk],
        "target_groups": [Group.objects.get(name="Enrollees").pk],
        **changes,
    }


def test_an_administrator_grants_and_ends(
    carol: User, agent: Signature, administrator: User
) -> None:
    office = browser(administrator)

    office.post(ADD, form())
    during = by(carol, pkcs7(agent))
    listed = text(office.get(LIST))
    row = AgentGrant.objects.get()
    office.post(f"{LIST}{row.pk}/delete/", {"post": "yes"})
    after = by(carol, pkcs7(agent))

    assert (during.state.name, after.state.name) == ("ISSUED", "DENIED")
    assert "carol" in listed
    assert "Enrollees" in listed
    told = AuditEvent.objects.filter(subject=f"agent grant {row.pk}").values_list("verb", "actor")
    assert set(told) == {("agent grant added", "ada"), ("agent grant ended", "ada")}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param({"account": ""}, "an account or a group", id="no agent"),
        pytest.param({"account": "nobody"}, "no account &#x27;nobody&#x27;", id="unknown agent"),
        pytest.param({"templates": []}, "This field is required", id="no template"),
        pytest.param({"account": "ada"}, "another administrator", id="oneself"),
    ],
)
def test_a_grant_that_must_not_be_comes_back_with_a_sentence(
    carol: User, administrator: User, changes: dict[str, Any], sentence: str
) -> None:
    answer = browser(administrator).post(ADD, form(**changes))

    assert sentence in text(answer)
    assert not AgentGrant.objects.exists()


def test_the_form_offers_only_what_can_be_granted(administrator: User) -> None:
    page = text(browser(administrator).get(ADD))

    assert "User</label>" in page
    for makes_an_agent_or_a_ca in ("Enrollment Agent", "Subordinate Certification Authority"):
        assert f"{makes_an_agent_or_a_ca}</label>" not in page


def test_a_grant_is_never_changed(carol: User, administrator: User) -> None:
    row = asking.grant(carol)
    office = browser(administrator)

    shown = office.get(f"{LIST}{row.pk}/change/")
    changed = office.post(f"{LIST}{row.pk}/change/", form(account="alice"))

    assert "carol" in text(shown)
    assert changed.status_code == 403
    assert AgentGrant.objects.get().agent == carol


@pytest.mark.parametrize("who", ["manager", "auditor"])
def test_nobody_else_grants(who: str, carol: User, request: pytest.FixtureRequest) -> None:
    answer = browser(request.getfixturevalue(who)).post(ADD, form())

    assert answer.status_code == 403
    assert not AgentGrant.objects.exists()


def test_the_desk_stores_a_purpose_for_agents_by_its_name(administrator: User) -> None:
    from tests.admin.test_templates import change

    change(browser(administrator), "User", ra_application_policy="smart card logon")

    stored = Template.objects.get(name="User").ra_application_policy
    assert stored == "1.3.6.1.4.1.311.20.2.2"


# --- the shell ---


def agent_command(*words: str) -> str:
    out = StringIO()
    call_command("agent", *words, stdout=out)
    return out.getvalue()


def test_the_shell_offers_grants_lists_and_ends(carol: User, alice: User) -> None:
    offered = agent_command("offer", "--to", "Enrollees")
    grant = ("--agent", "carol", "--template", "User", "--for", "Enrollees")
    granted = agent_command("grant", *grant)
    row = AgentGrant.objects.get()
    listed = json.loads(agent_command("list", "--json"))
    table = agent_command("list")
    ended = agent_command("end", str(row.pk))

    assert "a certificate manager decides" in offered
    template = Template.objects.get(name="EnrollmentAgent")
    assert (template.published, template.approval) == (True, "always")
    assert f"as {row.pk}" in granted
    assert listed[0]["on_behalf_of"] == ["Enrollees"]
    assert "carol" in table
    assert "Ended" in ended
    assert not AgentGrant.objects.exists()


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("offer", "--to", "Nobody"), id="unknown group"),
        pytest.param(
            ("grant", "--agent", "nobody", "--template", "User", "--for", "Enrollees"),
            id="unknown agent",
        ),
        pytest.param(
            ("grant", "--agents", "Enrollees", "--template", "None", "--for", "Enrollees"),
            id="unknown template",
        ),
        pytest.param(
            ("grant", "--agents", "Enrollees", "--template", "SubCA", "--for", "Enrollees"),
            id="a CA",
        ),
        pytest.param(("end", "77"), id="unknown grant"),
    ],
)
def test_the_shell_refuses_in_a_sentence(alice: User, words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match=r"\.$"):
        agent_command(*words)
