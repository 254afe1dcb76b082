"""The roll-over page: each key of the CA, what hangs on it, and what is to be done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.shortcuts import render
from django.utils import timezone
from django.utils.html import format_html

from enrollment.admin import facts, links, state
from enrollment.models import Authority
from enrollment.services import authority, cross, rollover, rollover_duties
from enrollment.services.rollover import Stage
from enrollment.services.rollover_duties import Urgency, day

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse
    from django.utils.safestring import SafeString

    from enrollment.models import CertificateRevocationList
    from enrollment.services.rollover import KeyGeneration
    from enrollment.services.rollover_duties import Duty

READ: Final = "enrollment.view_authority"
_STAGES: Final = {
    Stage.CURRENT: ("good", "✓", "Issues"),
    Stage.NEEDED: ("wait", "◷", "Needed"),
    Stage.CLOSING: ("wait", "◷", "Last list due"),
    Stage.FREE: ("good", "→", "Can go"),
    Stage.ENDED: ("bad", "◌", "Ended"),
    Stage.RETIRED: ("plain", "■", "Retired"),
}
_URGENCIES: Final = {
    Urgency.NOW: ("bad", "!", "Now"),
    Urgency.SOON: ("wait", "◷", "Soon"),
    Urgency.LATER: ("plain", "→", "Next"),
    Urgency.NOTHING: ("good", "✓", "In order"),
}


@dataclass(frozen=True, slots=True)
class Task:
    """One sentence, how soon, and what to type."""

    badge: SafeString
    sentence: str
    command: str


@dataclass(frozen=True, slots=True)
class Bridge:
    """A cross certificate to download."""

    file: str
    name: str
    trusted: int
    until: SafeString


@dataclass(frozen=True, slots=True)
class Card:
    """One key."""

    key: KeyGeneration
    badge: SafeString
    kind: str
    ends: SafeString
    left: str
    last_ends: SafeString | str
    newest_list: CertificateRevocationList | None
    next_list: SafeString | str
    bridges: tuple[Bridge, ...]
    tasks: tuple[Task, ...]


def page(request: HttpRequest) -> HttpResponse:
    """Show every key of the CA, the newest first."""
    if not request.user.has_perm(READ):
        raise PermissionDenied
    now = timezone.now()
    keys = rollover.generations(now)
    duties = rollover_duties.of(keys, now)
    context = {
        **admin.site.each_context(request),
        "title": "Keys and roll-over",
        "opts": Authority._meta,  # noqa: SLF001 - Django's public way to it; the crumbs name it
        "summary": summary(keys),
        "cards": [
            _card(key, [duty for duty in duties if duty.key_index == key.key_index], now)
            for key in keys
        ],
    }
    return render(request, "admin/rollover.html", context)


def summary(keys: Sequence[KeyGeneration]) -> str:
    """Say in a line or two where the roll-over stands."""
    if not keys:
        return "There is no CA yet. Run: python manage.py setup"
    said = [f"Key {keys[0].key_index} issues."]
    for key in keys[1:]:
        match key.stage:
            case Stage.NEEDED:
                said.append(f"Key {key.key_index} is needed until {day(key.left.last_ends)}.")
            case Stage.CLOSING | Stage.FREE | Stage.ENDED:
                said.append(f"Nothing needs key {key.key_index} any more: it can go.")
            case _:
                said.append(f"Key {key.key_index} is retired.")
    if len(keys) == 1:
        said.append("There is no older key.")
    return " ".join(said)


def _card(key: KeyGeneration, duties: Sequence[Duty], now: datetime) -> Card:
    left = key.left
    return Card(
        key=key,
        badge=state.badge(*_STAGES[key.stage]),
        kind=facts.key_words(authority.issuer_of(key.newest).public_key),
        ends=_dated(key.ends, now),
        left=f"{left.count:,} or more" if left.is_capped else f"{left.count:,}",
        last_ends=_dated(left.last_ends, now) if left.last_ends is not None else "",
        newest_list=key.newest_list,
        next_list=_next_list(key, now),
        bridges=tuple(_bridges(key, now)),
        tasks=tuple(
            Task(state.badge(*_URGENCIES[duty.urgency]), duty.sentence, duty.command)
            for duty in duties
        ),
    )


def _next_list(key: KeyGeneration, now: datetime) -> SafeString | str:
    newest = key.newest_list
    return _dated(newest.next_publish, now) if newest is not None else ""


def _bridges(key: KeyGeneration, now: datetime) -> list[Bridge]:
    return [
        Bridge(
            cross.file_name(row),
            str(row),
            row.issuing.index,
            _dated(row.certificate.not_after, now),
        )
        for row in key.crosses
        if row.certificate is not None
    ]


def _dated(at: datetime, now: datetime) -> SafeString:
    """Write a day, and how far away it is: plans are made by the day."""
    return format_html("{}, {}", day(at), links.moment(at, now))
