"""`manage.py ntlm`: which accounts may sign in with NTLM."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from enrollment.management.output import Refusal, VerbCommand, active_account, shell_actor
from enrollment.models import NtlmAccount
from enrollment.services import ntlm_accounts


class Command(VerbCommand):
    """Accounts for NTLM: allow, end, list."""

    help = "Say which accounts may sign in with NTLM."

    def add_verbs(self) -> None:
        allow = self.add_verb("allow", self.allow)
        allow.add_argument("name", metavar="NAME", help="the account of an old program")
        end = self.add_verb("end", self.end)
        end.add_argument("name", metavar="NAME", help="the account")
        self.add_verb("list", self.list, reads=True)

    def allow(self, options: dict[str, Any]) -> None:
        """Let an account use NTLM; make a password for that alone and print it, once."""
        user = active_account(options["name"])
        try:
            password = ntlm_accounts.allow(user, actor=shell_actor(), now=timezone.now())
        except ntlm_accounts.NtlmRefused as error:
            raise Refusal(str(error)) from error
        self.stdout.write(password)

    def end(self, options: dict[str, Any]) -> None:
        """Take NTLM from an account, and delete the secret."""
        user = User.objects.filter(username=options["name"]).first()
        if user is None or not ntlm_accounts.end(user, actor=shell_actor(), now=timezone.now()):
            raise Refusal(f"'{options['name']}' may not use NTLM; there is nothing to end.")
        self.stdout.write(f"'{options['name']}' can sign in with NTLM no more.")

    def list(self, options: dict[str, Any]) -> None:
        """List the accounts that may use NTLM, with their last use."""
        rows = [_facts(row) for row in NtlmAccount.objects.select_related("user")]
        if options["json"]:
            self.print_json(rows)
            return
        keys = ("name", "allowed", "allowed_by", "last_used")
        self.print_table(
            [key.replace("_", " ") for key in keys], [[row[key] for key in keys] for row in rows]
        )


def _facts(row: NtlmAccount) -> dict[str, Any]:
    used = row.last_used_at
    return {
        "name": row.user.get_username(),
        "allowed": row.allowed_at.isoformat(timespec="minutes"),
        "allowed_by": row.allowed_by,
        "last_used": used.isoformat(timespec="minutes") if used else "",
    }
