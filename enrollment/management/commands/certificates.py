"""`manage.py certificates`: what was issued, and taking it back, in a shell."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone

from enrollment.ca import encode
from enrollment.ca.revocation import REVOCATION_REASONS, Act, RevocationRefused
from enrollment.management.output import Refusal, VerbCommand, shell_actor
from enrollment.services import revocation, search
from enrollment.services.revocation import Order

if TYPE_CHECKING:
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
        _takes_serial(self.add_verb("show", self.show, reads=True))
        revoke = self.add_verb("revoke", self.revoke)
        _takes_serial(revoke)
        revoke.add_argument("--reason", required=True, choices=_REASONS)
        hold = self.add_verb("hold", self.hold)
        _takes_serial(hold)
        for verb in (revoke, hold):
            verb.add_argument(
                "--invalidity",
                metavar="DATE",
                type=_date,
                help="since when the key may be in other hands, YYYY-MM-DD",
            )
        _takes_serial(self.add_verb("release", self.release))

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
        """Revoke a certificate for good, and publish it."""
        order = Order(Act.REVOKE, _REASONS[options["reason"]], options["invalidity"])
        self._change(options["serial"], order, "revoked")

    def hold(self, options: dict[str, Any]) -> None:
        """Put a certificate on hold, and publish it."""
        order = Order(Act.HOLD, invalidity_date=options["invalidity"])
        self._change(options["serial"], order, "on hold")

    def release(self, options: dict[str, Any]) -> None:
        """Release a certificate from hold, and publish it."""
        self._change(options["serial"], Order(Act.RELEASE), "valid again")

    def _change(self, serial: str, order: Order, outcome: str) -> None:
        revoker = revocation.Revoker(shell_actor(), may_revoke=True)
        try:
            row = revocation.find(serial)
            done = revocation.change_status([row], order, revoker, now=timezone.now())
        except RevocationRefused as error:
            raise Refusal(str(error)) from error
        for _, refused in done.refused:
            raise Refusal(str(refused))
        if done.crl_number is None:
            raise Refusal(
                f"The certificate {row.serial_number} of {row.requester} is {outcome}, but no CRL "
                f"could be published: {done.problem} The next publication says so."
            )
        self.stdout.write(
            f"The certificate {row.serial_number} of {row.requester} is {outcome}; "
            f"CRL {done.crl_number} says so."
        )


def _takes_serial(parser: CommandParser) -> None:
    parser.add_argument("serial", metavar="SERIAL", help="in any writing: 0A:1B, 0x0a1b, 0a1b")


def _date(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)


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
    status = revocation.status_of(row)
    if status.is_held:
        return "on hold"
    if status.is_revoked:
        return "revoked"
    return "valid" if row.not_after > now else "ended"
