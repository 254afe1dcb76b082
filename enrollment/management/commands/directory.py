"""`manage.py directory`: what LDAP or Active Directory says of somebody, and what follows here."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Group
from django.utils import timezone

from enrollment import conf
from enrollment.management.output import Refusal, VerbCommand, active_account, shell_actor
from enrollment.services import people
from enrollment.services.outside import entry as entries
from enrollment.services.outside import ldap_accounts, mirror
from enrollment.services.outside.told import PersonUnknown, SourceUnavailable, Told

if TYPE_CHECKING:
    from enrollment.services.outside.conversation import TheirGroup
    from enrollment.services.outside.entry import Entry


class Command(VerbCommand):
    """The directory: try the connection, and give it an account of ours."""

    help = "Ask the directory (LDAP, Active Directory) about people."

    def add_verbs(self) -> None:
        check = self.add_verb("check", self.look, reads=True)
        check.add_argument("name", metavar="NAME", help="as the person signs in")
        adopt = self.add_verb("adopt", self.adopt)
        adopt.add_argument("name", metavar="NAME", help="an account here, and a person there")

    def look(self, options: dict[str, Any]) -> None:
        """Show what the directory says of somebody, and which of our groups follow."""
        facts = _facts(options["name"], *_look(options["name"]))
        if options["json"]:
            self.print_json(facts)
            return
        self.print_facts((name.replace("_", " "), value) for name, value in facts.items())

    def adopt(self, options: dict[str, Any]) -> None:
        """Give an account of our own to the person of the directory who has its name."""
        user = active_account(options["name"])
        told = _look(options["name"])[2]
        try:
            mirror.adopt(user, told, by=shell_actor(), now=timezone.now())
        except PersonUnknown as error:
            raise Refusal(_sentence(error)) from error
        roles = ", ".join(user.groups.values_list("name", flat=True)) or "no group"
        self.stdout.write(f"The directory keeps '{user}' from now on; in {roles}.")


def _look(name: str) -> tuple[Entry, list[TheirGroup], Told]:
    if not conf.current().ldap.is_on:
        raise Refusal("There is no directory. Name one in CERTSRV_LDAP_URL.")
    try:
        return ldap_accounts.look(name, now=timezone.now())
    except SourceUnavailable as error:
        raise Refusal(f"The directory cannot be asked: {error}.") from error
    except PersonUnknown as error:
        raise Refusal(_sentence(error)) from error


def _facts(name: str, found: Entry, theirs: list[TheirGroup], told: Told) -> dict[str, Any]:
    ours = sorted(told.groups)
    known = set(Group.objects.filter(name__in=ours).values_list("name", flat=True))
    return {
        "entry": found.dn,
        "key": told.key,
        "name": told.name,
        **(asdict(told.facts) if told.facts else {}),
        "groups_there": sorted(one.dn for one in theirs),
        "groups_here": ours,
        "groups_missing_here": sorted(set(ours) - known),
        "state": _state(told, found),
        "password_changes_are_seen": bool(told.stamp),
        "account_here": _account(name, told),
    }


def _state(told: Told, found: Entry) -> str:
    if not told.is_off:
        return "may sign in" + (
            "" if entries.shows_state(found) else "; whether it is disabled cannot be seen"
        )
    if entries.is_off(found, now=timezone.now()):
        return "disabled or ended there"
    return "in no group that is mapped, so refused"


def _account(name: str, told: Told) -> str:
    holder = mirror.key_holder(told.source, told.key)
    if holder is not None:
        return f"{holder}, kept there" + ("" if holder.is_active else ", switched off")
    taken = people.who_has(name)
    if taken:
        return f"{taken}, kept here: the person there cannot use it (see 'directory adopt')"
    return "none; made at the first sign-in" if not told.is_off else "none"


def _sentence(error: PersonUnknown) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."
