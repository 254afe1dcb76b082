"""`manage.py signer`: hold the keys of the CA and sign for the site."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from enrollment import conf
from enrollment.management import passphrase
from enrollment.services import authority, keyring, occupancy
from enrollment.signer import server
from enrollment.signer.desk import Desk
from enrollment.signer.log import UseLog


class Command(BaseCommand):
    """Sign what the site has decided, until stopped."""

    help = "Hold the keys of the CA in a process of its own and sign for the site."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--until-closed",
            type=int,
            metavar="FD",
            help="end when this pipe is closed; for `serve`",
        )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ANN401  # Django's signature
        """Open the keys, listen, answer."""
        settings = conf.current()
        server.harden()
        keyring.be_signer()
        passphrase.ask()
        try:
            with occupancy.occupied(settings.home):
                self._sign(settings, options["until_closed"])
        except (
            keyring.KeyProblem,
            server.SignerRunning,
            server.NoSuchUser,
            occupancy.HomeTaken,
        ) as error:
            raise CommandError(str(error)) from error

    def _sign(self, settings: conf.Settings, until_closed: int | None) -> None:
        client = server.Client.named(settings.signer_client) if settings.signer_client else None
        authority.check_current_key()
        try:
            listener = server.listen(settings.signer_socket, client)
        except OSError as error:
            raise CommandError(
                f"The socket {settings.signer_socket} cannot be made{_for_whom(settings)}: "
                f"{error.strerror}."
            ) from error
        if until_closed is None:
            self.stdout.write(f"Signing for {settings.signer_socket}")
            self.stdout.flush()
        desk = Desk(keyring.ring(), UseLog(settings.home), settings.signer_rate)
        try:
            server.serve(listener, desk, client=client, until_closed=until_closed)
        finally:
            listener.close()
            settings.signer_socket.unlink(missing_ok=True)


def _for_whom(settings: conf.Settings) -> str:
    if not settings.signer_client:
        return ""
    return f" for the group of {settings.signer_client} (the signer's user must be in it)"
