"""`manage.py serve`: both listeners, in a production server."""

from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from enrollment import conf
from enrollment.ca.issuer import IssuanceFault
from enrollment.management import passphrase
from enrollment.management.addresses import addresses
from enrollment.models import Authority
from enrollment.services import (
    audit_log,
    authority,
    awaited,
    client_authorities,
    issuance,
    keyring,
    occupancy,
    site_certificate,
)
from enrollment.services.own_certificates import OwnCertificateRefused
from enrollment.signer.child import SignerChild, SignerNotStarted


def _nothing() -> None:
    """Watch over nobody."""


class Command(BaseCommand):
    """Serve the site until interrupted."""

    help = "Serve the site over HTTP and HTTPS until interrupted."

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ANN401  # Django's signature
        """Bind, make sure of the site's certificate, serve."""
        settings = conf.current()
        try:
            # Held until the last worker has ended: each of them inherits it.
            with occupancy.occupied(settings.home):
                self._serve(settings)
        except occupancy.HomeTaken as error:
            raise CommandError(str(error)) from error

    def _serve(self, settings: conf.Settings) -> None:
        from enrollment.serving import server  # noqa: PLC0415  # gunicorn is for this command only

        self._refuse_unready()
        try:
            bound = server.bind(settings)
        except server.ListenerTaken as error:
            raise CommandError(str(error)) from error
        if not bound.all():
            raise CommandError("Both listeners are off. Set CERTSRV_HTTP or CERTSRV_HTTPS.")
        try:
            client_authorities.others()
        except client_authorities.ClientAuthoritiesUnreadable as error:
            raise CommandError(str(error)) from error
        watch = self._open_keys(settings)
        try:
            self._recover()
            self._catch_up()
            own = site_certificate.ensure(timezone.now()) if bound.tls else None
        except (OwnCertificateRefused, keyring.KeyProblem) as error:
            raise CommandError(str(error)) from error
        server.serve(bound, own, settings.workers, self._say_addresses, watch)

    def _open_keys(self, settings: conf.Settings) -> Callable[[], None]:
        """Start the signer where one is wanted, or open the keys here; say what is wrong now."""
        watch: Callable[[], None] = _nothing
        try:
            if settings.signer == "process":
                child = SignerChild(settings.signer_socket)
                child.start()
                watch = child.watch
            keyring.ask_signer()
            if not settings.signer:
                passphrase.ask()
            authority.check_current_key()
        except (keyring.KeyProblem, SignerNotStarted) as error:
            raise CommandError(str(error)) from error
        return watch

    def _recover(self) -> None:
        """Finish what a crash interrupted; a key that fails must not keep the site from serving."""
        try:
            finished = issuance.recover(timezone.now())
        except (keyring.KeyProblem, IssuanceFault) as error:
            self.stderr.write(f"Interrupted requests could not be finished: {error}")
            return
        if finished:
            self.stdout.write(f"Finished {len(finished)} requests that a crash had interrupted.")

    def _catch_up(self) -> None:
        """Bring the audit log up to date; one that cannot be written must not stop the CA."""
        try:
            audit_log.catch_up()
        except OSError as error:
            self.stderr.write(f"The audit log cannot be written: {error}")

    def _refuse_unready(self) -> None:
        loader = MigrationExecutor(connections["default"]).loader
        known, done = set(loader.graph.nodes), set(loader.applied_migrations)
        if not done:
            raise CommandError("The database is not set up. Run: python manage.py setup")
        if known - done:
            raise CommandError(
                f"The database lacks {len(known - done)} changes that this version needs, such as "
                f"{'.'.join(min(known - done))}. Run on one node: python manage.py setup"
            )
        if done - known:
            self.stderr.write(
                "The database was changed by a newer version of the site. This node serves on; "
                "bring it to that version soon."
            )
        if not Authority.objects.exists():
            raise CommandError(awaited.no_certificate_yet())

    def _say_addresses(self) -> None:
        for address in addresses(conf.current()):
            self.stdout.write(f"Serving {address}")
        self.stdout.flush()
