"""`manage.py setup`: everything a new site needs; does nothing where there is nothing to do."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from enrollment import conf
from enrollment.management import passphrase
from enrollment.management.addresses import addresses, written
from enrollment.management.next_step import next_step
from enrollment.services import locks, occupancy
from enrollment.services.setup import SetupFailed, SetupReport, run_setup


class Command(BaseCommand):
    """Bring the site into being."""

    help = "Prepare the database, the CA, templates, groups and the first administrator."
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ANN401  # Django's signature
        """Migrate, make what is missing, and say what there is now."""
        home = conf.current().home
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with occupancy.occupied(home):
                with locks.exclusive("setup"):
                    call_command("migrate", verbosity=0, interactive=False)
                passphrase.ask()
                report = run_setup(now=timezone.now())
        except (SetupFailed, occupancy.HomeTaken) as error:
            raise CommandError(str(error)) from error
        for line in lines(report, conf.current()):
            self.stdout.write(line)


def lines(report: SetupReport, settings: conf.Settings) -> list[str]:
    """Say what was made, where everything is, and who may come in."""
    found = []
    if report.waiting is not None:
        found += next_step(report.waiting)
    elif report.made_authority:
        found.append(f"Made the CA “{report.authority.name}” ({settings.ca_key}).")
    else:
        found.append(f"The CA is “{report.authority.name}”.")
    if report.made_templates:
        found.append(f"Made {report.made_templates} certificate templates.")
    if report.made_groups:
        found.append(f"Made the groups {', '.join(report.made_groups)}.")
    if report.recovered:
        found.append(
            f"Finished or closed {report.recovered} requests that a crash had interrupted."
        )
    found.append(f"Data and keys: {settings.home}")
    found.extend(f"Address:       {address}" for address in addresses(settings))
    found.extend(f"Desk:          {address}" for address in addresses(settings, "admin/")[:1])
    if report.newest is not None:
        found += ["", *written(report.newest)]
    if report.admin_password is not None:
        found += [
            "",
            "The first administrator, shown this once:",
            "    name      admin",
            f"    password  {report.admin_password}",
            "The account holds every role. Make accounts of their own for certificate managers,",
            "CA administrators and auditors, and take these roles from it.",
        ]
    return found
