"""`manage.py user`: accounts for scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from enrollment.management.output import Refusal, VerbCommand, shell_actor
from enrollment.services import lockout, people, second_factor


class Command(VerbCommand):
    """Accounts, added and let in again without a browser."""

    help = "Add accounts, let them in again, and take lost second factors away."

    def add_verbs(self) -> None:
        add = self.add_verb("add", self.add)
        add.add_argument("name", metavar="NAME", help="the account name to sign in with")
        add.add_argument(
            "--password-file",
            metavar="FILE",
            type=Path,
            required=True,
            help="a file whose first line is the password",
        )
        add.add_argument(
            "--group",
            metavar="GROUP",
            action="append",
            default=[],
            help="a role, such as Enrollees; may be repeated",
        )
        add.add_argument("--email", default="", help="e-mail address, for directory templates")
        add.add_argument("--dns-name", default="", help="DNS name, for machine templates")
        add.add_argument("--upn", default="", help="user principal name, for user templates")
        unlock = self.add_verb("unlock", self.unlock)
        unlock.add_argument("name", metavar="NAME", help="the account name")
        reset = self.add_verb("reset-second-factor", self.reset_second_factor)
        reset.add_argument("name", metavar="NAME", help="the account name")

    def add(self, options: dict[str, Any]) -> None:
        """Add an account with its roles."""
        person = people.NewPerson(
            name=options["name"],
            password=_password(options["password_file"]),
            groups=tuple(dict.fromkeys(options["group"])),
            email=options["email"],
            dns_name=options["dns_name"],
            upn=options["upn"],
        )
        try:
            people.add(person, actor=shell_actor(), now=timezone.now())
        except people.PersonRefused as error:
            raise Refusal(str(error)) from error
        roles = ", ".join(person.groups) or "no group"
        self.stdout.write(f"Added '{person.name}' in {roles}.")

    def unlock(self, options: dict[str, Any]) -> None:
        """End the waits of an account for which too many passwords or codes were wrong."""
        ended = lockout.lift(options["name"], actor=shell_actor(), now=timezone.now())
        if not ended:
            raise Refusal(f"Nobody has to wait to sign in as '{options['name']}'.")
        self.stdout.write(f"'{options['name']}' may try again.")

    def reset_second_factor(self, options: dict[str, Any]) -> None:
        """Take the second factors and recovery codes of an account away; it sets up new ones."""
        name = options["name"]
        user = User.objects.filter(username=name).first()
        if user is None:
            raise Refusal(f"There is no account '{name}'.")
        if not second_factor.reset(user, actor=shell_actor(), now=timezone.now()):
            raise Refusal(f"'{name}' has no second factor.")
        self.stdout.write(f"'{name}' has no second factor any more.")


def _password(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise Refusal(f"The password file cannot be read: {reason}.") from error
    if not lines or not lines[0]:
        raise Refusal("The password file is empty. Its first line is the password.")
    return lines[0]
