"""Without a grant nobody asks for anybody else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from enrollment.ca import hresult
from enrollment.models import AgentGrant, AuditEvent, Template
from enrollment.services import agent_grants, delivery, directory
from tests.agents import asking
from tests.agents.asking import Signature, by, pkcs7
from tests.attacks.playing import AGENT
from tests.conftest import person
from tests.services.acts import change_template

if TYPE_CHECKING:
    from tests.services.acts import Configure


# --- without a grant, nothing ---


def test_without_a_grant_an_agent_is_nobody(carol: User, alice: User, agent: Signature) -> None:
    row = by(carol, pkcs7(agent))

    assert row.status_code == hresult.ENROLL_DENIED
    assert "No grant lets 'carol' ask with template 'User'" in row.detail
    # It stands in Carol's list, not in that of whom she names.
    assert (row.requester, row.agent) == ("carol", "")
    assert not delivery.requests_of(directory.requester_of(alice)).exists()


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"template": "Machine"}, id="another template"),
        pytest.param({"to": ["Operators"]}, id="another group"),
    ],
)
def test_a_grant_is_for_its_templates_and_groups_alone(
    carol: User, agent: Signature, options: dict[str, object]
) -> None:
    asking.grant(carol, str(options.get("template", "User")), to=options.get("to", ["Enrollees"]))  # type: ignore[arg-type]  # a list

    assert by(carol, pkcs7(agent)).status_code == hresult.ENROLL_DENIED


def test_what_remains_of_an_emptied_grant_grants_nothing(carol: User, agent: Signature) -> None:
    row = asking.grant(carol)
    row.target_groups.clear()

    assert by(carol, pkcs7(agent)).status_code == hresult.ENROLL_DENIED


@pytest.mark.parametrize("name", ["EXAMPLE\\nobody", "OTHER\\alice", "alice@other.example.com"])
def test_an_agent_does_not_learn_who_has_an_account(
    carol: User, granted: Signature, name: str
) -> None:
    """Unknown, of another domain, or not granted: one sentence."""
    person("olga", "Operators")
    strange = by(carol, pkcs7(replace(granted, named=name)))
    known = by(carol, pkcs7(replace(granted, named="EXAMPLE\\olga")))

    assert strange.status_code == known.status_code == hresult.ENROLL_DENIED
    assert strange.detail.replace(name, "X") == known.detail.replace("EXAMPLE\\olga", "X")


def test_whom_it_is_for_must_be_allowed_to_have_it(
    carol: User, alice: User, granted: Signature
) -> None:
    Template.objects.get(name="User").enroll_groups.set(Group.objects.filter(name="Operators"))
    carol.groups.add(Group.objects.get(name="Operators"))

    row = by(carol, pkcs7(granted))

    assert row.status_code == hresult.TEMPLATE_DENIED
    assert "'alice'" in row.detail


def test_a_disabled_account_gets_nothing(carol: User, alice: User, granted: Signature) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)

    row = by(carol, pkcs7(granted))

    assert row.status_code == hresult.ENROLL_DENIED
    assert "disabled" in row.detail


def test_a_token_narrows_what_its_owner_asks_for_others(carol: User, granted: Signature) -> None:
    sender = replace(directory.requester_of(carol), limited_to=frozenset({"WebServer"}))

    row = asking.ask(sender, pkcs7(granted))

    assert row.status_code == hresult.TEMPLATE_DENIED
    assert "token of 'carol'" in row.detail


@pytest.mark.parametrize("columns", [{"is_ca": True}, {"extended_key_usages": [AGENT]}])
def test_a_template_that_became_one_for_agents_is_not_asked_for(
    carol: User, granted: Signature, columns: dict[str, object]
) -> None:
    change_template("User", **columns)

    assert by(carol, pkcs7(granted)).status_code == hresult.ENROLL_DENIED


def test_a_stand_alone_ca_has_no_agents(
    carol: User, granted: Signature, configure: Configure
) -> None:
    configure(CERTSRV_CA_TYPE="standalone")

    row = by(carol, pkcs7(granted), "")

    assert row.status_code == hresult.ENROLL_DENIED
    assert "a CA with templates" in row.remedy


# --- grants ---


def test_a_grant_and_its_end_are_recorded(carol: User) -> None:
    row = asking.grant(carol)
    agent_grants.end(row, actor="ada", now=timezone.now())

    added, ended = AuditEvent.objects.filter(verb__startswith="agent grant").order_by("pk")
    assert added.detail["after"] == ended.detail["before"]
    assert added.detail["after"] == {
        "agent": "carol",
        "agent_group": "",
        "templates": ["User"],
        "on_behalf_of": ["Enrollees"],
    }


@pytest.mark.parametrize(
    ("spoiled", "sentence"),
    [
        pytest.param({"templates": ()}, "at least one template", id="no template"),
        pytest.param({"to": ()}, "at least one template", id="no group"),
        pytest.param({"templates": ("SubCA",)}, "makes CAs", id="a CA"),
        pytest.param({"templates": ("EnrollmentAgent",)}, "makes CAs or enr", id="an agent"),
        pytest.param({"actor": "carol"}, "yourself", id="for oneself"),
        pytest.param({"is_group": True, "actor": "carol"}, "yourself", id="for one's group"),
        pytest.param({"is_both": True}, "not both", id="two agents"),
    ],
)
def test_a_grant_that_must_not_be_is_refused(
    carol: User, spoiled: dict[str, object], sentence: str
) -> None:
    wanted = {"templates": ("User",), "to": ("Enrollees",), "actor": "ada", **spoiled}
    enrollees = Group.objects.get(name="Enrollees")
    row = AgentGrant(agent_group=enrollees) if "is_group" in wanted else AgentGrant(agent=carol)
    if "is_both" in wanted:
        row.agent_group = enrollees

    with pytest.raises(agent_grants.GrantRefused, match=sentence):
        agent_grants.add(
            row,
            list(Template.objects.filter(name__in=wanted["templates"])),  # type: ignore[misc]  # names
            list(Group.objects.filter(name__in=wanted["to"])),  # type: ignore[misc]  # names
            actor=str(wanted["actor"]),
            now=timezone.now(),
        )
    assert not AgentGrant.objects.exists()
