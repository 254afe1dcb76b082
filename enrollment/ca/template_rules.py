"""What a template must not say, and what its editor should know before it is published.

The names in parentheses are those of the published attacks on certificate services: ESC1 to ESC3.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from enrollment.ca.template import (
    ANY_PURPOSE,
    CA_TEMPLATE_NAMES,
    ENROLLMENT_AGENT,
    MOST_APPROVALS,
    Approval,
    CertificateTemplate,
    KeyUsage,
    SubjectSource,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

MINIMUM_RSA_BITS: Final = 2048
LONGEST_VALIDITY: Final = timedelta(days=36_500)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a template, or that is worth knowing.

    `field` names the attribute of `CertificateTemplate` that would mend it.
    """

    field: str
    detail: str
    remedy: str
    blocks: bool = True

    def __str__(self) -> str:
        return f"{self.detail} {self.remedy}"


def problems(
    template: CertificateTemplate, *, issuer_end: datetime | None, now: datetime
) -> tuple[Problem, ...]:
    """Judge a template before it is stored; those that block come first.

    Args:
        template: as it would be stored.
        issuer_end: when the CA certificate ends; None while there is no CA.
        now: timezone-aware UTC.
    """
    found = (
        *_authority(template),
        *_sign_in(template),
        *_keys(template),
        *_times(template, issuer_end, now),
        *_enrollment(template),
        *_approvals(template),
    )
    return tuple(sorted(found, key=lambda problem: not problem.blocks))


def _authority(template: CertificateTemplate) -> Iterator[Problem]:
    named_as_ca = template.name.casefold() in CA_TEMPLATE_NAMES
    if named_as_ca and not template.is_ca:
        yield Problem(
            "is_ca",
            f"Clients take '{template.name}' for the template of a CA.",
            "Leave it marked as one, or make a template with another name.",
        )
    if (template.is_ca or named_as_ca) and template.approval is not Approval.ALWAYS:
        yield Problem(
            "approval",
            "Who holds a CA certificate can issue anything, in the name of anybody.",
            "Keep the approval 'always by a certificate manager'.",
        )
    if template.is_ca != (KeyUsage.KEY_CERT_SIGN in template.key_usages):
        yield Problem(
            "key_usages",
            "Certificate signing belongs to CA certificates, and to all of them.",
            "Set both 'key cert sign' and the mark of a CA, or neither.",
        )
    if template.path_length is not None and not template.is_ca:
        yield Problem(
            "path_length",
            "A path length has a meaning in CA certificates only (RFC 5280 section 4.2.1.9).",
            "Leave it empty.",
        )


def _sign_in(template: CertificateTemplate) -> Iterator[Problem]:
    if template.lets_anybody_sign_in:
        yield Problem(
            "approval",
            "Whoever may enroll could name somebody else in the request and sign in as them "
            "(ESC1).",
            "Let a certificate manager approve, limit the allowed names, build the subject from "
            "the directory, or take client authentication out.",
        )
        return
    held = template.approval is Approval.ALWAYS
    if not template.published or held or template.is_ca:
        return
    if not template.extended_key_usages or ANY_PURPOSE in template.extended_key_usages:
        yield Problem(
            "extended_key_usages",
            "A certificate without named purposes is good for every purpose (ESC2).",
            "Name the purposes, or let a certificate manager approve.",
        )
    if ENROLLMENT_AGENT in template.extended_key_usages:
        yield Problem(
            "approval",
            "An enrollment agent requests certificates in the name of others (ESC3).",
            "Let a certificate manager approve, or do not publish it.",
        )


def _approvals(template: CertificateTemplate) -> Iterator[Problem]:
    if not 1 <= template.approvals_needed <= MOST_APPROVALS:
        yield Problem(
            "approvals_needed",
            f"{template.approvals_needed} certificate managers would have to approve.",
            f"Choose 1 to {MOST_APPROVALS}.",
        )
    elif template.approvals_needed > 1 and template.approval is Approval.NONE:
        yield Problem(
            "approvals_needed",
            f"{template.approvals_needed} certificate managers would have to approve, and requests "
            "are issued without asking any.",
            "Let a certificate manager approve, always or for the first time; or choose 1.",
        )


def _keys(template: CertificateTemplate) -> Iterator[Problem]:
    if not template.allowed_keys:
        yield Problem(
            "allowed_keys", "No kind of key is allowed, so no request could pass.", "Choose some."
        )
    if template.minimum_rsa_bits < MINIMUM_RSA_BITS:
        yield Problem(
            "minimum_rsa_bits",
            f"RSA keys of {template.minimum_rsa_bits} bits can be broken.",
            f"Ask for {MINIMUM_RSA_BITS} or more.",
        )
    if template.weak_request_signatures:
        yield Problem(
            "weak_request_signatures",
            "Requests signed with SHA-1 prove little about who holds the key.",
            "Use this in laboratories only.",
            blocks=False,
        )


def _times(
    template: CertificateTemplate, issuer_end: datetime | None, now: datetime
) -> Iterator[Problem]:
    if not timedelta(0) < template.validity <= LONGEST_VALIDITY:
        yield Problem(
            "validity",
            f"The validity is {template.validity.days:,} days.",
            f"Choose 1 to {LONGEST_VALIDITY.days:,}.",
        )
        return
    if template.renewal_period >= template.validity:
        yield Problem(
            "renewal_period",
            "The renewal period is as long as the validity, so every certificate would be due at "
            "once.",
            f"Choose less than {template.validity.days} days.",
        )
    if issuer_end is not None and now + template.validity > issuer_end:
        yield Problem(
            "validity",
            f"The CA certificate ends on {issuer_end:%Y-%m-%d}; certificates issued now will end "
            "then, earlier than this template says.",
            "Renew the CA certificate in time.",
            blocks=False,
        )


def _enrollment(template: CertificateTemplate) -> Iterator[Problem]:
    if template.published and not template.enroll_groups:
        yield Problem(
            "enroll_groups",
            "The template is published, and nobody may enroll for it.",
            "Name a group, or do not publish it.",
        )
    if template.ra_signatures and template.published:
        yield Problem(
            "ra_signatures",
            "Nobody can ask for themselves, and enrollment agents only as far as was granted.",
            "Grant it to enrollment agents, or set it to 0.",
            blocks=False,
        )
    by_directory = template.subject_source is SubjectSource.DIRECTORY
    is_nameless = template.directory_subject == "none" and not template.directory_alternative_names
    if by_directory and is_nameless:
        yield Problem(
            "directory_alternative_names",
            "The subject is left empty, and no alternative name is chosen.",
            "Choose a subject or alternative names.",
        )
