"""request + template + requester + what we know of the names -> Issue | Hold | Deny.

The one place that decides. Every door, the preview and the approval get the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from enrollment.ca import account_names, errors, name_policy, naming
from enrollment.ca.keys import KeyKind
from enrollment.ca.knowledge import Counts, Knowledge, LostKey
from enrollment.ca.name_policy import Holder
from enrollment.ca.names import HeldName, names_of, visible
from enrollment.ca.requester import Requester
from enrollment.ca.template import Approval, CertificateTemplate, HeldNames, SubjectSource
from enrollment.ca.weakkeys import weakness

if TYPE_CHECKING:
    from collections.abc import Callable

    from enrollment.ca.attributes import RequestAttributes
    from enrollment.ca.certification_request import CertificationRequest


@dataclass(frozen=True, slots=True)
class Issue:
    """Grant it now."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Keep it for a certificate manager."""

    reason: str


@dataclass(frozen=True, slots=True)
class Deny:
    """Refuse it and say why."""

    error: errors.EnrollmentError


Decision: TypeAlias = Issue | Hold | Deny


@dataclass(frozen=True, slots=True)
class Case:
    """Everything a rule may look at.

    `known_weak` holds the fingerprints of published keys, as `weakkeys.fingerprint` makes them.
    `agents` are the enrollment agents who signed for `requester`, the sender first; their right to
    do so was checked by `on_behalf.check`.
    """

    request: CertificationRequest
    template: CertificateTemplate
    requester: Requester
    knowledge: Knowledge = field(default_factory=Knowledge)
    known_weak: frozenset[str] = frozenset()
    agents: tuple[str, ...] = ()


def template_name(request: CertificationRequest, attributes: RequestAttributes) -> str:
    """Return the one template name that a request means; empty when it names none.

    Sources are the attribute line, the name-value pair and the template name extension; all that
    are present must agree. A template information extension is compared by `check_version`.

    Raises:
        TemplateConflict: two of them differ.

    Source: MS-WCCE 3.2.2.6.2.1.2; certsrv-contract section 4.
    """
    facts = request.microsoft
    pairs = [
        value
        for name, value in facts.name_value_pairs
        if name.casefold().replace(" ", "").replace("-", "") == "certificatetemplate"
    ]
    named = [attributes.template_name, *pairs, facts.template_name]
    distinct = {name.casefold(): name for name in reversed(named) if name}
    if len(distinct) > 1:
        listed = " and ".join(f"'{visible(name)}'" for name in sorted(distinct.values()))
        raise errors.TemplateConflict(
            f"The request names different templates: {listed}.",
            remedy="Name one template, in the attributes or in the request, not two.",
        )
    return next(iter(distinct.values()), "")


def check_template_information(
    request: CertificationRequest, template: CertificateTemplate
) -> None:
    """Compare the template information extension with the template that is meant.

    Raises:
        TemplateConflict: the extension names the object identifier of another template.
        TemplateVersionNewer: it was made for a later revision than ours.

    Source: MS-WCCE 3.2.2.6.2.1.4.1-.3.
    """
    information = request.microsoft.template_information
    if information is None or template.schema_version < 2:  # noqa: PLR2004 - v1 has no version rule
        return
    oid, major, minor = information
    if oid != template.oid:
        raise errors.TemplateConflict(
            f"The request carries the template {oid}, but asks for '{template.name}' "
            f"({template.oid}).",
            remedy="Make the request for the template you ask for, or leave the extension out.",
        )
    if (major or 0, minor or 0) > (template.major_version, template.minor_version):
        raise errors.TemplateVersionNewer(
            f"The request was made for revision {major}.{minor} of '{template.name}'; this CA has "
            f"{template.major_version}.{template.minor_version}.",
            remedy="Refresh the templates on the requesting machine and make the request again.",
        )


def decide(case: Case) -> Decision:
    """Judge a request; a refusal comes before a wait, and a wait before a grant."""
    try:
        for rule in _REFUSALS:
            rule(case)
    except errors.EnrollmentError as error:
        return Deny(error)
    for wait in _WAITS:
        reason = wait(case)
        if reason is not None:
            return Hold(reason)
    return Issue()


