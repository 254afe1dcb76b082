"""Do again what was done to certificates after the backup: what is revoked stays revoked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from enrollment.ca.revocation import Act, Reason, RevocationRefused, Status
from enrollment.models import Authority, Certificate
from enrollment.services import authority, lost, revocation
from enrollment.services.backup.report import line
from enrollment.services.revocation import Order, Repeated

if TYPE_CHECKING:
    from collections.abc import Iterable

    from enrollment.models import AuditEvent
    from enrollment.services.backup.published import Published
    from enrollment.services.backup.report import Restorer

ACTS: Final = {
    "revoked": Act.REVOKE,
    "revoked by number": Act.REVOKE,
    "put on hold": Act.HOLD,
    "released": Act.RELEASE,
}
_CERTIFICATE: Final = re.compile(r"certificate ([0-9a-f]{1,40})")
_REASONS: Final = {reason.label: reason for reason in Reason}


@dataclass(frozen=True, slots=True)
class _Told:
    """What a log or a list tells of one certificate."""

    serial_number: str
    order: Order
    at: datetime
    who: str
    authority: Authority | None = None


def statuses(told: Iterable[AuditEvent], by: Restorer) -> None:
    """Do again what was done to certificates, the oldest act first.

    A release is done again only of a hold that was; else it would give a right back on the word of
    a log.
    """
    held: set[str] = set()
    for event in told:
        found = _told(event)
        if found is None:
            continue
        serial, act = found.serial_number, found.order.act
        if act is Act.RELEASE and serial not in held:
            by.report.acts.append(line(event))
        elif _again(found, by):
            held = held | {serial} if act is Act.HOLD else held - {serial}


def lists(found: Published, known: int, by: Restorer) -> None:
    """Let what stood on published lists stay revoked.

    Args:
        found: the lists.
        known: the highest number that the database knew; older lists tell nothing new.
        by: who restores.
    """
    for entry in found.revoked:
        is_hold = entry.reason is Reason.CERTIFICATE_HOLD
        # A hold counts when it stands on the newest list; from an older one it may be released.
        if entry.crl_number <= known or (is_hold and entry.crl_number < found.crl_number):
            continue
        order = Order(Act.HOLD) if is_hold else Order(Act.REVOKE, entry.reason)
        serial, who = f"{entry.serial_number:x}", f"crl {entry.crl_number}"
        _again(_Told(serial, order, entry.at, who, entry.authority), by)


def settle(by: Restorer) -> None:
    """Give certificates that were found the status under which they were lost."""
    for row in lost.found_again():
        reason = Reason(row.revocation_reason)
        is_hold = reason is Reason.CERTIFICATE_HOLD
        order = Order(Act.HOLD) if is_hold else Order(Act.REVOKE, reason)
        _again(_Told(row.serial_number, order, row.revoked_at, "a list"), by)
        lost.forget(row)


def _told(event: AuditEvent) -> _Told | None:
    match = _CERTIFICATE.fullmatch(event.subject)
    act = ACTS.get(event.verb)
    if match is None or act is None:
        return None
    detail = event.detail
    reason = _REASONS.get(str(detail.get("reason")), Reason.UNSPECIFIED)
    return _Told(
        match[1],
        Order(
            act,
            reason if act is Act.REVOKE else None,
            _moment(detail.get("invalid_since")),
        ),
        at=_moment(detail.get("again")) or _moment(detail.get("since")) or event.at,
        who=str(detail.get("by", event.actor)),
        authority=Authority.objects.filter(index=_index(detail.get("ca"))).first(),
    )


def _again(told: _Told, by: Restorer) -> bool:
    """Return whether the act changed a certificate."""
    row = Certificate.objects.filter(serial_number=told.serial_number).first()
    if row is None:
        _by_number(told, by)
        return False
    try:
        revocation.repeat(row, told.order, Repeated(told.at, told.who, by.actor), now=by.now)
    except RevocationRefused:
        return False  # it is so already, or nobody accepts the certificate any more
    order = told.order
    word = order.act.value if order.reason is None else order.reason.label
    by.report.revocations.append(
        f"{row.serial_number}  {told.at:%Y-%m-%d %H:%M:%S}  {word}  {row.subject}"
    )
    return True


def _by_number(told: _Told, by: Restorer) -> None:
    """Revoke what cannot be shown; what was only on hold counts as revoked until it is found."""
    issuing = told.authority or authority.current()
    is_hold = told.order.act is Act.HOLD
    status = Status(told.at, Reason.CERTIFICATE_HOLD if is_hold else told.order.reason)
    number = int(told.serial_number, 16)
    if lost.revoke(issuing, number, status, actor=by.actor, now=by.now):
        by.report.revocations.append(
            f"{told.serial_number}  {told.at:%Y-%m-%d %H:%M:%S}  by its number: no certificate of "
            "it was found"
        )


def _index(value: object) -> int:
    return value if isinstance(value, int) else -1


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
