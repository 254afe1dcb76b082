"""`manage.py agent`: enrollment agents and what they were granted, without a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Group
from django.utils import timezone

from enrollment.ca.template import Approval
from enrollment.management.output import Refusal, VerbCommand, active_account, shell_actor
from enrollment.models import AgentGrant, Template
from enrollment.services import agent_grants, templates

if TYPE_CHECKING:
    from collections.abc import Iterable

_TEMPLATE = "EnrollmentAgent"


class Command(VerbCommand):
    """Agents: offer, grant, list, end."""

    help = "Say who asks for certificates on behalf of whom."

    def add_verbs(self) -> None:
        offer = self.add_verb("offer", self.offer)
        offer.add_argument("--to", dest="group", metavar="GROUP", required=True)
        grant = self.add_verb("grant", self.grant)
        who = grant.add_mutually_exclusive_group(required=True)
        who.add_argument("--agent", metavar="NAME", help="the account that asks")
        who.add_argument("--agents", metavar="GROUP", help="or all members of a group")
        grant.add_argument(
            "--template", metavar="NAME", action="append", required=True, help="may be repeated"
        )
        grant.add_argument(
            "--for",
            dest="targets",
            metavar="GROUP",
            action="append",
            required=True,
            help="on behalf of its members; may be repeated",
        )
        self.add_verb("list", self.list, reads=True)
        end = self.add_verb("end", self.end)
        end.add_argument("id", metavar="ID", type=int, help="as 'list' shows it")

    def offer(self, options: dict[str, Any]) -> None:
        """Offer the template of enrollment agents to a group; a manager approves each."""
        row = _templates([_TEMPLATE])[0]
        row.published, row.approval = True, Approval.ALWAYS.value
        groups = {*row.enroll_groups.all(), *_groups([options["group"]])}
        try:
            templates.save(row, list(groups), actor=shell_actor(), now=timezone.now())
        except templates.TemplateRefused as error:
            raise Refusal(str(error)) from error
        self.stdout.write(
            f"Members of {options['group']} may ask for '{row}'; a certificate manager decides."
        )

    def grant(self, options: dict[str, Any]) -> None:
        """Let an agent ask by some templates on behalf of the members of some groups."""
        row = AgentGrant(
            agent=active_account(options["agent"]) if options["agent"] else None,
            agent_group=_groups([options["agents"]])[0] if options["agents"] else None,
        )
        try:
            agent_grants.add(
                row,
                _templates(options["template"]),
                _groups(options["targets"]),
                actor=shell_actor(),
                now=timezone.now(),
            )
        except agent_grants.GrantRefused as error:
            raise Refusal(str(error)) from error
        self.stdout.write(f"Granted, as {row.pk}.")

    def list(self, options: dict[str, Any]) -> None:
        """List what was granted."""
        rows = AgentGrant.objects.select_related("agent", "agent_group")
        found = [{"id": row.pk, **agent_grants.content(row)} for row in rows[:1000]]
        if options["json"]:
            self.print_json(found)
            return
        keys = ("id", "agent", "agent_group", "templates", "on_behalf_of")
        self.print_table(
            [key.replace("_", " ") for key in keys], [[row[key] for key in keys] for row in found]
        )

    def end(self, options: dict[str, Any]) -> None:
        """Take a grant away; what was issued stays valid."""
        row = AgentGrant.objects.filter(pk=options["id"]).first()
        if row is None:
            raise Refusal(f"There is no grant {options['id']}; 'agent list' shows them.")
        agent_grants.end(row, actor=shell_actor(), now=timezone.now())
        self.stdout.write(f"Ended the grant {options['id']}.")


def _templates(names: Iterable[str]) -> list[Template]:
    found = []
    for name in names:
        row = Template.objects.filter(name=name).first()
        if row is None:
            raise Refusal(f"There is no template '{name}'; write its name (CN).")
        found.append(row)
    return found


def _groups(names: Iterable[str]) -> list[Group]:
    found = []
    for name in names:
        group = Group.objects.filter(name=name).first()
        if group is None:
            raise Refusal(f"There is no group '{name}'.")
        found.append(group)
    return found
