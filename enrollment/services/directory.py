"""Which templates exist, and who may use them (read only)."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group, User
from django.db.models import F

from enrollment import conf
from enrollment.ca.builtin import standalone_template
from enrollment.ca.keys import KeyKind
from enrollment.ca.policy import Requester
from enrollment.ca.template import (
    Approval,
    CertificateTemplate,
    HeldNames,
    KeyUsage,
    Limits,
    NameRules,
    NamesBeyond,
    SubjectSource,
)
from enrollment.models import Template
from enrollment.services.outside.told import OIDC
from enrollment.services.prepared import PreparedSelect

if TYPE_CHECKING:
    from collections.abc import Iterable

    from enrollment.models import Account

ANONYMOUS = Requester(name="anonymous", is_anonymous=True)
REVIEW_PERMISSION: Final = "enrollment.review_enrollmentrequest"
REVOKE_PERMISSION: Final = "enrollment.revoke_certificate"
_PUBLISHED: Final = PreparedSelect(
    lambda: (
        Template.objects.filter(published=True)
        .order_by("name", "enroll_groups__name")
        .values_list(*(field.attname for field in Template._meta.concrete_fields))  # noqa: SLF001 - Django's public spelling
        .annotate(group=F("enroll_groups__name"))
    )
)
_kept: tuple[list[tuple[object, ...]], tuple[CertificateTemplate, ...]] = ([], ())
_GROUPS_OF: Final = PreparedSelect(
    lambda user: Group.objects.filter(user=user).order_by().values_list("name"), -1
)


def requester_of(user: AbstractBaseUser | AnonymousUser) -> Requester:
    """Return who `user` is, read afresh: a right that was taken away is gone at once."""
    if not isinstance(user, User) or not user.is_active:
        return ANONYMOUS
    account = getattr(user, "account", None)
    token = getattr(user, "api_token", None)
    return Requester(
        name=user.get_username(),
        groups=frozenset(name for (name,) in _GROUPS_OF.rows(user.pk)),
        account_id=user.pk,
        full_name=user.get_full_name(),
        email=user.email,
        dns_name=account.dns_name if account else "",
        upn=_upn_of(user, account),
        sid=account.sid if account else "",
        limited_to=frozenset(token.templates) if token and token.templates else None,
    )


def _upn_of(user: User, account: Account | None) -> str:
    """Return the UPN, which is the name in our realm where nothing else is known.

    At a provider people may choose their names: there, such a UPN would be somebody else's.
    """
    known = account.upn if account else ""
    if known or (account is not None and account.source == OIDC):
        return known
    return f"{user.get_username()}@{conf.current().realm}"


def may_review(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether `user` may issue and deny pending requests."""
    return isinstance(user, User) and user.is_active and user.has_perm(REVIEW_PERMISSION)


