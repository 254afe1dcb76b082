"""What commands share: aligned text, JSON, and refusals without a trace.

A command reads its arguments, calls one service and prints. Wrong input is a sentence on the
error stream: exit code 2 when the command line itself is wrong, 1 when the request was refused.
"""

from __future__ import annotations

import getpass
import json
from typing import TYPE_CHECKING, Any, Final, TextIO, cast

from django.contrib.auth.models import User
from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    OutputWrapper,
)
from django.db import Error as DatabaseError

from enrollment.ca import lookalikes, names
from enrollment.services import outage, sheets
from enrollment.services.outside import fresh
from enrollment.services.outside.told import SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

_GAP: Final = "  "


class Refusal(CommandError):
    """A sentence for the person who typed the command."""

    def __init__(self, sentence: str, **options: Any) -> None:  # noqa: ANN401 - Django's
        super().__init__(_readable(sentence), **options)


# Django prints the class name before the sentence; "error: …" is what a shell user expects.
Refusal.__name__ = "error"


class _Readable:
    """A stream on which nothing moves the cursor, whoever wrote what is printed."""

    def __init__(self, below: TextIO) -> None:
        self._below = below

    def __getattr__(self, name: str) -> object:
        return getattr(self._below, name)

    def write(self, text: str) -> int:
        return self._below.write(_readable(text))


def _readable(text: str) -> str:
    return "\n".join(map(names.visible, text.replace("\r\n", "\n").split("\n")))


class VerbCommand(BaseCommand):
    """A command whose first word is a verb: ``requests list``, ``ca show``.

    A subclass adds its verbs in `add_verbs`; each names the method that does the work.
    """

    def add_arguments(self, parser: CommandParser) -> None:
        self._verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        self.add_verbs()

    def add_verbs(self) -> None:
        """Declare the verbs of this command."""
        raise NotImplementedError

    def add_verb(
        self, name: str, work: Callable[..., None], *, reads: bool = False
    ) -> CommandParser:
        """Declare one verb, described by the first line of its method.

        Args:
            name: what is typed.
            work: called with the parsed options.
            reads: the verb only reads, and so can print JSON.
        """
        summary = (work.__doc__ or "").strip().splitlines()[0]
        parser: CommandParser = self._verbs.add_parser(name, help=summary, description=summary)
        parser.set_defaults(work=work)
        if reads:
            parser.add_argument("--json", action="store_true", help="print JSON for programs")
        return parser

    def handle(self, *args: object, **options: Any) -> None:  # noqa: ANN401 - argparse's values
        # Another wrapper around Django's own would end lines twice.
        below: TextIO = vars(self.stdout)["_out"]
        self.stdout = OutputWrapper(cast("TextIO", _Readable(below)))
        try:
            options["work"](options)
        except DatabaseError as error:
            raise Refusal(outage.explain(error) or f"The database refused this: {error}") from error

    def print_json(self, value: object) -> None:
        """Write `value` as indented JSON."""
        text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
        self.stdout.write(names.visible_json(text))

    def print_table(self, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Write columns, each as wide as its widest cell."""
        self.stdout.write(table(headings, rows))

    def print_csv(self, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Write rows as CSV, line by line."""
        for line in sheets.csv(headings, rows):
            self.stdout.write(line, ending="")

    def print_facts(self, facts: Iterable[tuple[str, object]]) -> None:
        """Write one fact a line, the values in one column."""
        self.stdout.write(table((), [(f"{label}:", value) for label, value in facts]))


def write_new(path: Path, content: bytes) -> None:
    """Write a file that is carried away; never over another one.

    Raises:
        Refusal: it exists, or cannot be written there.
    """
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError:
        raise Refusal(f"{path} exists; name another file.") from None
    except OSError as error:
        raise Refusal(f"{path} cannot be written: {error.strerror}.") from error


def active_account(name: str) -> User:
    """Return the account that somebody acts as.

    Raises:
        Refusal: there is none of this name that may act.
    """
    user = User.objects.filter(username=name, is_active=True).first()
    try:
        fresh.those([user])
    except SourceUnavailable as error:
        raise Refusal(f"The directory that keeps '{name}' cannot be asked: {error}.") from error
    if user is None or not user.is_active:
        raise Refusal(f"There is no active account '{name}'.")
    return user


def shell_actor() -> str:
    """Return who typed the command, for the audit trail: the operating system's user.

    No account of the site can have this name: a colon is not allowed in one.
    """
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "unknown"
    return f"shell:{name}"


def clean(value: object) -> str:
    """Return `value`, or the values of a list, as one line that cannot move the cursor."""
    if isinstance(value, list | tuple):
        value = ", ".join(str(item) for item in value)
    text = "" if value is None else str(value)
    return lookalikes.told(text.replace("\r\n", " ").replace("\n", " "))


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Align `rows` under `headings`; the last column is never padded."""
    lines = [[clean(cell) for cell in row] for row in rows]
    if headings:
        lines.insert(0, [heading.upper() for heading in headings])
    if not lines:
        return ""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        _GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
