"""Which names each group may ask for; the only writer of `NameGrant`."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.db.models import F, Q

from enrollment.ca.name_rules import NameRules
from enrollment.models import NameGrant
from enrollment.services import audit
from enrollment.services.prepared import PreparedSelect

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.ca.policy import Requester
    from enrollment.ca.template import CertificateTemplate

LISTS: Final = ("dns_suffixes", "ip_networks", "email_domains", "upn_suffixes", "patterns")
# Every submission asks; most sites have no such row.
_OF_TEMPLATE: Final = PreparedSelect(
    lambda name: (
        NameGrant.objects.filter(Q(template__isnull=True) | Q(template__name=name))
        .order_by("pk")
        .values_list("pk")
        .annotate(group_name=F("group__name"))
    ),
    "a template",
)


class GrantRefused(Exception):
    """A grant that grants nothing, and why, in one sentence."""


def of(template: CertificateTemplate, requester: Requester) -> tuple[NameRules, ...] | None:
    """Return what the requester's groups may ask for by a template.

    None where no group is limited: then the template's own rules are all there is. An empty tuple
    where others are and the requester is in none of those groups.
    """
    rows = _OF_TEMPLATE.rows(template.name)
    if not rows:
        return None
    mine = [pk for pk, group in rows if group in requester.groups]
    return tuple(rules_of(row) for row in NameGrant.objects.filter(pk__in=mine).order_by("pk"))


def rules_of(row: NameGrant) -> NameRules:
    """Return the core's value of a grant."""
    return NameRules(
        dns_suffixes=tuple(row.dns_suffixes),
        ip_networks=tuple(ipaddress.ip_network(network) for network in row.ip_networks),
        patterns=tuple(row.patterns),
        email_domains=tuple(row.email_domains),
        upn_suffixes=tuple(row.upn_suffixes),
    )


@transaction.atomic
def save(row: NameGrant, *, actor: str, now: datetime) -> None:
    """Store a grant, and record what changed.

    Raises:
        GrantRefused: it names nothing, which would allow every name.
    """
    if not rules_of(row):
        raise GrantRefused(
            "The grant names nothing. Write at least one domain, network or pattern; to let the "
            "group ask for every name, write the pattern * together with at least one letter, or "
            "delete the grant."
        )
    earlier = NameGrant.objects.filter(pk=row.pk).first() if row.pk else None
    before, after = _content(earlier), _content(row)
    row.save()
    audit.record(
        "name grant changed" if earlier else "name grant added",
        actor=actor,
        subject=f"name grant {row.pk}",
        at=now,
        before=before,
        after=after,
    )


@transaction.atomic
def delete(row: NameGrant, *, actor: str, now: datetime) -> None:
    """Take a grant away, and record what it was."""
    key, before = row.pk, _content(row)
    row.delete()
    audit.record(
        "name grant deleted", actor=actor, subject=f"name grant {key}", at=now, before=before
    )


def _content(row: NameGrant | None) -> dict[str, Any]:
    if row is None:
        return {}
    return {
        "group": row.group.name,
        "template": row.template.name if row.template else "",
        **{name: getattr(row, name) for name in LISTS},
    }
