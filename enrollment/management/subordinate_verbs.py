"""The verbs of `manage.py ca` for a CA below another CA: `request` and `install`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from django.utils import timezone

from enrollment.ca import encode, names
from enrollment.ca.certificate_file import MAX_OCTETS
from enrollment.management import passphrase
from enrollment.management.addresses import written
from enrollment.management.next_step import next_step
from enrollment.management.output import Refusal, VerbCommand, shell_actor
from enrollment.services import authority, installation, subordinate

_STANDARD_OUTPUT: Final = "-"


class SubordinateVerbs(VerbCommand):
    """Asking the CA above for a certificate, and installing its answer."""

    def add_subordinate_verbs(self) -> None:
        """Declare the verbs."""
        request = self.add_verb("request", self.request)
        request.add_argument("--new-key", action="store_true", help="make a new key for it")
        request.add_argument("--out", metavar="FILE", help="write it there, too; - prints it")
        install = self.add_verb("install", self.install)
        install.add_argument("file", metavar="FILE", help="the answer: PEM, DER or PKCS #7")
        install.add_argument("--chain", metavar="FILE", help="the certificates above it")

    def request(self, options: dict[str, Any]) -> None:
        """Make the request for the next certificate of a CA below another one, or give it again."""
        self.ask(new_key=options["new_key"], out=options["out"])

    def ask(self, *, new_key: bool, out: str | None = None) -> None:
        """Make the request, and say what comes next."""
        passphrase.ask()
        try:
            asked = subordinate.request(
                new_key=new_key, actor=shell_actor(), now=timezone.now()
            ).row
        except subordinate.RequestRefused as error:
            raise Refusal(str(error)) from error
        pem = encode.pem_request(bytes(asked.der)).replace("\r\n", "\n")
        if out == _STANDARD_OUTPUT:
            self.stdout.write(pem)
            return
        if out is not None:
            try:
                Path(out).write_text(pem, encoding="ascii")
            except OSError as error:
                raise Refusal(f"{out} cannot be written: {error.strerror}.") from error
        for line in next_step(asked):
            self.stdout.write(line)

    def install(self, options: dict[str, Any]) -> None:
        """Install the certificate that the CA above returned, with its chain."""
        answer = _read(options["file"])
        chain = _read(options["chain"]) if options["chain"] else None
        passphrase.ask()
        try:
            installed = installation.install(answer, chain, actor=shell_actor(), now=timezone.now())
        except (installation.NotInstalled, installation.ListsMissing) as error:
            raise Refusal(str(error)) from error
        row = installed.row
        if not installed.is_new:
            self.stdout.write(f"This is CA certificate {row.index} already; nothing was changed.")
            return
        issuer = authority.issuer_of(row)
        self.stdout.write(
            f"Installed certificate {row.index}, key {row.key_index}, of the CA “{row.name}” below "
            f"'{names.display(issuer.certificate.issuer)}', until {issuer.not_after:%Y-%m-%d}."
        )
        self.stdout.write(f"SHA-256:       {encode.thumbprint_sha256(issuer.der)}")
        self.stdout.write("\n".join(written(row)))
        for remark in installed.remarks:
            self.stdout.write(f"Note: {remark}")


def _read(path: str) -> installation.GivenFile:
    """Read a file that was named; a little more than is allowed shows that it is too long."""
    try:
        with Path(path).open("rb") as file:
            return installation.GivenFile(path, file.read(MAX_OCTETS + 1))
    except OSError as error:
        raise Refusal(f"{path} cannot be read: {error.strerror}.") from error
