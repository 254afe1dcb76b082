"""For whom enrollment agents may ask; the only writer of `AgentGrant`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Q

from enrollment.ca.template import ENROLLMENT_AGENT
from enrollment.models import AgentGrant
from enrollment.services import audit

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from enrollment.models import Template


class GrantRefused(Exception):
    """A grant that is not made, and why, in one sentence."""


def allows(agent: User, template_name: str, target: User) -> bool:
    """Whether a grant lets `agent` ask by a template on behalf of `target`, as it is now."""
    return (
        AgentGrant.objects.filter(
            Q(agent=agent) | Q(agent_group__in=agent.groups.all()),
            templates__name=template_name,
            target_groups__in=target.groups.all(),
        )
        .order_by()
        .exists()
    )


@transaction.atomic
def add(
    row: AgentGrant,
    templates: Collection[Template],
    groups: Collection[Group],
    *,
    actor: str,
    now: datetime,
) -> AgentGrant:
    """Store a new grant, and record it.

    Args:
        row: with its agent, not stored yet.
        templates: by which the agent may ask.
        groups: on behalf of whose members.
        actor: who grants it.
        now: timezone-aware UTC.

    Raises:
        GrantRefused: it grants nothing, or what nobody may ask for on behalf of others, or is for
            whoever makes it.
    """
    problem = refusal(row, templates, groups, actor=actor)
    if problem:
        raise GrantRefused(problem)
    row.save()
    row.templates.set(templates)
    row.target_groups.set(groups)
    audit.record(
        "agent grant added",
        actor=actor,
        subject=f"agent grant {row.pk}",
        at=now,
        after=content(row),
    )
    return row


def refusal(
    row: AgentGrant, templates: Collection[Template], groups: Collection[Group], *, actor: str
) -> str:
    """Say why a grant cannot be made; empty where it can."""
    if (row.agent_id is None) is (row.agent_group_id is None):
        return "Choose an account or a group as the agent, not both."
    if not templates or not groups:
        return "Choose at least one template, and one group on behalf of whose members to ask."
    for template in templates:
        if not may_be_granted(template):
            return (
                f"Template '{template}' makes CAs or enrollment agents; nobody asks for those on "
                "behalf of others."
            )
    if _is_for(row, actor):
        return "You would be the agent yourself; another administrator must grant that."
    return ""


def may_be_granted(template: Template) -> bool:
    """Whether anybody may ask by a template on behalf of others: nobody makes CAs or agents so."""
    return not template.is_ca and ENROLLMENT_AGENT not in template.extended_key_usages


def _is_for(row: AgentGrant, name: str) -> bool:
    if row.agent is not None:
        return row.agent.get_username() == name
    return User.objects.filter(username=name, groups=row.agent_group_id).exists()


@transaction.atomic
def end(row: AgentGrant, *, actor: str, now: datetime) -> None:
    """Take a grant away, and record what it was."""
    key, before = row.pk, content(row)
    row.delete()
    audit.record(
        "agent grant ended", actor=actor, subject=f"agent grant {key}", at=now, before=before
    )


def content(row: AgentGrant) -> dict[str, Any]:
    """Return a grant in words."""
    return {
        "agent": row.agent.get_username() if row.agent else "",
        "agent_group": row.agent_group.name if row.agent_group else "",
        "templates": sorted(template.name for template in row.templates.all()),
        "on_behalf_of": sorted(group.name for group in row.target_groups.all()),
    }
