"""What a restore found and did, for the person who has to trust it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.models import AuditEvent


@dataclass(slots=True)
class Report:
    """Lines for a person, by what they mean to them.

    `certificates` and `revocations` were brought back; `strange` are certificates that no key here
    signed; `unrecorded` were signed and are nowhere; `waited` are requests to be made again, `acts`
    what people have to do again; `problems` stand between the site and its start. Up to
    `known_until` every event is known.
    """

    known_until: datetime | None = None
    numbers: list[str] = field(default_factory=list)
    events: int = 0
    certificates: list[str] = field(default_factory=list)
    revocations: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    unrecorded: list[str] = field(default_factory=list)
    waited: list[str] = field(default_factory=list)
    acts: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    crl_number: int | None = None


@dataclass(frozen=True, slots=True)
class Restorer:
    """Who restores, when, and what is told of it."""

    actor: str
    now: datetime
    report: Report = field(default_factory=Report)


def line(event: AuditEvent) -> str:
    """Return an event in one line."""
    return f"{event.at:%Y-%m-%d %H:%M:%S}  {event.actor}: {event.verb} {event.subject}"
