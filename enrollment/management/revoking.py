"""What revoke, hold and release share in a shell: which certificates, and what became of them."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from enrollment.ca.revocation import Act, RevocationRefused
from enrollment.management.output import Refusal, clean
from enrollment.services import holdings, revocation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.core.management.base import CommandParser

    from enrollment.models import Certificate
    from enrollment.services.revocation import Order, Outcome, Revoker

# What a certificate is afterwards.
AFTER: Final = {Act.REVOKE: "revoked", Act.HOLD: "on hold", Act.RELEASE: "valid again"}
_BEFORE: Final = {Act.REVOKE: "valid or on hold", Act.HOLD: "valid", Act.RELEASE: "on hold"}
_LARGEST_FILE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Chosen:
    """The certificates that were meant, and a sentence for each that is none of ours."""

    rows: Sequence[Certificate]
    problems: tuple[str, ...] = ()

    @property
    def is_one(self) -> bool:
        """Whether a single certificate was meant."""
        return len(self.rows) + len(self.problems) == 1


def takes_certificates(parser: CommandParser) -> None:
    """Declare the three ways to say which certificates: numbers, a requester, a key."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "serials",
        metavar="SERIAL",
        nargs="*",
        default=[],
        help="one or more, in any writing: 0A:1B, 0x0a1b, 0a1b",
    )
    which.add_argument("--requester", metavar="NAME", help="all that this account was issued")
    which.add_argument(
        "--key",
        metavar="KEY",
        help="all with the same public key: a file in PEM (certificate, request or public key), "
        "the SHA-256 of the key, or the serial number of one certificate with it",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="list what would change, and change nothing"
    )


def takes_revoker(parser: CommandParser) -> None:
    """Declare in whose name, and with whose rights, certificates are taken back."""
    parser.add_argument(
        "--as",
        dest="revoker",
        metavar="NAME",
        help="act as this account, with its rights; default: the user of this shell",
    )


def takes_invalidity(parser: CommandParser) -> None:
    """Declare since when the key may be in other hands."""
    parser.add_argument(
        "--invalidity",
        metavar="DATE",
        type=_moment,
        help="since when the key may be in other hands: 2026-11-20, or 2026-11-20T14:30 (UTC, "
        "unless it says otherwise, as +01:00)",
    )


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(
            f"'{text[:40]}' is no date. Write 2026-11-20, or 2026-11-20T14:30."
        ) from error


def choose(options: dict[str, Any], act: Act, now: datetime) -> Chosen:
    """Return the certificates that the command line means.

    Raises:
        Refusal: a requester or key has none that `act` would change; the file names no key.
    """
    if options["requester"] is not None:
        return _whole(holdings.Holding(holdings.Of.REQUESTER, options["requester"]), act, now)
    if options["key"] is not None:
        return _whole(holdings.Holding(holdings.Of.KEY, _key(options["key"])), act, now)
    rows: dict[int, Certificate] = {}
    problems: list[str] = []
    for serial in options["serials"]:
        try:
            row = revocation.find(serial)
        except RevocationRefused as error:
            problems.append(str(error))
        else:
            rows[row.pk] = row
    return Chosen(list(rows.values()), tuple(problems))


def _whole(holding: holdings.Holding, act: Act, now: datetime) -> Chosen:
    rows = list(holding.open_to(act, now))
    if not rows:
        raise Refusal(
            f"There is no certificate {holding.words} that is {_BEFORE[act]}."
            if holding.rows().exists()
            else f"This CA issued no certificate {holding.words}."
        )
    return Chosen(rows)


def _key(named: str) -> str:
    """Return the SHA-256 of the key; a file is meant wherever there is one of this name."""
    try:
        if Path(named).is_file():
            with Path(named).open("rb") as file:
                return holdings.key_of(file.read(_LARGEST_FILE))
        return holdings.key_of(named)
    except OSError as error:
        raise Refusal(f"The file cannot be read: {error.strerror or error}.") from error
    except holdings.NoKey as error:
        raise Refusal(str(error)) from error
    except RevocationRefused as error:
        raise Refusal(f"There is no file of this name, and: {error}") from error


def names_of(row: Certificate) -> list[str]:
    """Return the names of a certificate, each once, or its subject where it has none."""
    return list(dict.fromkeys(name.value for name in row.names.all())) or [row.subject]


def foretold(
    rows: Sequence[Certificate], order: Order, revoker: Revoker, now: datetime
) -> Iterator[list[object]]:
    """Say of each certificate what it would be, or why not."""
    for row in rows:
        refused = revocation.objection(row, order, revoker, now)
        would_be = AFTER[order.act] if refused is None else f"left as it is: {refused}"
        end = f"{row.not_after:%Y-%m-%d}"
        yield [row.serial_number, names_of(row), row.requester, end, would_be]


def told(done: Outcome, act: Act) -> Iterator[str]:
    """Say what was changed, and which list says so."""
    listed = f"CRL {done.crl_number} says so." if done.crl_number is not None else ""
    if len(done.changed) == 1 and listed:
        yield f"{_one(done.changed[0])} is {AFTER[act]}; {listed}"
    elif listed:
        for row in done.changed:
            yield f"{_one(row)} is {AFTER[act]}."
        if done.changed:
            yield f"{len(done.changed):,} certificates are {AFTER[act]}; {listed}"


def problems_of(done: Outcome, act: Act, *, alone: bool) -> Iterator[str]:
    """Say what was not done, and why; of a certificate that stands alone, without its number."""
    if done.changed and done.crl_number is None:
        count = len(done.changed)
        these = f"{_one(done.changed[0])} is" if count == 1 else f"{count:,} certificates are"
        yield (
            f"{these} {AFTER[act]}, but no CRL could be published: {done.problem} The next "
            "publication says so."
        )
    for row, refused in done.refused:
        yield str(refused) if alone else f"{_one(row)} was left as it is: {refused}"


def refuse(problems: Sequence[str], *, alone: bool) -> None:
    """End the command with what was not done, if anything was not.

    Raises:
        Refusal: with a sentence for each.
    """
    if problems and alone:
        raise Refusal(problems[0])
    if problems:
        raise Refusal("\n".join((f"Not everything was done ({len(problems):,}):", *problems)))


def _one(row: Certificate) -> str:
    return f"The certificate {row.serial_number} of {clean(row.requester)}"
