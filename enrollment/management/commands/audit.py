"""`manage.py audit`: the audit trail, for those who must be able to prove it."""

from __future__ import annotations

from typing import Any

from enrollment.management.output import Refusal, VerbCommand
from enrollment.services import audit, audit_log


class Command(VerbCommand):
    """The audit trail: verify, export."""

    help = "Verify and export the audit trail."

    def add_verbs(self) -> None:
        self.add_verb("verify", self.verify, reads=True)
        self.add_verb("export", self.export)

    def verify(self, options: dict[str, Any]) -> None:
        """Check that every event fits the one before it; exit with 1 when one does not."""
        verdict = audit.verify()
        if options["json"]:
            self.print_json(
                {
                    "whole": verdict.is_whole,
                    "events": verdict.events,
                    "broken_at": verdict.broken_at,
                    "last_hash": verdict.last_hash,
                }
            )
        if not verdict.is_whole:
            raise Refusal(
                f"Event {verdict.broken_at} does not fit the one before it. The {verdict.events} "
                "events before it are whole."
            )
        if not options["json"]:
            self.stdout.write(f"{verdict.events} events, all whole. Last: {verdict.last_hash}")

    def export(self, options: dict[str, Any]) -> None:
        """Write every event as one line of JSON, the oldest first, as in the audit log."""
        for event in audit.export():
            self.stdout.write(audit_log.text_of(event))