def may_revoke(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether `user` may revoke, hold and release certificates."""
    return isinstance(user, User) and user.is_active and user.has_perm(REVOKE_PERMISSION)


def templates_for(requester: Requester) -> list[CertificateTemplate]:
    """Return the published templates that `requester` may enroll for, by name."""
    if not conf.current().is_enterprise:
        return []
    limit = requester.limited_to
    return [
        template
        for template in published()
        if template.enroll_groups & requester.groups and (limit is None or template.name in limit)
    ]


def template(name: str) -> CertificateTemplate | None:
    """Return the published template with this name (in any case) or object identifier."""
    if not conf.current().is_enterprise:
        return standalone()
    wanted = name.casefold()
    for found in published():
        if wanted in (found.name.casefold(), found.oid):
            return found
    return None


def published() -> tuple[CertificateTemplate, ...]:
    """Return every published template, by name.

    Every submission comes by here: the rows are read afresh each time, and the values made of them
    are kept for as long as the rows are the same to the last column.
    """
    global _kept  # noqa: PLW0603 - one value that is replaced whole
    rows = _PUBLISHED.rows()
    seen, values = _kept
    if rows != seen:
        found = Template.objects.filter(published=True).prefetch_related("enroll_groups")
        values = tuple(to_value(row) for row in found.order_by("name"))
        # Only when nobody saved a template between the two readings do they belong together.
        if rows == _PUBLISHED.rows():
            _kept = (rows, values)
    return values


@lru_cache(maxsize=1)
def standalone() -> CertificateTemplate:
    """Return the rule of a stand-alone CA; it has no name and therefore no identifier shows."""
    return standalone_template("1.3.6.1.4.1.311.21.8")


def _texts(values: Iterable[object]) -> tuple[str, ...]:
    return tuple(str(value) for value in values)


def to_value(row: Template, groups: Iterable[Group] | None = None) -> CertificateTemplate:
    """Return the core's value of a template row.

    Args:
        row: stored or not.
        groups: who may enroll, where they are not stored yet.

    Raises:
        ValueError: the row holds a word that is no key kind, usage or network; the desk refuses
            such rows before they are stored.
    """
    if groups is None:
        groups = row.enroll_groups.all() if row.pk else ()
    return CertificateTemplate(
        name=row.name,
        display_name=row.display_name,
        oid=row.oid,
        schema_version=row.schema_version,
        major_version=row.major_version,
        minor_version=row.minor_version,
        published=row.published,
        subject_source=SubjectSource(row.subject_source),
        directory_subject=row.directory_subject,
        directory_alternative_names=_texts(row.directory_alternative_names),
        extended_key_usages=_texts(row.extended_key_usages),
        key_usages=frozenset(KeyUsage(usage) for usage in row.key_usages),
        key_usage_critical=row.key_usage_critical,
        key_usage_narrowing=row.key_usage_narrowing,
        is_ca=row.is_ca,
        path_length=row.path_length,
        allowed_keys=tuple(KeyKind(kind) for kind in row.allowed_keys),
        minimum_rsa_bits=row.minimum_rsa_bits,
        weak_request_signatures=row.weak_request_signatures,
        validity=timedelta(days=row.validity_days),
        renewal_period=timedelta(days=row.renewal_days),
        approval=Approval(row.approval),
        approvals_needed=row.approvals_needed,
        enroll_groups=frozenset(group.name for group in groups),
        allowed_names=NameRules(
            dns_suffixes=_texts(row.allowed_dns_suffixes),
            ip_networks=tuple(ipaddress.ip_network(net) for net in row.allowed_ip_networks),
            patterns=_texts(row.allowed_name_patterns),
            email_domains=_texts(row.allowed_email_domains),
            upn_suffixes=_texts(row.allowed_upn_suffixes),
        ),
        names_beyond=NamesBeyond(row.names_beyond),
        held_names=HeldNames(row.held_names),
        limits=Limits(
            requester=row.limit_per_requester,
            name=row.limit_per_name,
            in_all=row.limit_in_all,
            period=timedelta(days=row.limit_days),
        ),
        san_critical=row.san_critical,
        include_revocation_addresses=row.include_revocation_addresses,
        include_ocsp_no_check=row.include_ocsp_no_check,
        include_sid=row.include_sid,
        ra_signatures=row.ra_signatures,
        ra_application_policy=row.ra_application_policy,
        same_key_renewal=row.same_key_renewal,
    )


def to_row(value: CertificateTemplate) -> Template:
    """Return an unsaved row of a template value; its groups are added once it is saved."""
    return Template(
        name=value.name,
        display_name=value.display_name,
        oid=value.oid,
        schema_version=value.schema_version,
        major_version=value.major_version,
        minor_version=value.minor_version,
        published=value.published,
        subject_source=value.subject_source.value,
        directory_subject=value.directory_subject,
        directory_alternative_names=list(value.directory_alternative_names),
        extended_key_usages=list(value.extended_key_usages),
        key_usages=sorted(usage.value for usage in value.key_usages),
        key_usage_critical=value.key_usage_critical,
        key_usage_narrowing=value.key_usage_narrowing,
        is_ca=value.is_ca,
        path_length=value.path_length,
        allowed_keys=[kind.value for kind in value.allowed_keys],
        minimum_rsa_bits=value.minimum_rsa_bits,
        weak_request_signatures=value.weak_request_signatures,
        validity_days=value.validity.days,
        renewal_days=value.renewal_period.days,
        approval=value.approval.value,
        approvals_needed=value.approvals_needed,
        allowed_dns_suffixes=list(value.allowed_names.dns_suffixes),
        allowed_ip_networks=[str(net) for net in value.allowed_names.ip_networks],
        allowed_name_patterns=list(value.allowed_names.patterns),
        allowed_email_domains=list(value.allowed_names.email_domains),
        allowed_upn_suffixes=list(value.allowed_names.upn_suffixes),
        names_beyond=value.names_beyond.value,
        held_names=value.held_names.value,
        limit_per_requester=value.limits.requester,
        limit_per_name=value.limits.name,
        limit_in_all=value.limits.in_all,
        limit_days=value.limits.period.days,
        san_critical=value.san_critical,
        include_revocation_addresses=value.include_revocation_addresses,
        include_ocsp_no_check=value.include_ocsp_no_check,
        include_sid=value.include_sid,
        ra_signatures=value.ra_signatures,
        ra_application_policy=value.ra_application_policy,
        same_key_renewal=value.same_key_renewal,
    )
