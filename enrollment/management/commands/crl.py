"""`manage.py crl`: certificate revocation lists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.utils import timezone

from enrollment.management.output import Refusal, VerbCommand, shell_actor
from enrollment.services import condition, publication, published


class Command(VerbCommand):
    """Certificate revocation lists: publish, show."""

    help = "Publish and show certificate revocation lists."

    def add_verbs(self) -> None:
        publish = self.add_verb("publish", self.publish)
        publish.add_argument("--delta", action="store_true", help="delta lists only")
        publish.add_argument(
            "--to", type=Path, metavar="DIR", help="copy lists and CA certificates there as well"
        )
        self.add_verb("show", self.show, reads=True)

    def publish(self, options: dict[str, Any]) -> None:
        """Sign and publish new lists now: base and delta."""
        try:
            row, number = condition.publish_crl(
                timezone.now(), actor=shell_actor(), base=not options["delta"]
            )
        except condition.CaFault as error:
            raise Refusal(str(error)) from error
        self.stdout.write(f"Published CRL {number} of '{row}'.")
        if options["to"] is not None:
            self._carry(options["to"])

    def _carry(self, target: Path) -> None:
        try:
            export = published.export(target)
        except OSError as error:
            raise Refusal(
                f"The lists are published, but {error.filename or target} cannot be written: "
                f"{error.strerror}. Name another folder with --to, and run this again."
            ) from error
        for name in export.names:
            self.stdout.write(str(export.folder / name))

    def show(self, options: dict[str, Any]) -> None:
        """Show the published lists, the newest first."""
        found = [
            {
                "number": row.number,
                "ca": str(row.authority),
                "delta": row.is_delta,
                "partition": row.partition,
                "entries": row.entries,
                "this_update": row.this_update.isoformat(),
                "next_publish": row.next_publish.isoformat(),
                "next_update": row.next_update.isoformat(),
            }
            for row in publication.lists()
        ]
        if options["json"]:
            self.print_json(found)
            return
        headings = (
            "number",
            "ca",
            "delta",
            "partition",
            "entries",
            "this update",
            "next publish",
            "next update",
        )
        self.print_table(headings, [list(row.values()) for row in found])
