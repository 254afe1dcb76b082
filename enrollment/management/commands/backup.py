"""`manage.py backup`: one encrypted archive of the site; made, verified, restored."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from django.core.management import call_command
from django.utils import timezone

from enrollment import conf
from enrollment.management import passphrase, secrets
from enrollment.management.output import Refusal, VerbCommand, clean, shell_actor
from enrollment.services import occupancy
from enrollment.services.backup import inspect
from enrollment.services.backup.create import create
from enrollment.services.backup.envelope import Opener, Seal
from enrollment.services.backup.errors import BackupFault
from enrollment.services.backup.manifest import ON_TOKEN
from enrollment.services.backup.reconcile import Sources, reconcile
from enrollment.services.backup.report import Report, Restorer
from enrollment.services.backup.restore import put_back
from enrollment.services.occupancy import HomeTaken

if TYPE_CHECKING:
    from datetime import datetime

    from django.core.management.base import CommandParser

    from enrollment.services.backup.manifest import Manifest

_MANAGE: Final = Path(__file__).resolve().parents[3] / "manage.py"
_MARKS: Final = {True: "ok", False: "WRONG", None: "not here"}


class Command(VerbCommand):
    """Backups: create, verify, restore, reconcile."""

    help = "Back up the site while it runs, verify a backup, restore it."

    def add_verbs(self) -> None:
        create = self.add_verb("create", self.create)
        create.add_argument("file", metavar="FILE", type=Path)
        create.add_argument("--passphrase-file", metavar="FILE", help="its first line opens it")
        create.add_argument(
            "--recipient",
            action="append",
            default=[],
            metavar="KEY",
            help="whose secret key opens it: a public key of age, age1…; may be repeated",
        )
        create.add_argument("--force", action="store_true", help="replace a file that is there")
        _opens(self.add_verb("verify", self.verify, reads=True))
        restore = self.add_verb("restore", self.restore)
        _opens(restore)
        restore.add_argument("--home", metavar="DIR", type=Path, help="instead of CERTSRV_HOME")
        restore.add_argument(
            "--replace",
            action="store_true",
            help="move the site that is there aside, into the home",
        )
        _tells(restore)
        _tells(self.add_verb("reconcile", self.reconcile))

    def handle(self, *args: object, **options: Any) -> None:  # noqa: ANN401 - argparse's values
        try:
            super().handle(*args, **options)
        except (BackupFault, HomeTaken) as error:
            raise Refusal(str(error)) from error
        except OSError as error:
            raise Refusal(f"{error.filename or 'A file'}: {error.strerror}.") from error

    def create(self, options: dict[str, Any]) -> None:
        """Write an encrypted archive of the site as it is now; it may run meanwhile."""
        recipients = tuple(options["recipient"])
        given = options["passphrase_file"]
        passphrase = "" if recipients and not given else secrets.backup_passphrase(given, new=True)
        made = create(
            options["file"].absolute(),
            Seal(passphrase, recipients),
            force=options["force"],
            actor=shell_actor(),
            now=timezone.now(),
        )
        self.stdout.write(f"Wrote {options['file']}: {made.size:,} octets, encrypted.")
        self.stdout.write(f"SHA-256: {made.sha256}")
        for sentence in _warnings(made.manifest):
            self.stdout.write(sentence)

    def verify(self, options: dict[str, Any]) -> None:
        """Open an archive, check everything in it, and say what it holds; exit with 1 if wrong."""
        path = options["file"].absolute()
        about, findings = inspect.verify(path, _opener(options), conf.current().home)
        if options["json"]:
            self.print_json(_facts(about) | {"findings": [_finding(each) for each in findings]})
        else:
            self.print_facts(_facts(about).items())
            self.print_table((), [(_MARKS[f.passed], f.name, f.sentence) for f in findings])
        wrong = [each.name for each in findings if each.passed is False]
        if wrong:
            raise Refusal(f"Not in order: {', '.join(wrong)}.")

    def restore(self, options: dict[str, Any]) -> None:
        """Put a backup into an empty home, prove it, and make it safe to serve from."""
        home = options["home"]
        if home is not None and home.absolute() != conf.current().home:
            self._restore_elsewhere(home.absolute(), options)
            return
        now = timezone.now()
        with occupancy.empty(conf.current().home):
            done = put_back(
                options["file"].absolute(),
                _opener(options),
                replace_old=options["replace"],
                now=now,
            )
            self.print_table((), [(_MARKS[f.passed], f.name, f.sentence) for f in done.findings])
            if done.aside is not None:
                self.stdout.write(f"What was there before is in {done.aside}")
            self._say("Settings that differ from those of the backup:", done.other_settings())
            sources = _sources(options)
            sources = replace(
                sources,
                logs=sources.logs + done.old_logs,
                published=sources.published + done.old_lists,
                archive=done.archive,
            )
            self._reconcile(sources, now)

    def _restore_elsewhere(self, home: Path, options: dict[str, Any]) -> None:
        """Do it in a process whose settings say so: a process has one home."""
        words = ["restore", str(options["file"].absolute())]
        for name in ("passphrase_file", "identity_file", "log", "published"):
            given = options[name] if isinstance(options[name], list) else [options[name]]
            for value in given:
                if value is not None:
                    words += [f"--{name.replace('_', '-')}", str(Path(value).absolute())]
        flags = {"replace": "--replace", "revoke_unrecorded": "--revoke-unrecorded"}
        words += [flag for name, flag in flags.items() if options[name]]
        self.stdout.flush()
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, str(_MANAGE), "backup", *words],
            env={**os.environ, "CERTSRV_HOME": str(home)},
            check=False,
        )
        if done.returncode:
            sys.exit(done.returncode)

    def reconcile(self, options: dict[str, Any]) -> None:
        """Make a database that was put back by other means safe: prove it, move numbers ahead."""
        with occupancy.empty(conf.current().home):
            self._reconcile(_sources(options), timezone.now())

    def _reconcile(self, sources: Sources, now: datetime) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        passphrase.ask()
        report = reconcile(sources, Restorer(shell_actor(), now))
        for heading, lines in _sections(report):
            self._say(heading, lines)
        self.stdout.write(
            f"\nEverything is known up to {report.known_until:%Y-%m-%d %H:%M:%S} UTC. What was "
            "issued or revoked after that, if anything, is in no source that was given. Every "
            "session was ended; accounts and passwords are those of the backup."
        )
        if report.problems:
            raise Refusal(" ".join(report.problems))
        if report.crl_number is None:
            self.stdout.write("The site is whole.")
            return
        self.stdout.write(
            f"The site is whole, and CRL {report.crl_number} is published. Start it: "
            "python manage.py serve"
        )

    def _say(self, heading: str, lines: list[str]) -> None:
        if lines:
            self.stdout.write(f"\n{heading}")
        for line in lines:
            self.stdout.write(f"  {clean(line)}")


def _sections(report: Report) -> list[tuple[str, list[str]]]:
    events = [f"{report.events:,} events follow those of the backup without a gap"]
    return [
        ("Moved ahead, so that no number is used twice:", report.numbers),
        ("Brought back into the audit trail:", events if report.events else []),
        ("Certificates issued after the backup, brought back:", report.certificates),
        ("Revoked after the backup, and again now:", report.revocations),
        ("Interrupted, finished by the next start:", report.unfinished),
        ("Waited for a certificate manager and are gone; ask for them again:", report.waited),
        ("Done after the backup, to be done again by hand:", report.acts),
        ("Certificates that no key of this CA signed:", report.strange),
        (
            "SIGNED BY THE KEY, AND NO CERTIFICATE FOUND (--revoke-unrecorded revokes them):",
            report.unrecorded,
        ),
        ("Not used:", report.ignored),
    ]


def _tells(parser: CommandParser) -> None:
    parser.add_argument(
        "--log",
        action="append",
        default=[],
        metavar="FILE",
        type=Path,
        help="an audit log, an export of it or a signer's log, perhaps .gz; may be repeated",
    )
    parser.add_argument(
        "--published",
        action="append",
        default=[],
        metavar="DIR",
        type=Path,
        help="a folder of lists (.crl) and certificates that were found; may be repeated",
    )
    parser.add_argument(
        "--revoke-unrecorded",
        action="store_true",
        help="revoke what the signer's log names and nobody can show",
    )


def _sources(options: dict[str, Any]) -> Sources:
    return Sources(tuple(options["log"]), tuple(options["published"]), options["revoke_unrecorded"])


def _opens(parser: CommandParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path)
    parser.add_argument("--passphrase-file", metavar="FILE", help="its first line opens it")
    parser.add_argument(
        "--identity-file",
        action="append",
        default=[],
        metavar="FILE",
        help="secret keys of age, as age-keygen writes them; may be repeated",
    )


def _opener(options: dict[str, Any]) -> Opener:
    return Opener(
        passphrase=lambda: secrets.backup_passphrase(options["passphrase_file"], new=False),
        identities=secrets.identities(options["identity_file"]),
        key_passphrase=secrets.key_passphrase,
    )


def _warnings(about: Manifest) -> list[str]:
    found = [
        f"NOT in the archive: the key of {each.owner}, {each.reference}"
        + (" (on a token)." if each.place == ON_TOKEN else " (not in the home).")
        for each in about.keys
        if not each.is_inside
    ]
    if any(each.is_inside and not each.is_encrypted for each in about.keys):
        found.append("Inside are unencrypted keys of the CA: whoever opens the archive is the CA.")
    return found


def _facts(about: Manifest) -> dict[str, Any]:
    return {
        "made_at": about.made_at.isoformat(),
        "host": about.hostname,
        "software": about.software,
        "database": about.database.name,
        "crl_number": about.facts.crl_number,
        "request_id": about.facts.request_id,
        "serial_number": about.facts.serial_number,
        "audit_id": about.facts.audit_id,
        "audit_hash": about.facts.audit_hash,
        "ca": [f"{each.name} ({each.index}) {each.thumbprint}" for each in about.authorities],
        "files": [each.name for each in about.members],
        "settings": [f"{name}={value}" for name, value in sorted(about.settings.items())],
    }


def _finding(finding: inspect.Finding) -> dict[str, Any]:
    return {"name": finding.name, "passed": finding.passed, "finding": finding.sentence}
