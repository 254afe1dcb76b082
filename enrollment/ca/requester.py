"""Who asks for a certificate."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asks, as the site knows them; nothing here ever comes from a request."""

    name: str
    groups: frozenset[str] = frozenset()
    account_id: int | None = None
    is_anonymous: bool = False
    full_name: str = ""
    email: str = ""
    dns_name: str = ""
    upn: str = ""
    sid: str = ""
