"""Who asks for a certificate."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asks, as the site knows them; nothing here ever comes from a request.

    `limited_to` names the templates that whatever signed them in is good for; None for every one.
    """

    name: str
    groups: frozenset[str] = frozenset()
    account_id: int | None = None
    is_anonymous: bool = False
    full_name: str = ""
    email: str = ""
    dns_name: str = ""
    upn: str = ""
    sid: str = ""
    limited_to: frozenset[str] | None = None


def account_name(name: str, *, realm: str, domain: str) -> str | None:
    r"""Reduce the ways people write their name to the name of their account.

    Args:
        name: `user`, `DOMAIN\user` or `user@realm`.
        realm: the site's own realm or DNS domain.
        domain: the site's own short (NetBIOS) domain.

    Returns:
        The account name, or None when the name belongs to a domain that is not ours: another
        domain's `admin` is not our `admin`.
    """
    ours = {part.casefold() for part in (realm, domain) if part}
    if "\\" in name:
        prefix, _, account = name.partition("\\")
        return account if not prefix or prefix.casefold() in ours else None
    account, at, suffix = name.rpartition("@")
    if not at:
        return name
    return account if suffix.casefold() in ours else None
