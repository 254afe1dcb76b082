"""revoke, hold, release: the only writer of a certificate's status."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from cryptography import x509
from django.db import DatabaseError, transaction
from django.db.models import Q

from enrollment.ca import hresult
from enrollment.ca.disposition import Disposition, IllegalTransition, Step
from enrollment.ca.issuer import IssuanceFault
from enrollment.ca.revocation import Act, Reason, RevocationRefused, Status, change, may_change
from enrollment.models import Authority, Certificate, EnrollmentRequest
from enrollment.services import (
    audit,
    crl_making,
    decision,
    directory,
    key_use,
    keyring,
    locks,
    lost,
    manager_scopes,
    prepared,
    publication,
    search,
)
from enrollment.services.manager_scopes import EVERYTHING, Remit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from django.contrib.auth.models import AnonymousUser, User

Refused: TypeAlias = tuple[Certificate, RevocationRefused]

# So many share one transaction, and so one flush to the disk; others wait for it meanwhile.
_BATCH: Final = 100
_log = logging.getLogger("certsrv.revocation")


class NotARevoker(RevocationRefused):
    """The caller may not change the status of certificates."""


class BeyondRemit(RevocationRefused):
    """The caller's right is limited, and the certificate lies beyond."""

    def __init__(self, remit: Remit) -> None:
        super().__init__(
            remit.refusal("this certificate"),
            hresult=hresult.RESTRICTED_OFFICER,
        )


class UnknownCertificate(RevocationRefused):
    """There is no such certificate on this CA."""

    def __init__(self, serial_number: str) -> None:
        super().__init__(
            f"This CA issued no certificate with the serial number {serial_number}. It is "
            "mistyped, or another CA issued the certificate, as it says under 'issuer', and must "
            "revoke it.",
            hresult=hresult.INVALID_PARAMETER,
        )


class OwnCertificate(RevocationRefused):
    """The certificate is that of the CA itself."""


@dataclass(frozen=True, slots=True)
class Revoker:
    """Who acts; `may_revoke` and `remit` were read for this very act."""

    name: str
    may_revoke: bool
    remit: Remit = EVERYTHING


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done to one or many certificates."""

    act: Act
    reason: Reason | None = None
    invalidity_date: datetime | None = None


@dataclass(frozen=True, slots=True)
class Repeated:
    """An act that `by` did before, and that `actor` does again because a restore lost it."""

    at: datetime
    by: str
    actor: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an order: who changed, and who did not and why.

    `crl_number` is the list that says so; without one, `problem` is why none was published.
    """

    changed: tuple[Certificate, ...]
    refused: tuple[Refused, ...]
    crl_number: int | None = None
    problem: str = ""


def revoker_of(user: User | AnonymousUser) -> Revoker:
    """Return an account as a revoker, with its rights as they are now."""
    return Revoker(user.get_username(), directory.may_revoke(user), manager_scopes.of(user))


def status_of(row: Certificate) -> Status:
    """Return the core's value of a certificate's status."""
    reason = None if row.revocation_reason is None else Reason(row.revocation_reason)
    return Status(row.revoked_at, reason, row.invalidity_date)


def find(serial_number: str) -> Certificate:
    """Return the certificate with this serial number, however a person writes it.

    Raises:
        OwnCertificate, UnknownCertificate: it is none that we issued to somebody.
    """
    row = search.by_serial_number(serial_number)
    if row is not None:
        return row
    digits = search.hexadecimal(serial_number)
    for own in Authority.objects.all():
        number = x509.load_der_x509_certificate(bytes(own.der)).serial_number
        if digits is not None and digits.lstrip("0") == f"{number:x}":
            raise OwnCertificate(
                f"The serial number {digits} is that of the CA certificate '{own}' itself. The CA "
                "above it revokes it; nobody can revoke a root but those who trust it."
            )
    raise UnknownCertificate(serial_number.strip()[:60])


def open_to(act: Act, now: datetime) -> Q:
    """Return the condition under which `act` changes a certificate."""
    valid, held = may_change(act)
    states = Q()
    if valid:
        states |= Q(revoked_at__isnull=True)
    if held:
        states |= Q(revocation_reason=Reason.CERTIFICATE_HOLD.value)
    return states & Q(not_after__gt=now)


def objection(
    row: Certificate, order: Order, revoker: Revoker, now: datetime
) -> RevocationRefused | None:
    """Say why `order` would not change a certificate; nothing is changed."""
    if not revoker.remit.certificates_among([row]):
        return BeyondRemit(revoker.remit)
    try:
        _status_after(row, order, now, key_use.retired_certificates())
    except RevocationRefused as refused:
        return refused
    return None


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
    changed: list[Certificate] = []
    refused: list[Refused] = []
    for batch in _batches(rows):
        done, not_done = _change_batch(batch, order, revoker, now)
        changed += done
        refused += not_done
    number, problem = None, ""
    if changed:
        try:
            number = publication.publish_after_revocation(now=now, actor=revoker.name)
        except (keyring.KeyProblem, IssuanceFault) as fault:
            problem = str(fault)
            _log.error("statuses changed, and no list could be published: %s", fault)
    return Outcome(tuple(changed), tuple(refused), number, problem)


