"""Enrollment agents: who asks on behalf of whom, looked up anew each time.

The sender must hold one of the certificates that signed. Whoever overhears a message cannot use
it, and whoever signs is the one whose account, rights and grants are read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cryptography import x509
from django.contrib.auth.models import AnonymousUser, User

from enrollment import conf
from enrollment.ca import on_behalf
from enrollment.ca.errors import AgentNotGranted
from enrollment.ca.names import visible
from enrollment.ca.on_behalf import AgentSignature
from enrollment.ca.requester import Requester, account_name
from enrollment.services import agent_grants, directory, knowledge, people
from enrollment.services.outside import fresh

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.ca.request import CertificationRequest
    from enrollment.ca.template import CertificateTemplate
    from enrollment.models import Certificate, EnrollmentRequest


@dataclass(frozen=True, slots=True)
class OnBehalf:
    """For whom a request is, and who signed for them: account names, the sender's first."""

    target: Requester
    agents: tuple[str, ...]


def accept(
    request: CertificationRequest,
    template: CertificateTemplate,
    sender: Requester,
    *,
    now: datetime,
) -> OnBehalf | None:
    """Say for whom a request is; None where it is for its sender.

    Raises:
        EnrollmentError: it is on behalf of somebody, and must not be: see `on_behalf.check`.
        SourceUnavailable: the directory keeps one of them, and cannot be asked.
    """
    if not request.on_behalf_of:
        return None
    if sender.is_anonymous or not conf.current().is_enterprise:
        raise AgentNotGranted(
            "Without an account nobody asks on behalf of others.",
            remedy="Sign in as the enrollment agent, at a CA with templates.",
        )
    target = account(request.on_behalf_of)
    signatures = [_signature(der, template, target) for der in request.signer_certificates]
    on_behalf.check(signatures, template, sender, whom=request.on_behalf_of, now=now)
    if target is None or not target.is_active:
        raise AgentNotGranted(
            f"The account of '{visible(request.on_behalf_of)}' is disabled.",
            remedy="Ask a CA administrator to enable it first.",
        )
    holders = dict.fromkeys((sender.name, *(signature.holder for signature in signatures)))
    # What narrows the sender, a token for some templates, narrows what they ask for others, too.
    facts = replace(directory.requester_of(target), limited_to=sender.limited_to)
    return OnBehalf(facts, tuple(holders))


def account(written: str) -> User | None:
    r"""Return the account that `DOMAIN\user`, `user@realm` or `user` means, if there is one.

    Raises:
        SourceUnavailable: the directory keeps it, and cannot be asked.
    """
    settings = conf.current()
    name = account_name(written.strip(), realm=settings.realm, domain=settings.domain)
    found = people.find(name) if name and "\0" not in name else None
    # What stands in the certificate is theirs, as the directory says it now.
    fresh.those([found])
    return found


def _signature(der: bytes, template: CertificateTemplate, target: User | None) -> AgentSignature:
    row = knowledge.earlier_certificate(der)
    record = knowledge.as_earlier(row)
    if row is None or record is None:
        return AgentSignature(None)
    holder = _holder(row)
    return AgentSignature(
        record,
        _purposes(der),
        holder=holder.get_username() if holder else "",
        holder_id=holder.pk if holder else None,
        is_active=holder is not None and holder.is_active,
        is_granted=holder is not None
        and target is not None
        and agent_grants.allows(holder, template.name, target),
    )


def _holder(row: Certificate) -> User | None:
    """Return the account a certificate was issued to; a namesake who came later is not it."""
    asked = getattr(row, "request", None)
    holder = asked.account if asked is not None else None
    # Who signs beside the sender has not signed in here.
    fresh.those([holder])
    return holder if holder is not None and holder.get_username() == row.requester else None


def _purposes(der: bytes) -> frozenset[str]:
    extensions = x509.load_der_x509_certificate(der).extensions
    try:
        found = extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(oid.dotted_string for oid in found.value)


def sender_of(row: EnrollmentRequest) -> Requester:
    """Return who sent a request, with the rights of today, not of the day it came."""
    if row.agent:
        return directory.requester_of(row.agent_account or AnonymousUser())
    if row.account is None:
        return Requester(name=row.requester, is_anonymous=True)
    return directory.requester_of(row.account)
