"""Dies at a chosen step of issuing, in a process of its own, and tells what the next start finds.

Run by `test_crash.py`: `python -m tests.crash_driver HOME`, with cases as JSON lines on standard
input and reports as JSON lines on standard output. One process loads Django and the site; each case
forks twice from it: the first child is killed with SIGKILL in the middle of its work on a real
SQLite file, the second one starts afresh on what is left, recovers and looks.

The hooks live here and nowhere else: the product has no way to be told to die.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

HELD = "held"


@dataclass(frozen=True)
class Case:
    """Where to die.

    `target` is a dotted path to a function; the process dies before or after its `count`-th call.
    `flow` is what is being done: `enroll`, or `approve` for a request that waited.
    """

    flow: str
    target: str
    moment: str
    count: int = 1

    @property
    def title(self) -> str:
        """The case as a test id."""
        name = ".".join(self.target.split(".")[-2:])
        ordinal = f" #{self.count}" if self.count > 1 else ""
        return f"{self.flow}, {self.moment} {name}{ordinal}"


def main(home: Path) -> None:
    """Answer every case on standard input."""
    os.environ["CERTSRV_HOME"] = str(home)
    import django

    django.setup()
    prepare_home(home)
    for line in sys.stdin:
        case = Case(**json.loads(line))
        report = run(case, home)
        sys.stdout.write(json.dumps(report) + "\n")
        sys.stdout.flush()


def prepare_home(home: Path) -> None:
    """Set the site up once; each case gets a copy of its database."""
    from django.contrib.auth.models import Group, User
    from django.core.management import call_command
    from django.db import connections

    home.mkdir(exist_ok=True)
    call_command("setup", stdout=sys.stderr)
    alice = User.objects.create_user("alice")
    alice.groups.set(Group.objects.filter(name="Enrollees"))
    held = enroll("CertificateTemplate:CodeSigning")
    if held.get_disposition_display() != "Under submission":
        raise SystemExit(f"the CodeSigning request should wait: {held.detail}")
    (home / HELD).write_text(str(held.pk))
    connections.close_all()


def run(case: Case, home: Path) -> dict[str, Any]:
    """Die once and report what the next process finds."""
    database = home / f"case-{hashlib.sha256(case.title.encode()).hexdigest()[:8]}.sqlite3"
    shutil.copy(find_database(home), database)
    signed = database.with_suffix(".signed")
    signed.touch()
    died = in_child(lambda: crash(case, database, home, signed))
    report = database.with_suffix(".report")
    in_child(lambda: report.write_text(json.dumps(inspect(database, signed))))
    return {
        "killed": os.WIFSIGNALED(died) and os.WTERMSIG(died) == signal.SIGKILL,
        **json.loads(report.read_text()),
    }


def find_database(home: Path) -> Path:
    """Return the file that set-up made."""
    from django.conf import settings

    return home / str(settings.DATABASES["default"]["NAME"])


def in_child(act: Callable[[], object]) -> int:
    """Do `act` in a forked process and return its wait status."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        try:
            act()
        except BaseException:  # noqa: BLE001 - the child must end here, whatever it was
            import traceback

            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def use(database: Path) -> None:
    """Point this process at a copy; nothing was connected before the fork."""
    from django.db import connections

    connections["default"].settings_dict["NAME"] = str(database)


def crash(case: Case, database: Path, home: Path, signed: Path) -> None:
    """Work until the chosen step, and die there."""
    use(database)
    note_every_signature(signed)
    arm(case)
    if case.flow == "approve":
        approve(int((home / HELD).read_text()))
    else:
        enroll("CertificateTemplate:WebServer")


def note_every_signature(signed: Path) -> None:
    """Write down what the CA key signed the moment it has signed it, whatever comes after."""
    from enrollment.keys.file import FileSigner

    real = FileSigner.sign

    def sign(self: FileSigner, message: bytes) -> bytes:
        signature = real(self, message)
        with signed.open("a") as file:
            file.write(hashlib.sha256(message).hexdigest() + "\n")
            file.flush()
            os.fsync(file.fileno())
        return signature

    FileSigner.sign = sign  # type: ignore[method-assign] # for this process only


def arm(case: Case) -> None:
    """Wrap the target so that the process dies at its `count`-th call."""
    owner_path, _, name = case.target.rpartition(".")
    try:
        owner = import_module(owner_path)
    except ModuleNotFoundError:
        module, _, class_name = owner_path.rpartition(".")
        owner = getattr(import_module(module), class_name)
    real = getattr(owner, name)
    calls = 0

    def wrapped(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == case.count and case.moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*arguments, **options)
        if calls == case.count:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, wrapped)


def enroll(attributes: str) -> Any:
    """Submit a request of Alice's."""
    from enrollment.services.enroll import Submission
    from enrollment.services.enroll import enroll as enroll_service
    from tests import make

    raw = make.request_pem("www.example.com", dns=["www.example.com"], kind="ec:p256")
    return enroll_service(Submission(raw, attributes, alice(), "web"), now=datetime.now(UTC))


def alice() -> Any:
    """Return the requester."""
    from django.contrib.auth.models import User

    from enrollment.services import directory

    return directory.requester_of(User.objects.get(username="alice"))


def approve(request_id: int) -> None:
    """Do what a certificate manager does: look, then issue what was shown."""
    from enrollment.services import review

    now = datetime.now(UTC)
    shown = review.prepare_review(request_id, now=now)
    maria = review.Reviewer("maria", may_review=True)
    review.approve(request_id, maria, digest=shown.digest, now=now)


def inspect(database: Path, signed: Path) -> dict[str, Any]:
    """Start afresh: recover, look at everything, recover again, and issue once more."""
    use(database)
    from enrollment.models import EnrollmentRequest
    from enrollment.services import issuance

    before = list(EnrollmentRequest.objects.order_by("pk").values_list("pk", flat=True))
    recovered = len(issuance.recover(datetime.now(UTC)))
    found = look()
    return {
        "recovered": recovered,
        "recovered_again": len(issuance.recover(datetime.now(UTC))),
        "ids": before,
        "next_id": enroll("CertificateTemplate:WebServer").pk,
        "signed": signed.read_text().split(),
        **found,
    }


def look() -> dict[str, Any]:
    """Read everything that must hold."""
    from cryptography import x509

    from enrollment.models import (
        AuditEvent,
        Certificate,
        EnrollmentRequest,
        SigningRecord,
    )
    from enrollment.services import audit

    certificates = list(Certificate.objects.all())
    loaded = [x509.load_der_x509_certificate(bytes(row.der)) for row in certificates]
    return {
        "dispositions": {row.pk: row.state.name for row in EnrollmentRequest.objects.all()},
        "with_certificate": [
            row.pk for row in EnrollmentRequest.objects.filter(certificate__isnull=False)
        ],
        "recorded": [
            hashlib.sha256(certificate.tbs_certificate_bytes).hexdigest() for certificate in loaded
        ],
        "serial_numbers": [f"{certificate.serial_number:x}" for certificate in loaded],
        "rows_serial_numbers": [row.serial_number for row in certificates],
        "committed": list(
            SigningRecord.objects.filter(state="signed").values_list("serial_number", flat=True)
        ),
        "open": SigningRecord.objects.filter(state="committed").count(),
        "names": sum(row.names.count() for row in certificates),
        "audit_whole": audit.verify().is_whole,
        "signing_events": AuditEvent.objects.filter(verb="signing").count(),
        "signed_events": AuditEvent.objects.filter(verb="signed").count(),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
