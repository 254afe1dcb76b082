"""The CA's own life: renewal with the same key or a new one.

Source: ms-facts section (d.8), CA renewal; MS-WCCE 3.2.1.4.3.2.39 for the indexes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from enrollment import conf
from enrollment.ca import root
from enrollment.ca.errors import EnrollmentError
from enrollment.ca.issuer import IssuanceFault
from enrollment.models import Authority
from enrollment.services import audit, authority, cross, keyring, locks, publication

if TYPE_CHECKING:
    from datetime import datetime


class RenewalRefused(Exception):
    """The CA certificate is not renewed, and why, in one sentence."""


class RenewalUnfinished(Exception):
    """The CA certificate is renewed, but not all that goes with it; the text says what to do."""


def renew(*, new_key: bool, actor: str, now: datetime) -> Authority:
    """Issue the CA a new certificate of its own, and publish lists of every key.

    What was issued before stays valid below the old certificate, which stays downloadable. With a
    new key, old and new vouch for each other, and the old one goes on signing its list for as long
    as something hangs on it.

    Args:
        new_key: also make a new key, of the kind that CERTSRV_CA_KEY says.
        actor: who asked.
        now: timezone-aware UTC.

    Raises:
        RenewalRefused: the CA's certificate comes from another CA, or a key cannot be used.
        RenewalUnfinished: it is renewed, and a cross certificate or the list of some key could not
            be made.
        authority.NoAuthority: set-up was not run.
    """
    with locks.exclusive("ca"):
        before = authority.current()
        if not authority.is_root(before):
            raise RenewalRefused(
                "This CA's certificate was signed by another CA; that one must renew it."
            )
        try:
            row = _renewed(before, new_key=new_key, actor=actor, now=now)
        except (keyring.KeyProblem, EnrollmentError, IssuanceFault) as error:
            raise RenewalRefused(str(error)) from error
    unfinished = _vouch(now, actor) if new_key else []
    try:
        publication.publish(now=now, actor=actor)
    except (keyring.KeyProblem, IssuanceFault) as fault:
        unfinished.append(
            f"Not every list could be published: {fault} Then run: python manage.py crl publish"
        )
    if unfinished:
        renewed = f"The CA is renewed: certificate {row.index}, key {row.key_index}."
        raise RenewalUnfinished(" ".join((renewed, *unfinished)))
    return row


def _vouch(now: datetime, actor: str) -> list[str]:
    """Make cross certificates where the settings want them; return what is to be mended."""
    try:
        problems = cross.make_missing(now, actor=actor).problems
    except cross.CrossesOff:
        return []
    return [
        f"Cross certificate {problem} Then run: python manage.py ca cross" for problem in problems
    ]


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