def _right_to_enroll(case: Case) -> None:
    template, limit = case.template, case.requester.limited_to
    if limit is not None and template.name not in limit:
        raise errors.TemplateDenied(
            f"The token of '{(*case.agents, case.requester.name)[0]}' is not good for template "
            f"'{template.name}'.",
            remedy=f"Ask for one of these, or use another token: {', '.join(sorted(limit))}.",
        )
    if template.enroll_groups and not template.enroll_groups & case.requester.groups:
        groups = ", ".join(sorted(template.enroll_groups))
        raise errors.TemplateDenied(
            f"'{case.requester.name}' is in no group that may enroll for '{template.name}'.",
            remedy=f"Ask a CA administrator to put you into one of: {groups}.",
        )
    if not template.enroll_groups and template.name:
        raise errors.TemplateDenied(
            f"No group may enroll for '{template.name}'.",
            remedy="Ask a CA administrator to name the groups that may.",
        )


def _proof_of_possession(case: Case) -> None:
    reason = case.request.unverifiable
    if reason is not None:
        raise errors.SignatureUnverifiable(
            reason,
            remedy="Make a new key of a kind this CA takes, for example RSA 3072 or EC P-256, and "
            "request again.",
        )


def _key_kind(case: Case) -> None:
    key, template = case.request.key, case.template
    if key.kind not in template.allowed_keys:
        allowed = ", ".join(kind.value for kind in template.allowed_keys)
        raise errors.KeyKindNotAllowed(
            f"The key of the request is {key.name}, which template '{template.display_name}' does "
            f"not take.",
            remedy=f"Make a new key of one of these kinds and request again: {allowed}.",
        )
    if key.kind is KeyKind.RSA and key.bits < template.minimum_rsa_bits:
        raise errors.KeyTooShort(
            key=key.name,
            minimum=template.minimum_rsa_bits,
            template=template.name or template.display_name,
        )


def _key_strength(case: Case) -> None:
    if case.request.public_key is None:
        raise errors.KeyWeak(
            f"The {case.request.key.name} key of the request cannot be used.",
            remedy="Make a new key and request again.",
        )
    problem = weakness(case.request.public_key, known_weak=case.known_weak)
    if problem is not None:
        raise errors.KeyWeak(
            problem,
            remedy="Do not use this key anywhere. Make a new one with current software and request "
            "again.",
        )


def _key_lost(case: Case) -> None:
    """Refuse for good a key that is known to be in other hands, whoever brings it."""
    lost = case.knowledge.lost_key
    if lost is not None:
        raise errors.KeyCompromised(serial_number=lost.serial_number, reason=lost.reason.label)


def _request_signature(case: Case) -> None:
    signature = case.request.signature
    if signature.weak and not case.template.weak_request_signatures:
        raise errors.SignatureTooWeak(
            f"The request is signed with {signature.algorithm}; this CA takes SHA-256 or better.",
            remedy="Make the request again with SHA-256, for example: openssl req -new -sha256 "
            "-key server.key -out server.csr.",
        )
    # A renewal is decided by who has signed in; whom an agent asks for stands in its signature.
    weak = case.request.weak_signers if case.request.on_behalf_of else ()
    if weak and not case.template.weak_request_signatures:
        raise errors.SignatureTooWeak(
            f"The enrollment agent signed with {weak[0]}; this CA takes SHA-256 or better.",
            remedy="Let the agent sign the message again with SHA-256.",
        )


def _registration_authority(case: Case) -> None:
    # Nobody vouches for themselves.
    others = [name for name in case.agents if name != case.requester.name]
    wanted, found = case.template.ra_signatures, len(others)
    if found >= wanted:
        return
    label = f"Template '{case.template.name}' needs the signatures of {wanted} enrollment agent(s)"
    if not found:
        raise errors.SignaturePolicyRequired(
            f"{label}, on behalf of whom the certificate is for.",
            remedy="Let an enrollment agent ask, or choose a template that needs none.",
        )
    raise errors.AgentSignaturesTooFew(
        f"{label}; the request carries {found} by others than the one it is for.",
        remedy="Let another enrollment agent sign the message as well, beside your signature.",
    )


def _same_key(case: Case) -> None:
    earlier = case.knowledge.earlier_spki
    if case.template.same_key_renewal and earlier not in (None, case.request.spki_der):
        raise errors.RenewalKeyDiffers(
            f"Template '{case.template.name}' renews certificates with the key they have; this "
            "request brings another.",
            remedy="Make the renewal request with the old key, or ask for a new certificate.",
        )


