"""Whose certificate is it? The only writer of `CertificateMapping`.

A certificate of this CA is believed by its record, which is read each time: one that was revoked or
put on hold a moment ago signs nobody in. One of another CA is believed by its signature; whether
that CA took it back is not asked.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from cryptography import x509
from django.contrib.auth.models import User
from django.db.models import Q

from enrollment import conf, conf_clients
from enrollment.ca import client_certificate, names
from enrollment.ca.client_certificate import ClientCertificate, NoClientCertificate, Rule
from enrollment.ca.template import SubjectSource
from enrollment.models import (
    Authority,
    Certificate,
    CertificateMapping,
    EnrollmentRequest,
    Template,
)
from enrollment.services import client_authorities
from enrollment.services.client_authorities import ClientAuthoritiesUnreadable

if TYPE_CHECKING:
    from datetime import datetime

_log: Final = logging.getLogger("certsrv.signin")


class MappingRefused(Exception):
    """A mapping that is not stored, and why, in one sentence."""


def account_of(der: bytes, *, now: datetime) -> User | None:
    """Return the active account that a certificate leads to, if it is exactly one.

    Args:
        der: the certificate; somebody we trust saw its key proven.
        now: timezone-aware UTC.
    """
    try:
        shown = client_certificate.read(der)
        accounts = _accounts(shown, believe(shown, now=now))
    except (NoClientCertificate, ClientAuthoritiesUnreadable) as refusal:
        _log.info("a client's certificate signs nobody in: %s", names.visible(str(refusal)))
        return None
    return (
        User.objects.select_related("account").filter(pk__in=accounts, is_active=True).first()
        if accounts
        else None
    )


def _accounts(shown: ClientCertificate, own: Certificate | None) -> set[int]:
    found = _mapped(shown, own) | _issued_to(own)
    if len(found) > 1:
        raise NoClientCertificate("It leads to more than one account.")
    return found


def believe(shown: ClientCertificate, *, now: datetime) -> Certificate | None:
    """Return our record of a certificate; None for a good one of another CA that is trusted.

    Raises:
        NoClientCertificate: it is neither.
        ClientAuthoritiesUnreadable: the other CAs are not known at the moment.
    """
    client_certificate.check_use(shown, now)
    row = Certificate.objects.filter(thumbprint_sha256=shown.thumbprint).first()
    if row is None:
        if shown.issuer in _own_names():
            raise NoClientCertificate(
                "It bears the name of this CA as its issuer, and is not in its records."
            )
        client_certificate.check_issuer(shown, client_authorities.others(), now)
        return None
    if bytes(row.der) != shown.der:
        raise NoClientCertificate("It is not, octet for octet, what this CA issued.")
    if row.revoked_at is not None:
        raise NoClientCertificate("It was revoked, or is on hold.")
    return row


def _own_names() -> frozenset[str]:
    """Return what stands for the names of this CA, as issuers."""
    ders = Authority.objects.values_list("der", flat=True)
    return frozenset(_subject_of(bytes(der)) for der in ders)


@lru_cache(maxsize=64)
def _subject_of(der: bytes) -> str:
    return client_certificate.name_digest(x509.load_der_x509_certificate(der).subject)


def _mapped(shown: ClientCertificate, own: Certificate | None) -> set[int]:
    """Return the accounts that an administrator entered for such a certificate.

    What this CA issues may bear names that its requester chose: only the whole certificate counts.
    """
    wanted = Q(rule=Rule.EXACT, value=shown.thumbprint)
    if own is None:
        for rule, value in shown.claims:
            if rule is not Rule.EXACT:
                wanted |= Q(rule=rule, issuer=shown.issuer, value=value)
    return set(CertificateMapping.objects.filter(wanted).values_list("user_id", flat=True))


def _issued_to(own: Certificate | None) -> set[int]:
    """Return the account that asked for a certificate of ours, where that is enough.

    It is for templates that take the names from the directory: a person's certificate, and not one
    of a server whose key others hold, too.
    """
    if own is None or conf.current().clients.mapping != conf_clients.ISSUED:
        return set()
    template = Template.objects.filter(
        name=own.template_name, subject_source=SubjectSource.DIRECTORY
    )
    asked = User.objects.filter(
        username=own.requester,
        pk__in=EnrollmentRequest.objects.filter(certificate=own).values("account"),
    )
    return set(asked.values_list("pk", flat=True)) if template.exists() else set()


def mapping(der: bytes, rule: Rule, *, now: datetime) -> CertificateMapping:
    """Return a mapping made after an example, without a user and not stored.

    Args:
        der: a certificate that would be believed now.
        rule: what of it shall count.
        now: timezone-aware UTC.

    Raises:
        MappingRefused: there is nothing of the kind in it, it would not be believed, or somebody
            has the same mapping already.
    """
    try:
        shown = client_certificate.read(der)
        own = believe(shown, now=now)
    except (NoClientCertificate, ClientAuthoritiesUnreadable) as refusal:
        raise MappingRefused(f"This certificate signs nobody in. {refusal}") from refusal
    if own is not None and rule is not Rule.EXACT:
        raise MappingRefused(
            "This CA issued the certificate, perhaps with names that its requester chose. Map the "
            "certificate itself; or set CERTSRV_CERTIFICATE_MAPPING=issued."
        )
    values = [value for kind, value in shown.claims if kind is rule]
    if len(values) != 1:
        raise MappingRefused(
            f"The certificate has {len(values) or 'no'} names of this kind that can be mapped; one "
            "is wanted, in ASCII. Choose another kind, or the certificate itself."
        )
    found = CertificateMapping(
        rule=rule,
        value=values[0],
        issuer="" if rule is Rule.EXACT else shown.issuer,
        issuer_name=names.display(shown.certificate.issuer)[:255],
        subject=names.display(shown.certificate.subject)[:255],
        created_at=now,
    )
    same = CertificateMapping.objects.filter(rule=rule, value=found.value, issuer=found.issuer)
    for row in same.select_related("user")[:1]:
        raise MappingRefused(f"It leads to the account '{row.user.get_username()}' already.")
    return found


def written(user: User) -> list[str]:
    """Return the mappings of an account as the audit trail has them."""
    return [str(row) for row in CertificateMapping.objects.filter(user_id=user.pk)]


__all__ = ["MappingRefused", "account_of", "believe", "mapping", "written"]
