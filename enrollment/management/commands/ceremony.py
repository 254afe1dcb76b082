"""`manage.py ceremony`: the paper that a key ceremony leaves behind."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone

from enrollment.management.output import Refusal, VerbCommand, shell_actor, write_new
from enrollment.services import audit, ceremony


class Command(VerbCommand):
    """Ceremonies: record."""

    help = "Write down what was done to the CA in one sitting."

    def add_verbs(self) -> None:
        record = self.add_verb("record", self.record)
        record.add_argument("--out", metavar="FILE", type=Path, required=True, help="an HTML file")
        record.add_argument(
            "--since",
            metavar="TIME",
            type=_moment,
            help="YYYY-MM-DD or YYYY-MM-DDTHH:MM, UTC; default: the last 24 hours",
        )
        record.add_argument("--operator", help="who did it; default: the user of this shell")
        record.add_argument(
            "--witness", metavar="NAME", action="append", default=[], help="may be repeated"
        )
        record.add_argument("--note", default="", help="a sentence on why")

    def record(self, options: dict[str, Any]) -> None:
        """Write what happened, with hashes and lines to sign on, as a page to print."""
        now = timezone.now()
        occasion = ceremony.Occasion(
            operator=" ".join((options["operator"] or "").split()) or shell_actor(),
            witnesses=ceremony.names(options["witness"]),
            note=options["note"].strip(),
            since=options["since"] or now - timedelta(days=1),
            until=now,
        )
        if occasion.since > now:
            raise Refusal("--since lies in the future; name the time at which the ceremony began.")
        try:
            found = ceremony.record(occasion)
        except ceremony.TooMuchForARecord as error:
            raise Refusal(str(error)) from error
        page = render_to_string("ceremony/record.html", {"record": found}).encode()
        write_new(options["out"], page)
        digest = hashlib.sha256(page).hexdigest()
        audit.record(
            "ceremony recorded",
            actor=shell_actor(),
            at=now,
            digest=digest,
            operator=occasion.operator,
            witnesses=list(occasion.witnesses),
        )
        self.stdout.write(
            f"Wrote {options['out']}: open it in a browser, print it, compare and sign. "
            f"SHA-256 {digest}"
        )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
