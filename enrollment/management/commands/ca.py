"""`manage.py ca`: the CA itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone

from enrollment.ca import encode, names
from enrollment.ca.check import Check, Severity, Verdict
from enrollment.management.addresses import written
from enrollment.management.output import Refusal, VerbCommand, shell_actor
from enrollment.management.subordinate_verbs import SubordinateVerbs
from enrollment.services import (
    authority,
    awaited,
    ca_life,
    condition,
    cross,
    delivery,
    installation,
    own_addresses,
    reports,
    retirement,
    rollover,
    rollover_duties,
    self_check,
    subordinate,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from enrollment.services.own_addresses import OwnAddress

# Exit code of `check --strict`; 1 and 2 mean that something is wrong, with the CA or the command.
_DOUBTFUL: Final = 3
_WORDS: Final = {Severity.OK: "ok", Severity.WARNING: "WARN", Severity.CRITICAL: "WRONG"}


class Command(SubordinateVerbs, VerbCommand):
    """The CA: make it, show it, check it, renew it, put it below another CA."""

    help = "Make, show, check and renew the CA, and put it below another CA."

    def add_verbs(self) -> None:
        self.add_verb("init", self.init)
        self.add_subordinate_verbs()
        self.add_verb("show", self.show, reads=True)
        check = self.add_verb("check", self.check_ca, reads=True)
        check.add_argument("--offline", action="store_true", help="fetch nothing")
        check.add_argument(
            "--strict", action="store_true", help="exit with 3 when there are warnings only"
        )
        addresses = self.add_verb("addresses", self.addresses, reads=True)
        addresses.add_argument("--check", action="store_true", help="fetch each of them")
        renew = self.add_verb("renew", self.renew)
        renew.add_argument("--new-key", action="store_true", help="with a new key, too")
        self.add_verb("rollover", self.rollover, reads=True)
        self.add_verb("cross", self.cross)
        retire = self.add_verb("retire", self.retire)
        retire.add_argument("key", type=int, metavar="KEY", help="its number in 'ca rollover'")
        retire.add_argument(
            "--destroy-key", action="store_true", help="delete its file, too; for good"
        )
        retire.add_argument(
            "--without-list", action="store_true", help="the key is lost: make no last list"
        )

    def init(self, options: dict[str, Any]) -> None:
        """Make a CA where there is none: self-signed, or a request to the CA above."""
        if subordinate.is_to_be_made():
            self.ask(new_key=False)
            return
        try:
            row = condition.init(timezone.now())
        except condition.CaFault as error:
            raise Refusal(str(error)) from error
        self.stdout.write(f"Made the CA '{row}'.")
        self.stdout.write("\n".join(written(row)))

    def show(self, options: dict[str, Any]) -> None:
        """Show the CA certificates, the newest first."""
        found = [_facts(row) for row in delivery.authorities()]
        if not found:
            raise Refusal(awaited.no_certificate_yet())
        if options["json"]:
            self.print_json(found)
            return
        for number, facts in enumerate(found):
            if number:
                self.stdout.write("")
            self.print_facts(
                (name.replace("_", " "), "; ".join(value) if isinstance(value, list) else value)
                for name, value in facts.items()
                if value != []
            )

    def renew(self, options: dict[str, Any]) -> None:
        """Renew the CA certificate, with the same key or a new one, and publish new lists."""
        if subordinate.is_expected():
            self.ask(new_key=options["new_key"])
            return
        try:
            row = ca_life.renew(new_key=options["new_key"], actor=shell_actor(), now=timezone.now())
        except (
            ca_life.RenewalRefused,
            ca_life.RenewalUnfinished,
            authority.NoAuthority,
        ) as error:
            raise Refusal(str(error)) from error
        ends = authority.issuer_of(row).not_after
        self.stdout.write(
            f"Renewed the CA: certificate {row.index}, key {row.key_index}, until "
            f"{ends:%Y-%m-%d}. Relying parties need the new certificate; the old one stays good."
        )
        self.stdout.write("\n".join(written(row)))

    def rollover(self, options: dict[str, Any]) -> None:
        """Say for each key of the CA what is left below it, when it can go, and what is due."""
        now = timezone.now()
        keys = rollover.generations(now)
        if not keys:
            raise Refusal(awaited.no_certificate_yet())
        duties = rollover_duties.of(keys, now)
        found = [
            {
                "key": key.key_index,
                "state": key.stage.value,
                "certificates left": f"{key.left.count}{'+' if key.left.is_capped else ''}",
                "last one ends": key.left.last_ends.isoformat() if key.left.last_ends else None,
                "crosses": [str(row) for row in key.crosses],
            }
            for key in keys
        ]
        if options["json"]:
            self.print_json([{**row, "due": _duties(duties, row["key"])} for row in found])
            return
        self.print_table(tuple(found[0]), [list(row.values()) for row in found])
        for duty in duties:
            self.stdout.write("")
            self.stdout.write(f"Key {duty.key_index}: {duty.sentence}")
            if duty.command:
                self.stdout.write(f"    python manage.py {duty.command}")

    def cross(self, options: dict[str, Any]) -> None:
        """Make the cross certificates that are missing between keys of a self-signed CA."""
        try:
            made = cross.make_missing(timezone.now(), actor=shell_actor())
        except cross.CrossesOff as error:
            raise Refusal(str(error)) from error
        for row in made.signed:
            self.stdout.write(f"Signed the cross certificate {row}.")
        if made.problems:
            raise Refusal(f"Not every cross certificate was made: {' '.join(made.problems)}")
        if not made.signed:
            self.stdout.write("No cross certificate is missing.")

    def retire(self, options: dict[str, Any]) -> None:
        """Retire an old key of the CA: a last CRL, and no signature after it."""
        key, now, actor = options["key"], timezone.now(), shell_actor()
        try:
            if not (options["destroy_key"] and retirement.is_retired(key)):
                row = retirement.retire(
                    key, actor=actor, now=now, without_list=options["without_list"]
                )
                said = (
                    f"CRL {row.last_list} is its last." if row.last_list else "It has no last CRL."
                )
                self.stdout.write(f"Key {key} is retired. {said}")
            if options["destroy_key"]:
                retirement.destroy(key, actor=actor, now=now)
                self.stdout.write(
                    f"The file of key {key} is destroyed. Restart the site, which may hold the key "
                    "in memory, and destroy the copies in backups."
                )
        except (retirement.RetirementRefused, authority.NoAuthority) as error:
            raise Refusal(str(error)) from error

    def addresses(self, options: dict[str, Any]) -> None:
        """Show the addresses that certificates name, as configured and as written."""
        now = timezone.now()
        wanted = list(own_addresses.every(now))
        if not wanted:
            raise Refusal(awaited.no_certificate_yet())
        verdicts: list[Verdict | None] = [None] * len(wanted)
        if options["check"]:
            verdicts = [verdict for _, verdict in self_check.judged(wanted, now)]
        rows = [_row(*pair) for pair in zip(wanted, verdicts, strict=True)]
        if options["json"]:
            self.print_json(rows)
            return
        headings = ["certificate", "key", "what", "template", "address"]
        if options["check"]:
            headings.insert(3, "severity")
        self.print_table(headings, [[row[heading] for heading in headings] for row in rows])
        for line in dict.fromkeys(_notes(rows)):
            self.stdout.write(line)

    def check_ca(self, options: dict[str, Any]) -> None:
        """Check the CA, from inside and as others see it; exit with 1 when something is wrong."""
        try:
            checks = reports.look(timezone.now(), is_offline=options["offline"])
        except condition.CaFault as error:
            raise Refusal(str(error)) from error
        if options["json"]:
            self.print_json([reports.to_json(check) for check in checks])
        else:
            self.print_table(
                (), [(_WORDS[check.severity], check.name, check.sentence) for check in checks]
            )
        wrong = _names(checks, Severity.CRITICAL)
        doubtful = _names(checks, Severity.WARNING)
        if wrong:
            raise Refusal(f"Not in order: {wrong}.")
        if doubtful and options["strict"]:
            raise Refusal(f"Needs attention: {doubtful}.", returncode=_DOUBTFUL)


def _notes(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Say what is to be said of the addresses below their table."""
    for row in rows:
        if row.get("severity", "ok") != "ok":
            yield f"{row['address']}: {row['finding']}"
    for row in rows:
        yield from (f"Take note: {remark}" for remark in row["remarks"])


