"""`manage.py certificates`: what was issued, and taking it back, in a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone

from enrollment.ca import encode
from enrollment.ca.revocation import REVOCATION_REASONS, Act
from enrollment.management import revoking
from enrollment.management.output import Refusal, VerbCommand, active_account, shell_actor
from enrollment.services import inventory, revocation, search
from enrollment.services.revocation import Order, Revoker

if TYPE_CHECKING:
    from datetime import datetime

    from django.core.management.base import CommandParser

    from enrollment.models import Certificate

_REASONS: Final = {
    reason.name.casefold().replace("_", "-"): reason for reason in REVOCATION_REASONS
}


class Command(VerbCommand):
    """Certificates: list, show, revoke, hold, release."""

    help = "Find, show and revoke issued certificates."

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
        listing.add_argument("--csv", action="store_true", help="as CSV, for spreadsheets")
        _takes_serial(self.add_verb("show", self.show, reads=True))
        revoke = self.add_verb("revoke", self.revoke)
        revoke.add_argument("--reason", required=True, choices=_REASONS)
        hold = self.add_verb("hold", self.hold)
        release = self.add_verb("release", self.release)
        for verb in (revoke, hold, release):
            revoking.takes_certificates(verb)
            revoking.takes_revoker(verb)
        for verb in (revoke, hold):
            revoking.takes_invalidity(verb)

    def list(self, options: dict[str, Any]) -> None:
        """List certificates, the newest first."""
        rows = search.read(options["term"]).rows().prefetch_related("names").defer("der")
        if options["ends_within"] is not None:
            rows = search.ending(rows, now=timezone.now(), days=options["ends_within"])
        most = max(0, min(options["limit"], 10_000))
        if options["csv"]:
            lines = inventory.lines(rows, most, timezone.now())
            self.print_csv(inventory.HEADINGS, lines)
            return
        found = [_summary(row) for row in rows[:most]]
        if options["json"]:
            self.print_json(found)
            return
        keys = ("serial_number", "names", "requester", "template", "state", "not_after")
        self.print_table(
            [key.replace("_", " ") for key in keys],
            [[row[key] for key in keys] for row in found],
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
        self.print_facts((name.replace("_", " "), value) for name, value in facts.items())
        self.stdout.write(pem.replace("\r\n", "\n"), ending="")

    def revoke(self, options: dict[str, Any]) -> None:
        """Revoke certificates for good, and publish it."""
        self._change(options, Order(Act.REVOKE, _REASONS[options["reason"]], options["invalidity"]))

    def hold(self, options: dict[str, Any]) -> None:
        """Put certificates on hold, and publish it."""
        self._change(options, Order(Act.HOLD, invalidity_date=options["invalidity"]))

    def release(self, options: dict[str, Any]) -> None:
        """Release certificates from hold, and publish it."""
        self._change(options, Order(Act.RELEASE))

    def _change(self, options: dict[str, Any], order: Order) -> None:
        now = timezone.now()
        chosen = revoking.choose(options, order.act, now)
        revoker = _revoker(options["revoker"])
        if options["dry_run"]:
            self._foretell(chosen, order, revoker, now)
            return
        try:
            done = revocation.change_status(chosen.rows, order, revoker, now=now)
        except revocation.NotARevoker as error:
            raise Refusal(str(error)) from error
        for sentence in revoking.told(done, order.act):
            self.stdout.write(sentence)
        undone = revoking.problems_of(done, order.act, alone=chosen.is_one)
        revoking.refuse([*chosen.problems, *undone], alone=chosen.is_one)

    def _foretell(
        self, chosen: revoking.Chosen, order: Order, revoker: Revoker, now: datetime
    ) -> None:
        rows = revoking.foretold(chosen.rows, order, revoker, now)
        self.print_table(("serial number", "names", "requester", "ends", "would be"), rows)
        self.stdout.write("Nothing was changed.")
        revoking.refuse(chosen.problems, alone=chosen.is_one)


def _revoker(name: str | None) -> Revoker:
    """Return who acts: an account with its rights, or whoever owns this shell."""
    if name is None:
        return Revoker(shell_actor(), may_revoke=True)
    return revocation.revoker_of(active_account(name))


def _takes_serial(parser: CommandParser) -> None:
    parser.add_argument("serial", metavar="SERIAL", help="in any writing: 0A:1B, 0x0a1b, 0a1b")


def _summary(row: Certificate) -> dict[str, Any]:
    return {
        "serial_number": row.serial_number,
        "names": revoking.names_of(row),
        "requester": row.requester,
        "template": row.template_name,
        "state": inventory.state_of(row, timezone.now()),
        "not_after": row.not_after.isoformat(),
    }
