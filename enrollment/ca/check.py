"""What a look at one thing found: how bad it is, and a sentence that says what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Severity(IntEnum):
    """How bad it is; the numbers are those of the metric `certsrv_check`."""

    OK = 0
    WARNING = 1
    CRITICAL = 2


@dataclass(frozen=True, slots=True)
class Verdict:
    """A severity with its sentence, before it is said of what."""

    severity: Severity
    finding: str


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: of a fixed set, because alert rules name it.
        severity: how bad it is.
        finding: what was found, and what to do about it.
        about: which of several, such as an address or `key 1`; empty where there is one only.
    """

    name: str
    severity: Severity
    finding: str
    about: str = ""

    @property
    def passed(self) -> bool:
        """Whether nothing has to be done."""
        return self.severity is Severity.OK

    @property
    def sentence(self) -> str:
        """Of which, and what was found."""
        return f"{self.about}: {self.finding}" if self.about else self.finding


def ok(finding: str) -> Verdict:
    """Say that something is in order."""
    return Verdict(Severity.OK, finding)


def warning(finding: str) -> Verdict:
    """Say that something works now, and will not for ever."""
    return Verdict(Severity.WARNING, finding)


def critical(finding: str) -> Verdict:
    """Say that something does not work."""
    return Verdict(Severity.CRITICAL, finding)