def _row(address: OwnAddress, verdict: Verdict | None) -> dict[str, Any]:
    row = {
        "certificate": address.row.index,
        "key": address.row.key_index,
        "what": address.label,
        "setting": address.setting,
        "template": address.template,
        "address": address.url,
        "remarks": list(address.remarks),
    }
    if verdict is not None:
        row |= {"severity": verdict.severity.name.lower(), "finding": verdict.finding}
    return row


def _names(checks: list[Check], severity: Severity) -> str:
    return ", ".join(dict.fromkeys(one.name for one in checks if one.severity is severity))


def _duties(duties: list[rollover_duties.Duty], key: object) -> list[dict[str, Any]]:
    return [
        {"urgency": duty.urgency.value, "sentence": duty.sentence, "by": duty.by}
        for duty in duties
        if duty.key_index == key
    ]


def _facts(row: Any) -> dict[str, Any]:  # noqa: ANN401 - an Authority
    issuer = authority.issuer_of(row)
    return {
        "name": row.name,
        "index": row.index,
        "key_index": row.key_index,
        "subject": names.display(issuer.certificate.subject),
        "issuer": names.display(issuer.certificate.issuer),
        "chain": [names.display(above.subject) for above in installation.x509_of(issuer.chain)],
        "not_before": issuer.not_before.isoformat(),
        "not_after": issuer.not_after.isoformat(),
        "thumbprint_sha1": encode.thumbprint(issuer.der),
        "thumbprint_sha256": encode.thumbprint_sha256(issuer.der),
    }