def repeat(row: Certificate, order: Order, repeated: Repeated, *, now: datetime) -> None:
    """Do again what was done to a certificate before, with its old date; publish nothing.

    Raises:
        RevocationRefused: the status is so already, or does not allow it.
    """
    first = Revoker(repeated.by, may_revoke=True)
    with transaction.atomic(durable=True):
        locks.hold(crl_making.STATUS_LOCK)
        retired = key_use.retired_certificates()
        for held in _locked([row]):
            status = _status_after(held, order, repeated.at, retired)
            _store(held, status, lost.after_every_list(now))
            _tell_request(held, first, now)
            _tell_trail(held, order, first, now, repeated)


def _batches(rows: Iterable[Certificate]) -> Iterator[list[Certificate]]:
    rest = iter(rows)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def _change_batch(
    batch: Sequence[Certificate], order: Order, revoker: Revoker, now: datetime
) -> tuple[list[Certificate], list[Refused]]:
    """Change many in one transaction; when the database takes it ill, each in one of its own."""
    try:
        return _change_together(batch, order, revoker, now)
    except (DatabaseError, IllegalTransition) as fault:
        if len(batch) == 1:
            _log.exception("certificate %s was not changed", batch[0].serial_number)
            told = RevocationRefused(
                f"It could not be stored ({type(fault).__name__}). Try again; the operator finds "
                "the reason in the log."
            )
            return [], [(batch[0], told)]
    changed: list[Certificate] = []
    refused: list[Refused] = []
    for row in batch:
        done, not_done = _change_batch([row], order, revoker, now)
        changed += done
        refused += not_done
    return changed, refused


def _change_together(
    batch: Sequence[Certificate], order: Order, revoker: Revoker, now: datetime
) -> tuple[list[Certificate], list[Refused]]:
    changed: list[Certificate] = []
    refused: list[Refused] = []
    with transaction.atomic(durable=True):
        locks.hold(crl_making.STATUS_LOCK)
        at = lost.after_every_list(now)
        within = revoker.remit.certificates_among(batch)
        retired = key_use.retired_certificates()
        for row in _locked(batch):
            try:
                if row.pk not in within:
                    raise BeyondRemit(revoker.remit)
                status = _status_after(row, order, now, retired)
            except RevocationRefused as error:
                refused.append((row, error))
                continue
            _store(row, status, at)
            _tell_request(row, revoker, now)
            _tell_trail(row, order, revoker, now)
            changed.append(row)
    return changed, refused


def _locked(batch: Sequence[Certificate]) -> Iterable[Certificate]:
    """Read the rows again: somebody else may have changed them since."""
    return (
        Certificate.objects.select_for_update(of=("self",))
        .filter(pk__in=[row.pk for row in batch])
        .select_related("request", "authority")
        .defer("der", "request__raw", "authority__der", "authority__chain")
        .order_by("pk")
    )


def _status_after(row: Certificate, order: Order, now: datetime, retired: frozenset[int]) -> Status:
    if row.authority_id in retired:
        # A change that no list will ever say would be known to nobody but us.
        raise RevocationRefused(
            "The CA key that signed it is retired and signs no more lists, so its status cannot "
            "change."
        )
    return change(
        status_of(row),
        order.act,
        now=now.replace(microsecond=0),
        not_after=row.not_after,
        reason=order.reason,
        invalidity_date=order.invalidity_date,
    )


def _store(row: Certificate, status: Status, at: datetime) -> None:
    values = {
        "revoked_at": status.revoked_at,
        "revocation_reason": None if status.reason is None else status.reason.value,
        "invalidity_date": status.invalidity_date,
        "status_changed_at": at,
    }
    prepared.change(Certificate, {"id": row.pk}, values)
    for name, value in values.items():
        setattr(row, name, value)


def _tell_request(row: Certificate, revoker: Revoker, now: datetime) -> None:
    """Move the request with its certificate; "Revoked by" also after a release, as in AD CS."""
    request: EnrollmentRequest | None = getattr(row, "request", None)
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


def _tell_trail(
    row: Certificate,
    order: Order,
    revoker: Revoker,
    now: datetime,
    repeated: Repeated | None = None,
) -> None:
    status = status_of(row)
    detail: dict[str, Any] = {"ca": row.authority.index}
    if status.invalidity_date is not None:
        detail["invalid_since"] = status.invalidity_date.isoformat()
    if repeated is not None:
        detail |= {"again": repeated.at.isoformat(), "by": repeated.by}
    audit.record(
        _VERBS[order.act],
        actor=repeated.actor if repeated is not None else revoker.name,
        subject=f"certificate {row.serial_number}",
        at=now,
        reason=status.reason.label if status.reason is not None and not status.is_held else "",
        **detail,
    )


_VERBS: Final = {Act.REVOKE: "revoked", Act.HOLD: "put on hold", Act.RELEASE: "released"}
