"""Is the CA in order? Each check answers with a sentence; none changes anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from enrollment import keys
from enrollment.ca.disposition import Disposition
from enrollment.ca.errors import EnrollmentError
from enrollment.ca.issuer import IssuanceFault
from enrollment.models import Authority, EnrollmentRequest, SigningRecord
from enrollment.services import audit, authority, publication

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

_SOON: Final = timedelta(days=90)


class CaFault(Exception):
    """The CA cannot be made or used, and why, in one sentence for its operator."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    passed: bool
    finding: str


def init(now: datetime) -> Authority:
    """Make a self-signed CA with its first CRL, where there is none.

    Raises:
        CaFault: there is one already, or its key cannot be written.
    """
    existing = Authority.objects.order_by("-index").first()
    if existing is not None:
        raise CaFault(f"There is a CA already: {existing}. Nothing was changed.")
    try:
        row = authority.create_self_signed(now)
        publication.publish_due(now)
    except (keys.KeyProblem, EnrollmentError, IssuanceFault) as error:
        raise CaFault(str(error)) from error
    return row


def publish_crl(now: datetime, *, actor: str, base: bool = True) -> tuple[Authority, int]:
    """Publish new lists of the CA, deltas alone without `base`; return the CA and the number.

    Raises:
        CaFault: there is no CA, or its key cannot be used.
    """
    try:
        row = authority.current()
        return row, publication.publish(now=now, actor=actor, base=base)
    except (authority.NoAuthority, keys.KeyProblem, IssuanceFault) as error:
        raise CaFault(str(error)) from error


def check(now: datetime) -> tuple[Check, ...]:
    """Look at certificate, key, CRL, unfinished work and audit trail.

    Raises:
        CaFault: there is no CA.
    """
    try:
        row = authority.current()
    except authority.NoAuthority as error:
        raise CaFault(str(error)) from error
    return (
        _validity(row, now),
        _key(row),
        *_lists(row, now),
        _unfinished(),
        _audit_trail(),
    )


def _validity(row: Authority, now: datetime) -> Check:
    issuer = authority.issuer_of(row)
    end = f"{issuer.not_after:%Y-%m-%d}"
    if not issuer.not_before <= now < issuer.not_after:
        return Check(
            "CA certificate", passed=False, finding=f"It is not valid now; it ends on {end}."
        )
    if issuer.not_after - now < _SOON:
        return Check("CA certificate", passed=False, finding=f"It ends on {end}. Renew it.")
    return Check("CA certificate", passed=True, finding=f"Valid until {end}.")


def _key(row: Authority) -> Check:
    # From where it is kept, not from the memory of this process.
    keys.forget_signers()
    try:
        authority.signer_of(row)
    except keys.KeyProblem as error:
        return Check("CA key", passed=False, finding=str(error))
    return Check(
        "CA key",
        passed=True,
        finding="It opens, belongs to the certificate, and only we can read it.",
    )


def _lists(row: Authority, now: datetime) -> Iterator[Check]:
    # Of the key that issues: the last list of an older one is good for years.
    newest = publication.newest_list(row.key_index)
    if newest is None:
        yield Check(
            "CRL", passed=False, finding="None was published. Run: python manage.py crl publish"
        )
    elif newest.next_update <= now:
        yield Check(
            "CRL",
            passed=False,
            finding=f"Number {newest.number} ended {newest.next_update:%Y-%m-%d}.",
        )
    else:
        yield Check(
            "CRL",
            passed=True,
            finding=f"Number {newest.number} is valid until {newest.next_update:%Y-%m-%d}.",
        )


def _unfinished() -> Check:
    committed = SigningRecord.objects.filter(state=SigningRecord.State.COMMITTED).count()
    incomplete = EnrollmentRequest.objects.filter(disposition=Disposition.INCOMPLETE.value).count()
    if committed or incomplete:
        return Check(
            "Unfinished requests",
            passed=False,
            finding=f"{max(committed, incomplete)} were interrupted; the next start finishes them.",
        )
    return Check("Unfinished requests", passed=True, finding="None.")


def _audit_trail() -> Check:
    verdict = audit.verify()
    if verdict.is_whole:
        return Check(
            "Audit trail", passed=True, finding=f"{verdict.events:,} events, all in their chain."
        )
    return Check(
        "Audit trail",
        passed=False,
        finding=f"Event {verdict.broken_at} does not fit the one before it.",
    )
