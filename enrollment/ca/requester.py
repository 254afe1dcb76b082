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
