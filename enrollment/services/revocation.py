"""revoke, hold, release: the only writer of a certificate's status."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Max

from enrollment.ca import hresult
from enrollment.ca.disposition import Disposition, Step
from enrollment.ca.issuer import IssuanceFault
from enrollment.ca.revocation import Act, Reason, RevocationRefused, Status, change
from enrollment.models import Certificate, CertificateRevocationList, EnrollmentRequest
from enrollment.services import audit, decision, keyring, locks, publication, search

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


_log = logging.getLogger("certsrv.revocation")


class NotARevoker(RevocationRefused):
    """The caller may not change the status of certificates."""


class UnknownCertificate(RevocationRefused):
    """There is no such certificate on this CA."""

    def __init__(self, serial_number: str) -> None:
        super().__init__(
            f"This CA issued no certificate with the serial number {serial_number}.",
            hresult=hresult.INVALID_PARAMETER,
        )


@dataclass(frozen=True, slots=True)
class Revoker:
    """Who acts; `may_revoke` was read for this very act."""

    name: str
    may_revoke: bool


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done to one or many certificates."""

    act: Act
    reason: Reason | None = None
    invalidity_date: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an order: who changed, and who did not and why.

    `crl_number` is the list that says so; without one, `problem` is why none was published.
    """

    changed: tuple[Certificate, ...]
    refused: tuple[tuple[Certificate, RevocationRefused], ...]
    crl_number: int | None = None
    problem: str = ""


def status_of(row: Certificate) -> Status:
    """Return the core's value of a certificate's status."""
    reason = None if row.revocation_reason is None else Reason(row.revocation_reason)
    return Status(row.revoked_at, reason, row.invalidity_date)


def find(serial_number: str) -> Certificate:
    """Return the certificate with this serial number, however a person writes it.

    Raises:
        UnknownCertificate: we did not issue it.
    """
    row = search.by_serial_number(serial_number)
    if row is None:
        raise UnknownCertificate(serial_number.strip()[:60])
    return row


def change_status(
    rows: Iterable[Certificate], order: Order, revoker: Revoker, *, now: datetime
) -> Outcome:
    """Carry out `order` on each certificate, each on its own, and publish what changed.

    One refusal does not undo the others. Lists are published once, at the end; when that fails the
    change stands, and the next publication carries it.

    Raises:
        NotARevoker: nothing was changed.
    """
    if not revoker.may_revoke:
        raise NotARevoker(f"'{revoker.name}' may not change the status of certificates.")
    changed, refused = [], []
    for row in rows:
        try:
            changed.append(_change(row.pk, order, revoker, now))
        except RevocationRefused as error:
            refused.append((row, error))
    number, problem = None, ""
    if changed:
        try:
            number = publication.publish_after_revocation(now=now, actor=revoker.name)
        except (keyring.KeyProblem, IssuanceFault) as fault:
            problem = str(fault)
            _log.error("statuses changed, and no list could be published: %s", fault)
    return Outcome(tuple(changed), tuple(refused), number, problem)


def _change(pk: int, order: Order, revoker: Revoker, now: datetime) -> Certificate:
    with transaction.atomic(durable=True):
        locks.hold(publication.STATUS_LOCK)
        row = Certificate.objects.select_for_update().get(pk=pk)
        moment = now.replace(microsecond=0)
        status = change(
            status_of(row),
            order.act,
            now=moment,
            not_after=row.not_after,
            reason=order.reason,
            invalidity_date=order.invalidity_date,
        )
        row.revoked_at = status.revoked_at
        row.revocation_reason = None if status.reason is None else status.reason.value
        row.invalidity_date = status.invalidity_date
        row.status_changed_at = _after_every_list(now)
        row.save(
            update_fields=[
                "revoked_at",
                "revocation_reason",
                "invalidity_date",
                "status_changed_at",
            ]
        )
        _tell_request(row, revoker, now)
        audit.record(
            _VERBS[order.act],
            actor=revoker.name,
            subject=f"certificate {row.serial_number}",
            at=now,
            reason=status.reason.label if status.reason is not None else "",
        )
    return row


def _after_every_list(now: datetime) -> datetime:
    """Return a moment later than what every list speaks of, so that the next delta has it."""
    newest = CertificateRevocationList.objects.aggregate(newest=Max("as_of"))["newest"]
    return max(now, newest + timedelta(microseconds=1)) if newest else now


def _tell_request(row: Certificate, revoker: Revoker, now: datetime) -> None:
    """Move the request with its certificate; "Revoked by" also after a release, as in AD CS."""
    request = EnrollmentRequest.objects.filter(certificate=row).defer("raw").first()
    if request is None:
        return
    is_revoked = row.revoked_at is not None
    if is_revoked is (request.state is Disposition.REVOKED):
        return
    decision.record(
        request,
        Step.REVOKE if is_revoked else Step.RELEASE,
        f"Revoked by {revoker.name}",
        now=now,
        decided_by=revoker.name,
    )


_VERBS = {Act.REVOKE: "revoked", Act.HOLD: "held certificate", Act.RELEASE: "released"}