def _names(case: Case) -> None:
    chosen = naming.choose(case.request, case.template, case.requester)
    names = names_of(chosen.subject, chosen.alternative_names)
    if not names and not chosen.subject.rdns:
        raise errors.NameMissing(
            "The request has neither a subject nor a subject alternative name.",
            remedy="Name what the certificate is for, for example with -subj /CN=www.example.com "
            "and -addext subjectAltName=DNS:www.example.com.",
        )
    if case.template.subject_source is SubjectSource.REQUEST:
        account_names.check_no_sid(names)
    name_policy.check_beyond(case.template, _beyond(case), case.knowledge.name_grants)


def _held(case: Case) -> tuple[HeldName, ...]:
    """Return the names of the certificate as it would be signed."""
    chosen = naming.choose(case.request, case.template, case.requester)
    return names_of(chosen.subject, chosen.alternative_names)


def _beyond(case: Case) -> tuple[HeldName, ...]:
    return name_policy.beyond(case.template, _held(case), case.knowledge.name_grants)


def _limits(case: Case) -> None:
    limits, counts, days = case.template.limits, case.knowledge.counts, case.template.limits.period
    for most, count, what in (
        (limits.requester, counts.requester, f"to {case.requester.name}"),
        (limits.name, counts.name, "for one of the names asked for"),
        (limits.in_all, counts.in_all, "in all"),
    ):
        if most and count >= most:
            raise errors.LimitReached(
                f"{count:,} certificates of template '{case.template.display_name}' were issued "
                f"{what} in the last {days.days} days, and {most:,} is the limit.",
                remedy="Wait some days, use a certificate you have, or ask a CA administrator to "
                "raise the limit.",
            )


def _ca_names(case: Case) -> None:
    """Refuse a CA without a name: it could not be told from its issuer (RFC 5280 4.1.2.4)."""
    if case.template.is_ca and not case.request.subject.rdns:
        raise errors.NameMissing(
            "A CA certificate needs a subject, and the request has none.",
            remedy="Make the request again with the name of the CA as its subject.",
        )


_REFUSALS: tuple[Callable[[Case], None], ...] = (
    _right_to_enroll,
    _proof_of_possession,
    _key_lost,
    _key_kind,
    _key_strength,
    _request_signature,
    _registration_authority,
    _same_key,
    _ca_names,
    _names,
    _limits,
)


def _approval(case: Case) -> str | None:
    template = case.template
    if template.approval is Approval.ALWAYS:
        label = template.display_name
        return f"Template '{label}' needs the approval of a certificate manager."
    if template.approval is Approval.FIRST_TIME and not case.knowledge.granted_before:
        return (
            f"These names were not issued to {case.requester.name} before; a certificate manager "
            "decides the first time."
        )
    return None


def _outside(case: Case) -> str | None:
    return name_policy.wait_for_beyond(case.template, _beyond(case))


def _held_by_others(case: Case, how: HeldNames = HeldNames.WAIT) -> str | None:
    others = case.knowledge.held_by_others(case.requester)
    return name_policy.wait_for_holders(case.template, others, how=how)


def _of_other_accounts(case: Case, how: HeldNames = HeldNames.WAIT) -> str | None:
    template, grants = case.template, case.knowledge.name_grants
    if template.held_names is not how or template.subject_source is not SubjectSource.REQUEST:
        return None
    found = account_names.of_others(template, _held(case), case.requester, grants)
    return account_names.sentence(found) if found else None


def _wildcards(case: Case, how: HeldNames = HeldNames.WAIT) -> str | None:
    template, known = case.template, case.knowledge
    if template.held_names is not how or template.subject_source is not SubjectSource.REQUEST:
        return None
    found = name_policy.wildcards_to_look_at(
        template, known.wildcards_over_others, known.name_grants
    )
    return name_policy.wait_for_wildcards(found) if found else None


def remarks(case: Case) -> tuple[str, ...]:
    """Return what stricter rules would have made wait: a dry run of them."""
    rules = (_held_by_others, _of_other_accounts, _wildcards)
    found = (rule(case, HeldNames.REPORT) for rule in rules)
    return tuple(sentence for sentence in found if sentence)


_WAITS: tuple[Callable[[Case], str | None], ...] = (
    _approval,
    _outside,
    _held_by_others,
    _of_other_accounts,
    _wildcards,
)

__all__ = [
    "Case",
    "Counts",
    "Decision",
    "Deny",
    "Hold",
    "Holder",
    "Issue",
    "Knowledge",
    "LostKey",
    "Requester",
    "check_template_information",
    "decide",
    "remarks",
    "template_name",
]
