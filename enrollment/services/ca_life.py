"""The CA's own life: renewal with the same key or a new one, and what is left below each key.

Source: ms-facts section (d.8), CA renewal; MS-WCCE 3.2.1.4.3.2.39 for the indexes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Count, Max

from enrollment import conf
from enrollment.ca import root
from enrollment.ca.errors import EnrollmentError
from enrollment.ca.issuer import IssuanceFault
from enrollment.models import Authority, Certificate
from enrollment.services import audit, authority, keyring, locks, publication

if TYPE_CHECKING:
    from datetime import datetime


class RenewalRefused(Exception):
    """The CA certificate is not renewed, and why, in one sentence."""


class ListsMissing(Exception):
    """The CA certificate is renewed, but not every CRL; the text is for the operator."""


@dataclass(frozen=True, slots=True)
class KeyInUse:
    """One key of the CA and what still hangs on it."""

    newest: Authority
    is_current: bool
    leaves: int
    needed_until: datetime | None


def renew(*, new_key: bool, actor: str, now: datetime) -> Authority:
    """Issue the CA a new certificate of its own, and publish lists of every key.

    What was issued before stays valid below the old certificate, which stays downloadable; with a
    new key, the old one goes on signing its list for as long as its certificate is valid.

    Args:
        new_key: also make a new key, of the kind that CERTSRV_CA_KEY says.
        actor: who asked.
        now: timezone-aware UTC.

    Raises:
        RenewalRefused: the CA's certificate comes from another CA, or a key cannot be used.
        ListsMissing: it is renewed, and the list of some key could not be made.
        authority.NoAuthority: set-up was not run.
    """
    with locks.exclusive("ca"):
        before = authority.current()
        issuer = authority.issuer_of(before)
        if issuer.certificate.issuer != issuer.certificate.subject:
            raise RenewalRefused(
                "This CA's certificate was signed by another CA; that one must renew it."
            )
        try:
            row = _renewed(before, new_key=new_key, actor=actor, now=now)
        except (keyring.KeyProblem, EnrollmentError, IssuanceFault) as error:
            raise RenewalRefused(str(error)) from error
    try:
        publication.publish(now=now, actor=actor)
    except (keyring.KeyProblem, IssuanceFault) as fault:
        raise ListsMissing(
            f"The CA is renewed: certificate {row.index}, key {row.key_index}. But not every list "
            f"could be published: {fault} Then run: python manage.py crl publish"
        ) from fault
    return row


def _renewed(before: Authority, *, new_key: bool, actor: str, now: datetime) -> Authority:
    settings = conf.current()
    index = before.index + 1
    if new_key:
        reference, key = keyring.make_key(settings.ca_key, "ca")
        key_index = index
    else:
        reference, key = before.key_reference, authority.signer_of(before)
        key_index = before.key_index
    moment = now.replace(microsecond=0)
    der = root.self_signed(
        before.name,
        key,
        serial_number=authority.random_serial_number(),
        now=moment,
        backdate=settings.backdate,
        lifetime=authority.ROOT_LIFETIME,
        is_enterprise=settings.is_enterprise,
        generation=root.Generation(index, key_index, bytes(before.der)),
    )
    with transaction.atomic():
        row = Authority.objects.create(
            index=index,
            key_index=key_index,
            name=before.name,
            der=der,
            key_reference=reference,
            created_at=moment,
        )
        audit.record("ca renewed", actor=actor, subject=f"ca {index}", at=now, new_key=new_key)
    return row


def rollover(now: datetime) -> list[KeyInUse]:
    """Return each key of the CA with what is left below it, the newest key first."""
    left = {
        row["authority__key_index"]: (row["leaves"], row["until"])
        for row in Certificate.objects.filter(not_after__gt=now)
        .order_by()
        .values("authority__key_index")
        .annotate(leaves=Count("pk"), until=Max("not_after"))
    }
    return [
        KeyInUse(row, position == 0, *left.get(row.key_index, (0, None)))
        for position, row in enumerate(publication.ca_keys())
    ]
