"""What the policy says of the names a certificate would hold: refusals, and what a manager decides.

The names are those of the certificate as it would be signed, whatever they were made of: subject,
alternative names, and the host name that the CA itself takes over from a common name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from enrollment.ca import errors
from enrollment.ca.names import (
    COMMON_NAME,
    DNS,
    EMAIL,
    IP,
    UPN,
    HeldName,
    is_like_host,
    visible,
)
from enrollment.ca.template import HeldNames, NamesBeyond, SubjectSource

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.ca.name_rules import NameRules
    from enrollment.ca.template import CertificateTemplate

OWNED: Final = frozenset({DNS, IP, EMAIL, UPN})
_MOST_NAMED: Final = 5
_WILDCARD: Final = re.compile(r"[a-z0-9_-]*\*[a-z0-9_-]*(?:\.[a-z0-9_-]+)+")


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who has a name that is asked for now: in a valid certificate, or in the directory.

    What the directory gives to an account has no serial number and no end.
    """

    name: HeldName
    requester: str
    serial_number: str = ""
    not_after: datetime | None = None


def is_owned(name: HeldName) -> bool:
    """Whether such a name belongs to somebody: two people may both be called Jane Doe."""
    return name.kind in OWNED or (name.kind == COMMON_NAME and is_like_host(name.value))


def beyond(
    template: CertificateTemplate,
    names: tuple[HeldName, ...],
    grants: tuple[NameRules, ...] | None,
) -> tuple[HeldName, ...]:
    """Return the names that lie outside what may be asked for.

    Args:
        template: whose own rules hold for everybody.
        names: of the certificate as it would be signed.
        grants: what the requester's groups may ask for; None where nobody is limited by group.
    """
    if template.subject_source is not SubjectSource.REQUEST:
        return ()
    # A common name that repeats a host of the SAN is judged as that host.
    hosts = {name.value for name in names if name.kind in (DNS, IP)}
    return tuple(
        name
        for name in names
        if not (name.kind == COMMON_NAME and name.value in hosts)
        and not (
            template.allowed_names.allow(name)
            and (grants is None or any(grant.allow(name) for grant in grants))
        )
    )


def check_beyond(
    template: CertificateTemplate,
    outside: tuple[HeldName, ...],
    grants: tuple[NameRules, ...] | None,
) -> None:
    """Refuse names outside the rules, where the template says so.

    Raises:
        NameNotAllowed: with the first such name, and what would be allowed.
    """
    if not outside or template.names_beyond is NamesBeyond.HOLD:
        return
    name = outside[0]
    if not template.allowed_names.allow(name):
        raise errors.NameNotAllowed(
            f"The name '{visible(name.value)}' lies outside what template '{template.name}' may "
            f"hold: {template.allowed_names}.",
            remedy="Ask only for names within these, or ask a CA administrator to allow more.",
        )
    allowed = "; ".join(str(grant) for grant in grants or ()) or "none"
    raise errors.NameNotAllowed(
        f"The name '{visible(name.value)}' lies outside what your groups may ask for with "
        f"template '{template.name}': {allowed}.",
        remedy="Ask only for names within these, or ask a CA administrator to allow more.",
    )


def is_wildcard(name: HeldName) -> bool:
    """Whether a name stands for hosts of a domain: all of them, or those that a part of one fits.

    A common name, too: where the SAN holds no host, programs take it from there (RFC 6125 section
    6.4.4), and some match a star within a label (6.4.3).
    """
    return name.kind in (DNS, COMMON_NAME) and _WILDCARD.fullmatch(name.value) is not None


def wildcards_to_look_at(
    template: CertificateTemplate,
    over_others: frozenset[HeldName],
    grants: tuple[NameRules, ...] | None,
) -> tuple[HeldName, ...]:
    """Return the wildcards that a manager should see: they stand for hosts of others, too.

    Not those that a rule for names allows: that is the administrator's word.

    Args:
        template: of the request.
        over_others: wildcards of the request that do.
        grants: as for `beyond`.
    """
    rules = (template.allowed_names, *(grants or ()))
    found = (name for name in over_others if not any(rule and rule.allow(name) for rule in rules))
    return tuple(sorted(found, key=lambda name: name.value))


def wait_for_wildcards(wildcards: tuple[HeldName, ...]) -> str:
    """Say why they make a request wait; which hosts those are is the manager's to know."""
    return (
        f"{_listed(wildcards)}: a wildcard that stands for hosts of others as well. A certificate "
        "manager decides."
    )


def wait_for_beyond(template: CertificateTemplate, outside: tuple[HeldName, ...]) -> str | None:
    """Say why a manager must look at names outside the rules; None when all are inside."""
    if not outside or template.names_beyond is not NamesBeyond.HOLD:
        return None
    return (
        f"{_listed(outside)}: outside the names that may be asked for with template "
        f"'{template.display_name}'. A certificate manager decides."
    )


def wait_for_holders(
    template: CertificateTemplate, holders: tuple[Holder, ...], *, how: HeldNames
) -> str | None:
    """Say why names that others hold make a request wait.

    Who they are is the manager's to know, not the requester's.

    Args:
        template: of the request.
        holders: others than the requester.
        how: the way of the template that is asked after.
    """
    owned = [holder for holder in holders if is_owned(holder.name)]
    if not owned or template.held_names is not how:
        return None
    certified = tuple(dict.fromkeys(holder.name for holder in owned if holder.serial_number))
    if certified:
        return (
            f"{_listed(certified)}: somebody else holds a valid certificate with this name. A "
            "certificate manager decides."
        )
    given = tuple(dict.fromkeys(holder.name for holder in owned))
    return (
        f"{_listed(given)}: the directory gives this name to another account. A certificate "
        "manager decides."
    )


def _listed(names: tuple[HeldName, ...]) -> str:
    shown = ", ".join(f"'{visible(name.value)}'" for name in names[:_MOST_NAMED])
    rest = len(names) - _MOST_NAMED
    return f"{shown} and {rest} more" if rest > 0 else shown
