"""`manage.py token`: tokens for programs, without a browser."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from enrollment.management.output import Refusal, VerbCommand, shell_actor
from enrollment.models import ApiToken
from enrollment.services import tokens


class Command(VerbCommand):
    """Tokens: add, list, end."""

    help = "Make, list and end API tokens."

    def add_verbs(self) -> None:
        add = self.add_verb("add", self.add)
        add.add_argument("name", metavar="NAME", help="the account that the token acts for")
        add.add_argument("--label", required=True, help="what will use it")
        add.add_argument("--days", type=int, default=90, help="until it ends (90)")
        add.add_argument(
            "--template", metavar="NAME", action="append", default=[], help="may be repeated"
        )
        add.add_argument(
            "--verb", choices=tokens.VERBS, action="append", help="may be repeated; default: both"
        )
        listing = self.add_verb("list", self.list, reads=True)
        listing.add_argument("name", metavar="NAME", nargs="?", help="only those of this account")
        end = self.add_verb("end", self.end)
        end.add_argument("beginning", metavar="BEGINNING", help="as 'list' shows it")

    def add(self, options: dict[str, Any]) -> None:
        """Make a token and print it, once."""
        owner = User.objects.filter(username=options["name"], is_active=True).first()
        if owner is None:
            raise Refusal(f"There is no active account '{options['name']}'.")
        wish = tokens.Wish(
            options["label"],
            options["days"],
            tuple(dict.fromkeys(options["template"])),
            tuple(dict.fromkeys(options["verb"] or tokens.VERBS)),
        )
        try:
            _, secret = tokens.make(owner, wish, actor=shell_actor(), now=timezone.now())
        except tokens.TokenRefused as error:
            raise Refusal(str(error)) from error
        self.stdout.write(secret)

    def list(self, options: dict[str, Any]) -> None:
        """List tokens, the newest first."""
        rows = ApiToken.objects.select_related("owner")
        if options["name"]:
            rows = rows.filter(owner__username=options["name"])
        found = [_facts(row) for row in rows[:1000]]
        if options["json"]:
            self.print_json(found)
            return
        keys = ("beginning", "owner", "label", "state", "expires", "last_used")
        self.print_table(
            [key.replace("_", " ") for key in keys], [[row[key] for key in keys] for row in found]
        )

    def end(self, options: dict[str, Any]) -> None:
        """End a token for good."""
        rows = list(ApiToken.objects.select_related("owner").filter(beginning=options["beginning"]))
        if not tokens.end(rows, actor=shell_actor(), now=timezone.now()):
            raise Refusal(f"No token that is in force begins with '{options['beginning']}'.")
        self.stdout.write(f"Ended the token {options['beginning']}….")


def _facts(row: ApiToken) -> dict[str, Any]:
    ended = row.revoked_at is not None
    return {
        "beginning": row.beginning,
        "owner": row.owner.get_username(),
        "label": row.label,
        "state": "ended" if ended else "good" if row.expires_at > timezone.now() else "expired",
        "expires": row.expires_at.isoformat(timespec="minutes"),
        "last_used": row.last_used_at.isoformat(timespec="minutes") if row.last_used_at else "",
        "templates": row.templates,
        "verbs": row.verbs,
    }
