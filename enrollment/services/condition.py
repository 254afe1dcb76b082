"""Is the CA in order? Each check answers with a sentence; none changes anything."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from django.db import DatabaseError, connection

from enrollment import keys
from enrollment.ca.check import Check, Severity
from enrollment.ca.errors import EnrollmentError
from enrollment.ca.issuer import IssuanceFault
from enrollment.models import Authority
from enrollment.services import (
    authority,
    ca_checks,
    locks,
    ntlm_checks,
    publication,
    self_check,
    site_checks,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

DATABASE: Final = "Database"
_log = logging.getLogger("certsrv.condition")


class CaFault(Exception):
    """The CA cannot be made or used, and why, in one sentence for its operator."""


class Scope(Enum):
    """Whose condition it is: where several machines serve one database, only some of it differs."""

    SITE = "site"
    MACHINE = "machine"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Look:
    """Something that is looked at; a look that fails is itself a finding, under its `name`."""

    name: str
    scope: Scope
    work: Callable[[datetime], Iterator[Check]]
    needs_database: bool = True


LOOKS: Final = (
    Look(ca_checks.CERTIFICATE, Scope.SITE, ca_checks.certificate),
    Look(ca_checks.ABOVE, Scope.SITE, ca_checks.above),
    Look(ca_checks.KEY, Scope.SITE, ca_checks.key),
    Look(ca_checks.LIST, Scope.SITE, ca_checks.lists),
    Look(ca_checks.RESPONDER, Scope.SITE, ca_checks.responder),
    Look(site_checks.ADDRESSES, Scope.SITE, site_checks.addresses),
    Look(site_checks.UNFINISHED, Scope.SITE, site_checks.unfinished),
    Look(ntlm_checks.NAME, Scope.SITE, ntlm_checks.standing),
    Look(site_checks.AUDIT, Scope.SITE, site_checks.audit_trail),
    Look(
        site_checks.SITE_CERTIFICATE,
        Scope.MACHINE,
        site_checks.tls_certificate,
        needs_database=False,
    ),
    Look(site_checks.CLOCK, Scope.MACHINE, site_checks.clock),
    Look(site_checks.AUDIT_LOG, Scope.MACHINE, site_checks.audit_log_file),
    Look(site_checks.DISK, Scope.MACHINE, site_checks.disk, needs_database=False),
    Look("As served", Scope.OUTSIDE, self_check.look),
)


def init(now: datetime) -> Authority:
    """Make a self-signed CA with its first CRL, where there is none.

    Raises:
        CaFault: there is one already, or its key cannot be written.
    """
    try:
        with locks.exclusive("ca"):
            existing = Authority.objects.order_by("-index").first()
            if existing is not None:
                raise CaFault(f"There is a CA already: {existing}. Nothing was changed.")
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


def check(now: datetime, *scopes: Scope) -> dict[Scope, tuple[Check, ...]]:
    """Look at everything in the scopes, or in all of them where none is named.

    Nothing that fails keeps the rest from being looked at: without a database, what does not need
    one is still told.

    Raises:
        CaFault: there is no CA.
    """
    wanted = scopes or tuple(Scope)
    try:
        authority.current()
    except authority.NoAuthority as error:
        raise CaFault(str(error)) from error
    except DatabaseError as error:
        return _without_database(now, wanted, error)
    return {scope: tuple(_look(scope, now)) for scope in wanted}


def _look(scope: Scope, now: datetime) -> Iterator[Check]:
    for look in LOOKS:
        if look.scope is scope:
            yield from _guarded(look, now)
    if scope is Scope.SITE:
        yield Check(DATABASE, Severity.OK, f"It answers ({connection.vendor}).")


def _guarded(look: Look, now: datetime) -> Iterator[Check]:
    try:
        yield from look.work(now)
    except Exception as error:  # noqa: BLE001 - whatever it is, the rest is still looked at
        _log.exception("could not look at: %s", look.name)
        yield Check(
            look.name,
            Severity.CRITICAL,
            f"It could not be looked at ({type(error).__name__}). The log says more.",
        )


def _without_database(
    now: datetime, wanted: tuple[Scope, ...], error: DatabaseError
) -> dict[Scope, tuple[Check, ...]]:
    """Say that the database does not answer, and look at what needs none."""
    _log.error("the database does not answer: %s", error)
    told = Check(
        DATABASE,
        Severity.CRITICAL,
        f"It does not answer ({type(error).__name__}), so nothing can be issued, and most could "
        "not be looked at. See that it runs and that DATABASE_URL is right.",
    )
    without = [look for look in LOOKS if not look.needs_database and look.scope in wanted]
    machine = tuple(found for look in without for found in _guarded(look, now))
    return {Scope.SITE: (told,), Scope.MACHINE: machine}
