"""`manage.py requests`: the queue in a shell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from enrollment.ca import encode
from enrollment.ca.disposition import Disposition
from enrollment.ca.errors import EnrollmentError
from enrollment.ca.issuer import IssuanceFault
from enrollment.ca.policy import Deny
from enrollment.management.output import (
    Refusal,
    VerbCommand,
    active_account,
    shell_actor,
    write_new,
)
from enrollment.models import EnrollmentRequest
from enrollment.services import (
    authority,
    delivery,
    directory,
    enroll,
    keyring,
    review,
    revocation,
)

if TYPE_CHECKING:
    from django.core.management.base import CommandParser

_STATES = {
    "waiting": Disposition.UNDER_SUBMISSION,
    "issued": Disposition.ISSUED,
    "denied": Disposition.DENIED,
    "error": Disposition.ERROR,
    "revoked": Disposition.REVOKED,
}
# Larger files are no requests; the service has a tighter bound of its own.
_MOST_OCTETS = 2 * 1024 * 1024
_WORDS = {disposition: word for word, disposition in _STATES.items()}


class Command(VerbCommand):
    """Requests: list, look, take in, issue, deny, carry away."""

    help = "Work off the queue of requests."

    def add_verbs(self) -> None:
        listing = self.add_verb("list", self.list, reads=True)
        listing.add_argument(
            "--state", choices=(*_STATES, "all"), default="waiting", help="default: waiting"
        )
        listing.add_argument("--requester", help="only the requests of this account")
        listing.add_argument("--limit", type=int, default=100, help="at most so many (100)")
        listing.add_argument("--csv", action="store_true", help="as CSV, for spreadsheets")
        _takes_id(self.add_verb("show", self.show, reads=True))
        submit = self.add_verb("submit", self.submit)
        submit.add_argument(
            "file", metavar="FILE", type=Path, help="the request, as it was carried"
        )
        submit.add_argument("--template", metavar="NAME", default="", help="for example SubCA")
        submit.add_argument(
            "--as", dest="requester", metavar="NAME", required=True, help="the account that asks"
        )
        export = self.add_verb("export", self.export)
        _takes_id(export)
        export.add_argument(
            "--to", metavar="FOLDER", type=Path, required=True, help="made if it is missing"
        )
        approve = self.add_verb("approve", self.approve)
        _takes_id(approve)
        approve.add_argument("--digest", help="issue only if this is the content; 'show' prints it")
        _takes_reviewer(approve)
        deny = self.add_verb("deny", self.deny)
        _takes_id(deny)
        deny.add_argument("--reason", required=True, help="the requester reads it")
        _takes_reviewer(deny)

    def list(self, options: dict[str, Any]) -> None:
        """List requests, the longest waiting first."""
        rows = EnrollmentRequest.objects.select_related("certificate").order_by("pk")
        rows = rows.defer("raw", "certificate__der")
        if options["state"] != "all":
            rows = rows.filter(disposition=_STATES[options["state"]].value)
        if options["requester"]:
            rows = rows.filter(requester=options["requester"])
        found = [_summary(row) for row in rows[: max(0, min(options["limit"], 10_000))]]
        if options["json"]:
            self.print_json(found)
            return
        keys = ("id", "state", "requester", "names", "template", "submitted")
        rows_shown = [[row[key] for key in keys] for row in found]
        if options["csv"]:
            self.print_csv(keys, rows_shown)
        else:
            self.print_table(keys, rows_shown)

    def show(self, options: dict[str, Any]) -> None:
        """Show one request, and what would be issued for a waiting one."""
        row = _row(options["id"])
        facts = {**_summary(row), **_details(row)}
        if row.state is Disposition.UNDER_SUBMISSION:
            facts |= _would_be(row)
        if options["json"]:
            self.print_json(facts)
            return
        self.print_facts((name.replace("_", " "), value) for name, value in facts.items() if value)

    def submit(self, options: dict[str, Any]) -> None:
        """Take in a request that was carried here as a file, and decide."""
        user = active_account(options["requester"])
        line = f"CertificateTemplate:{options['template']}" if options["template"] else ""
        submission = enroll.Submission(
            _content(options["file"]), line, directory.requester_of(user), "shell"
        )
        try:
            row = enroll.enroll(submission, now=timezone.now())
        except authority.NoAuthority as error:
            raise Refusal(str(error)) from error
        word = _WORDS.get(row.state, row.state.name.lower())
        if row.state in (Disposition.DENIED, Disposition.ERROR):
            raise Refusal(f"Request {row.pk} is {word}. {row.detail} {row.remedy}")
        self.stdout.write(f"Request {row.pk} is {word}. {row.detail or row.disposition_message}")

    def export(self, options: dict[str, Any]) -> None:
        """Write an issued certificate and its chain as files, to be carried to who asked."""
        row = _row(options["id"])
        if row.certificate is None:
            word = _WORDS.get(row.state, row.state.name.lower())
            raise Refusal(f"Request {row.pk} is {word}; there is no certificate to carry away.")
        folder: Path = options["to"]
        chain = delivery.chain_of(row.certificate)
        files = {
            f"certificate-{row.pk}.cer": encode.pem(chain[0]).encode(),
            f"certificate-{row.pk}.p7b": encode.pem_pkcs7(encode.pkcs7(chain)).encode(),
        }
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Refusal(f"{folder} cannot be made: {error.strerror}.") from error
        for name, content in files.items():
            write_new(folder / name, content)
            self.stdout.write(f"Wrote {folder / name}")

    def approve(self, options: dict[str, Any]) -> None:
        """Issue a waiting request."""
        now = timezone.now()
        reviewer = _reviewer(options["reviewer"])
        try:
            digest = options["digest"] or _digest(options["id"])
            done = review.approve(options["id"], reviewer, digest=digest.lower(), now=now)
        except (review.DecisionRefused, EnrollmentError) as error:
            raise Refusal(str(error)) from error
        except (keyring.KeyProblem, IssuanceFault) as error:
            raise Refusal(
                f"Request {options['id']} is approved but could not be signed: {error} The "
                "certificate is finished at the next start of the site."
            ) from error
        if done.certificate is None:
            self.stdout.write(
                f"Request {options['id']} is approved by {reviewer.name}: {done.tally}. Another "
                "certificate manager must, too."
            )
            return
        self.stdout.write(
            f"Request {options['id']} is issued to {done.certificate.requester}, serial number "
            f"{done.certificate.serial_number}."
        )

    def deny(self, options: dict[str, Any]) -> None:
        """Deny a waiting request with a reason."""
        if not options["reason"].strip():
            raise Refusal("The reason is empty. The requester reads it and has nothing else.")
        try:
            row = review.deny(
                options["id"],
                _reviewer(options["reviewer"]),
                reason=options["reason"],
                now=timezone.now(),
            )
        except review.DecisionRefused as error:
            raise Refusal(str(error)) from error
        self.stdout.write(f"Request {row.pk} of {row.requester} is denied.")


def _takes_id(parser: CommandParser) -> None:
    parser.add_argument("id", metavar="ID", type=int, help="the request id")


def _takes_reviewer(parser: CommandParser) -> None:
    parser.add_argument(
        "--as",
        dest="reviewer",
        metavar="NAME",
        help="decide as this account, with its rights; default: the user of this shell",
    )


def _reviewer(name: str | None) -> review.Reviewer:
    """Return who decides: an account with its rights, or whoever owns this shell.

    Who can run this command can read the CA's key, so there is no right left to ask for.
    """
    if name is None:
        return review.Reviewer(shell_actor(), may_review=True)
    return review.reviewer_of(active_account(name))


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_OCTETS)
    except OSError as error:
        raise Refusal(f"{path} cannot be read: {error.strerror}.") from error


def _row(request_id: int) -> EnrollmentRequest:
    row = EnrollmentRequest.objects.filter(pk=request_id).select_related("certificate").first()
    if row is None:
        raise Refusal(f"There is no request {request_id}.")
    return row


def _digest(request_id: int) -> str:
    seen = review.prepare_review(request_id, now=timezone.now())
    if not seen.digest and isinstance(seen.decision, Deny):
        raise Refusal(f"Request {request_id} cannot be issued: {seen.decision.error}")
    return seen.digest


def _summary(row: EnrollmentRequest) -> dict[str, Any]:
    return {
        "id": row.pk,
        "state": "on hold" if _is_held(row) else _WORDS.get(row.state, row.state.name.lower()),
        "requester": row.requester,
        "agent": row.agent,
        "names": [str(name) for name in row.names] or [row.subject],
        "template": row.template_name,
        "submitted": row.submitted_at.isoformat(timespec="seconds"),
    }


def _is_held(row: EnrollmentRequest) -> bool:
    return row.certificate is not None and revocation.status_of(row.certificate).is_held


def _details(row: EnrollmentRequest) -> dict[str, Any]:
    return {
        "subject": row.subject,
        "key": row.key_name,
        "door": row.door,
        "message": row.disposition_message,
        "detail": row.detail,
        "remedy": row.remedy,
        "decided_by": row.decided_by,
        "serial_number": row.certificate.serial_number if row.certificate else "",
        "remarks": row.remarks,
    }


def _would_be(row: EnrollmentRequest) -> dict[str, Any]:
    """Say what an approval would sign; the content is written down, as for the review page."""
    try:
        seen = review.prepare_review(row.pk, now=timezone.now())
    except (review.DecisionRefused, EnrollmentError) as error:
        return {"refused": str(error)}
    if seen.prepared is None:
        refusal = seen.decision.error if isinstance(seen.decision, Deny) else ""
        return {"refused": str(refusal)}
    return {
        "would_be_subject": seen.prepared.subject_text,
        "would_be_names": [str(name) for name in seen.prepared.names],
        "would_end": seen.prepared.not_after.isoformat(),
        "held_by_others": [f"{holder.name} ({holder.requester})" for holder in seen.holders],
        "findings": [finding.message for finding in seen.prepared.findings],
        "ignored": seen.ignored,
        "approvals": f"{len(seen.approvals)} of {seen.needed}" if seen.needed > 1 else "",
        "approved_by": [one.user.get_username() for one in seen.approvals],
        "digest": seen.digest,
    }
