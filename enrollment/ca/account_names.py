"""Names that sign somebody in, in a request: whose they are is the directory's to say.

Domain controllers, KDCs and proxies map such names to accounts. Extended key usages keep most of
them from doing so with a server's certificate, and not all of them look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from enrollment.ca import errors
from enrollment.ca.names import OTHER, UPN, UPN_OID, URI, HeldName, visible

if TYPE_CHECKING:
    from enrollment.ca.name_rules import NameRules
    from enrollment.ca.requester import Requester
    from enrollment.ca.template import CertificateTemplate

# How a SID is written into a SAN since 2022, as a URL (ms-facts a.2 has the extension beside it).
_SID_URL: Final = "tag:microsoft.com,2022-09-14:sid:"
_SID_NAME: Final = "1.3.6.1.4.1.311.25.2"
# UPN in an encoding of its own, the name of Kerberos (RFC 4556 3.2.2), a domain controller's GUID.
_PRINCIPALS: Final = (UPN_OID.dotted_string, "1.3.6.1.5.2.2", "1.3.6.1.4.1.311.25.1")


def check_no_sid(names: tuple[HeldName, ...]) -> None:
    """Refuse a security identifier among names that were asked for.

    Raises:
        NameNotAllowed: it would bind the certificate to an account (ESC9, ESC14).
    """
    if any(_is_sid(name) for name in names):
        raise errors.NameNotAllowed(
            "The request holds a security identifier (SID) as a name, and this CA takes those from "
            "the directory only.",
            remedy="Make the request again without it; a template that takes its names from the "
            "directory writes the identifier of your account by itself.",
        )


def _is_sid(name: HeldName) -> bool:
    if name.kind == URI:
        return unquote(name.value).strip().casefold().startswith(_SID_URL)
    return name.kind == OTHER and _type_of(name).startswith(_SID_NAME)


def of_others(
    template: CertificateTemplate,
    names: tuple[HeldName, ...],
    requester: Requester,
    grants: tuple[NameRules, ...] | None,
) -> tuple[HeldName, ...]:
    """Return the names among `names` that sign in somebody who is not `requester`.

    A rule for names that allows one is the administrator's word that it may be asked for.
    """
    own = requester.upn.casefold()
    rules = (template.allowed_names, *(grants or ()))
    return tuple(
        name
        for name in names
        if _signs_in(name)
        and not (name.kind == UPN and own and name.value == own)
        and not any(rule and rule.allow(name) for rule in rules)
    )


def _signs_in(name: HeldName) -> bool:
    return name.kind == UPN or (name.kind == OTHER and _type_of(name) in _PRINCIPALS)


def _type_of(name: HeldName) -> str:
    """Return the object identifier of an otherName."""
    return name.value.partition(":")[0]


def sentence(names: tuple[HeldName, ...]) -> str:
    """Say why they make a request wait."""
    first = names[0]
    shown = visible(first.value) if first.kind == UPN else f"a name of type {_type_of(first)}"
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return (
        f"'{shown}'{more}: the name signs in an account, and not yours. A certificate manager "
        "decides."
    )
