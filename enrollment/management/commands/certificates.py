"""`manage.py certificates`: what was issued, in a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone

from enrollment.ca import encode
from enrollment.management.output import Refusal, VerbCommand
from enrollment.services import search

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.models import Certificate


class Command(VerbCommand):
    """Certificates: list, show."""

    help = "Find and show issued certificates."

    def add_verbs(self) -> None:
        listing = self.add_verb("list", self.list, reads=True)
        listing.add_argument(
            "term",
            metavar="TERM",
            nargs="?",
            default="",
            help="a name or its beginning, a serial number, a thumbprint, or an account",
        )
        listing.add_argument("--ends-within", type=int, metavar="DAYS", help="only those")
        listing.add_argument("--limit", type=int, default=100, help="at most so many (100)")
        show = self.add_verb("show", self.show, reads=True)
        show.add_argument("serial", metavar="SERIAL", help="in any writing: 0A:1B, 0x0a1b, 0a1b")

    def list(self, options: dict[str, Any]) -> None:
        """List certificates, the newest first."""
        rows = search.read(options["term"]).rows().prefetch_related("names").defer("der")
        if options["ends_within"] is not None:
            rows = search.ending(rows, now=timezone.now(), days=options["ends_within"])
        found = [_summary(row) for row in rows[: max(0, min(options["limit"], 10_000))]]
        if options["json"]:
            self.print_json(found)
            return
        keys = ("serial_number", "names", "requester", "template", "state", "not_after")
        self.print_table(
            [key.replace("_", " ") for key in keys],
            [[_cell(row[key]) for key in keys] for row in found],
        )

    def show(self, options: dict[str, Any]) -> None:
        """Show one certificate, with its PEM."""
        row = search.by_serial_number(options["serial"])
        if row is None:
            raise Refusal(f"There is no certificate with the serial number {options['serial']}.")
        facts = {
            **_summary(row),
            "subject": row.subject,
            "not_before": row.not_before.isoformat(),
            "thumbprint_sha1": row.thumbprint_sha1,
            "thumbprint_sha256": row.thumbprint_sha256,
            "request": row.request.pk if hasattr(row, "request") else None,
        }
        pem = encode.pem(bytes(row.der))
        if options["json"]:
            self.print_json({**facts, "pem": pem})
            return
        self.print_facts((name.replace("_", " "), _cell(value)) for name, value in facts.items())
        self.stdout.write(pem.replace("\r\n", "\n"), ending="")


def _summary(row: Certificate) -> dict[str, Any]:
    return {
        "serial_number": row.serial_number,
        "names": list(dict.fromkeys(name.value for name in row.names.all())) or [row.subject],
        "requester": row.requester,
        "template": row.template_name,
        "state": _state(row, timezone.now()),
        "not_after": row.not_after.isoformat(),
    }


def _state(row: Certificate, now: datetime) -> str:
    if row.revoked_at is not None:
        return "revoked"
    return "valid" if row.not_after > now else "ended"


def _cell(value: object) -> object:
    return ", ".join(str(item) for item in value) if isinstance(value, list) else value
