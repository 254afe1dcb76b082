"""`manage.py ca`: the CA itself."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from enrollment.ca import encode, names
from enrollment.management.output import Refusal, VerbCommand, shell_actor
from enrollment.services import authority, ca_life, condition, delivery


class Command(VerbCommand):
    """The CA: make it, show it, check it, renew it."""

    help = "Make, show, check and renew the CA."

    def add_verbs(self) -> None:
        self.add_verb("init", self.init)
        self.add_verb("show", self.show, reads=True)
        self.add_verb("check", self.check_ca, reads=True)
        renew = self.add_verb("renew", self.renew)
        renew.add_argument("--new-key", action="store_true", help="with a new key, too")
        self.add_verb("rollover", self.rollover, reads=True)

    def init(self, options: dict[str, Any]) -> None:
        """Make a self-signed CA and its first CRL, where there is none."""
        try:
            row = condition.init(timezone.now())
        except condition.CaFault as error:
            raise Refusal(str(error)) from error
        self.stdout.write(f"Made the CA '{row}'.")

    def show(self, options: dict[str, Any]) -> None:
        """Show the CA certificates, the newest first."""
        found = [_facts(row) for row in delivery.authorities()]
        if not found:
            raise Refusal("There is no CA yet. Run: python manage.py setup")
        if options["json"]:
            self.print_json(found)
            return
        for number, facts in enumerate(found):
            if number:
                self.stdout.write("")
            self.print_facts((name.replace("_", " "), value) for name, value in facts.items())

    def renew(self, options: dict[str, Any]) -> None:
        """Renew the CA certificate, with the same key or a new one, and publish new lists."""
        try:
            row = ca_life.renew(new_key=options["new_key"], actor=shell_actor(), now=timezone.now())
        except (
            ca_life.RenewalRefused,
            ca_life.ListsMissing,
            authority.NoAuthority,
        ) as error:
            raise Refusal(str(error)) from error
        ends = authority.issuer_of(row).not_after
        self.stdout.write(
            f"Renewed the CA: certificate {row.index}, key {row.key_index}, until "
            f"{ends:%Y-%m-%d}. Relying parties need the new certificate; the old one stays good."
        )

    def rollover(self, options: dict[str, Any]) -> None:
        """Say for each key of the CA what is left below it, and when it can go."""
        found = [
            {
                "key": use.newest.key_index,
                "current": use.is_current,
                "certificates left": use.leaves,
                "needed until": use.needed_until.isoformat() if use.needed_until else None,
            }
            for use in ca_life.rollover(timezone.now())
        ]
        if options["json"]:
            self.print_json(found)
            return
        headings = ("key", "current", "certificates left", "needed until")
        self.print_table(headings, [list(row.values()) for row in found])

    def check_ca(self, options: dict[str, Any]) -> None:
        """Check certificate, key, CRL and audit trail; exit with 1 when something is wrong."""
        try:
            checks = condition.check(timezone.now())
        except condition.CaFault as error:
            raise Refusal(str(error)) from error
        if options["json"]:
            self.print_json(
                [{"name": c.name, "passed": c.passed, "finding": c.finding} for c in checks]
            )
        else:
            self.print_table(
                (), [("ok" if c.passed else "WRONG", c.name, c.finding) for c in checks]
            )
        wrong = [c.name for c in checks if not c.passed]
        if wrong:
            raise Refusal(f"Not in order: {', '.join(wrong)}.")


def _facts(row: Any) -> dict[str, Any]:  # noqa: ANN401 - an Authority
    issuer = authority.issuer_of(row)
    return {
        "name": row.name,
        "index": row.index,
        "key_index": row.key_index,
        "subject": names.display(issuer.certificate.subject),
        "not_before": issuer.not_before.isoformat(),
        "not_after": issuer.not_after.isoformat(),
        "thumbprint_sha1": encode.thumbprint(issuer.der),
        "thumbprint_sha256": encode.thumbprint_sha256(issuer.der),
    }
