"""Requests on behalf of somebody else: whom they name, and what an agent's signature must be.

The name counts only where the signature of an agent covers it. Who that is, which certificates
signed and what is granted, the services know; what follows from it is decided here.

Source: MS-WCCE 3.1.1.4.3.3, 2.2.2.7.10; ms-facts section b.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from enrollment.ca import errors
from enrollment.ca.attributes import normalize_name
from enrollment.ca.names import visible
from enrollment.ca.renewal import EarlierCertificate, check_status
from enrollment.ca.template import ENROLLMENT_AGENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from enrollment.ca.requester import Requester
    from enrollment.ca.template import CertificateTemplate

_REQUESTER_NAME: Final = "requestername"
_SIGN_AGAIN: Final = "Name one account, in the signed attributes of every agent, and sign again."
_OTHER_CERTIFICATE: Final = "Sign the request with a valid enrollment agent certificate of yours."


def name_among(pairs: Iterable[tuple[str, str]]) -> str:
    """Return the one requester name among name-value pairs; empty where there is none.

    Raises:
        RequestAmbiguous: there are two.
    """
    found = [value.strip() for name, value in pairs if normalize_name(name) == _REQUESTER_NAME]
    return _one(found)


def named(by_content: str, by_agents: Sequence[str], by_own_key: Sequence[str]) -> str:
    """Return whom a signed message is for; empty where it is for its sender.

    Args:
        by_content: in the signed content, so that every signature covers it.
        by_agents: in the signed attributes of each signature by a certificate.
        by_own_key: the same, of signatures by the key of the request, which name nobody but are
            not overheard.

    Raises:
        RequestAmbiguous: signatures of one message name different accounts, or not all do.
    """
    covered = [by_content or name for name in by_agents]
    name = _one([by_content, *by_agents, *by_own_key])
    if name and covered and not all(covered):
        raise errors.RequestAmbiguous(
            f"The message is for '{visible(name)}' by one of its signatures and for nobody by "
            "another.",
            remedy=_SIGN_AGAIN,
        )
    return name


def _one(names: Iterable[str]) -> str:
    distinct = {name.casefold(): name for name in names if name}
    if len(distinct) > 1:
        listed = " and ".join(f"'{visible(name)}'" for name in sorted(distinct.values()))
        raise errors.RequestAmbiguous(
            f"The message is on behalf of different accounts: {listed}.", remedy=_SIGN_AGAIN
        )
    return next(iter(distinct.values()), "")


@dataclass(frozen=True, slots=True)
class AgentSignature:
    """A certificate that signed for somebody else, as this CA knows it now.

    Attributes:
        record: our record of it; None when we did not issue it.
        purposes: its extended key usages.
        holder: the account it was issued to; empty when that is gone.
        holder_id: the key of that account.
        is_active: that account is not disabled.
        is_granted: a grant lets that account ask by this template for the one who is named.
    """

    record: EarlierCertificate | None
    purposes: frozenset[str] = frozenset()
    holder: str = ""
    holder_id: int | None = None
    is_active: bool = False
    is_granted: bool = False


def check(
    signatures: Sequence[AgentSignature],
    template: CertificateTemplate,
    sender: Requester,
    *,
    whom: str,
    now: datetime,
) -> None:
    """Judge the signatures of a request on behalf of somebody else.

    What is said about the one who is named comes last: who is no agent learns of nobody.

    Args:
        signatures: by certificates; each once.
        template: what is asked for.
        sender: who signed in.
        whom: the name in the message.
        now: timezone-aware UTC.

    Raises:
        SignaturePolicyRequired, SignerNotOurs, SignerRevoked, SignerExpired,
        AgentSignatureRejected, SignerNotHolder, AgentNotGranted
    """
    if not signatures:
        raise errors.SignaturePolicyRequired(
            f"The request is on behalf of '{visible(whom)}', and no enrollment agent signed it.",
            remedy="Sign it with the certificate of an enrollment agent, or ask for a certificate "
            "of your own without naming anybody.",
        )
    for signature in signatures:
        _check_certificate(signature, template, now)
    if not any(one.holder_id == sender.account_id for one in signatures):
        raise errors.SignerNotHolder(
            f"None of the certificates that signed the request was issued to '{sender.name}'.",
            remedy="Sign in as the enrollment agent whose certificate signed it, or sign it with "
            "a certificate of yours.",
        )
    _check_grants(signatures, template, whom)


def _check_certificate(
    signature: AgentSignature, template: CertificateTemplate, now: datetime
) -> None:
    record = signature.record
    if record is None:
        raise errors.SignerNotOurs(
            "The request is signed with a certificate that this CA did not issue.",
            remedy=_OTHER_CERTIFICATE,
        )
    label = f"The certificate that signed the request (serial number {record.serial_number})"
    check_status(record, label, remedy=_OTHER_CERTIFICATE)
    if now > record.not_after:
        raise errors.SignerExpired(
            f"{label} ended on {record.not_after:%Y-%m-%d %H:%M} UTC.", remedy=_OTHER_CERTIFICATE
        )
    for purpose in (ENROLLMENT_AGENT, template.ra_application_policy):
        if purpose and purpose not in signature.purposes:
            what = "of no enrollment agent" if purpose == ENROLLMENT_AGENT else "not for this use"
            raise errors.AgentSignatureRejected(
                f"{label} is {what}: it lacks the purpose {purpose}.", remedy=_OTHER_CERTIFICATE
            )
    if signature.holder_id is None or not signature.is_active:
        raise errors.AgentSignatureRejected(
            f"{label} belongs to an account that is disabled or gone.", remedy=_OTHER_CERTIFICATE
        )


def _check_grants(
    signatures: Sequence[AgentSignature], template: CertificateTemplate, whom: str
) -> None:
    if template.is_ca or ENROLLMENT_AGENT in template.extended_key_usages:
        raise errors.AgentNotGranted(
            f"Template '{template.display_name}' makes CAs or agents; nobody asks for those on "
            "behalf of others.",
            remedy="Let the one it is for ask, signed in.",
        )
    for signature in signatures:
        if not signature.is_granted:
            raise errors.AgentNotGranted(
                f"No grant lets '{signature.holder}' ask with template '{template.name}' on behalf "
                f"of '{visible(whom)}'.",
                remedy="Write the name as user, or as DOMAIN\\user with the domain of this CA; ask "
                "a CA administrator for a grant for this template and a group that they are in.",
            )
