"""The settings of OpenID Connect: which provider, what it says, and which groups become ours."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from enrollment.conf_ldap import ACCOUNT, REFUSE, group_map
from enrollment.environment import Secret

if TYPE_CHECKING:
    from enrollment.environment import Environment

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
# Source: RFC 6749 section 3.3; `openid` makes it OpenID Connect.
_SCOPES: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*")
_NO_SECRET: Final = Secret("CERTSRV_OIDC_CLIENT_SECRET", "", None)


@dataclass(frozen=True, slots=True)
class Oidc:
    """A provider that signs people in for us.

    Attributes:
        issuer: who the provider is, exactly as it writes that itself; empty where there is none.
        client_id: who we are there.
        ca_file: PEM of CAs that vouch for its server beside those of the system.
        scopes: what is asked for.
        name_claim: what an account is called.
        groups_claim: where the groups stand.
        groups: pairs of a group there and one of ours.
        without_group: what becomes of people in no group that is mapped.
        label: what stands on the button.
        session: how long a sign-in counts in the browser.
        programs: how long after it the person's tokens and certificates count.
    """

    issuer: str = ""
    client_id: str = ""
    client_secret: Secret = field(default=_NO_SECRET)
    ca_file: str = ""
    scopes: str = "openid profile email"
    name_claim: str = "preferred_username"
    groups_claim: str = "groups"
    groups: tuple[tuple[str, str], ...] = ()
    without_group: str = REFUSE
    label: str = "single sign-on"
    session: timedelta = timedelta(hours=1)
    programs: timedelta = timedelta(days=7)

    @property
    def is_on(self) -> bool:
        """Whether there is a provider."""
        return bool(self.issuer)

    @property
    def mirrored(self) -> frozenset[str]:
        """Our groups that the provider hands out."""
        return frozenset(ours for _, ours in self.groups)


def read(environment: Environment) -> Oidc:
    """Read these settings.

    Raises:
        ImproperlyConfigured: a value is wrong; the text says what to type.
    """
    found = Oidc(
        issuer=_issuer(environment.text("CERTSRV_OIDC_ISSUER", "")),
        client_id=environment.text("CERTSRV_OIDC_CLIENT_ID", ""),
        client_secret=environment.later("CERTSRV_OIDC_CLIENT_SECRET"),
        ca_file=environment.text("CERTSRV_OIDC_CA_FILE", ""),
        scopes=_scopes(environment.text("CERTSRV_OIDC_SCOPES", "openid profile email")),
        name_claim=environment.text("CERTSRV_OIDC_NAME_CLAIM", "preferred_username"),
        groups_claim=environment.text("CERTSRV_OIDC_GROUPS_CLAIM", "groups"),
        groups=group_map("CERTSRV_OIDC_GROUPS", environment.text("CERTSRV_OIDC_GROUPS", "")),
        without_group=environment.choice("CERTSRV_OIDC_WITHOUT_GROUP", REFUSE, (REFUSE, ACCOUNT)),
        label=environment.text("CERTSRV_OIDC_LABEL", "single sign-on"),
        session=environment.minutes("CERTSRV_OIDC_SESSION_MINUTES", 60, least=1, most=720),
        programs=environment.days("CERTSRV_OIDC_PROGRAM_DAYS", 7, least=0, most=90),
    )
    if found.is_on and not found.client_id:
        raise ImproperlyConfigured(
            "CERTSRV_OIDC_CLIENT_ID is empty. Register this site at the provider, and write the "
            "client id that it gets there."
        )
    return found


def is_safe(url: str) -> bool:
    """Whether what is sent to an address is encrypted, or stays on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK))


def _issuer(url: str) -> str:
    if url and (not is_safe(url) or not url.isascii() or {"?", "#", " "} & set(url)):
        raise ImproperlyConfigured(
            f"CERTSRV_OIDC_ISSUER is '{url}'. Write what the provider calls its issuer, with "
            "https:, for example https://login.example.com/realms/staff."
        )
    return url


def _scopes(text: str) -> str:
    if _SCOPES.fullmatch(text) is None or "openid" not in text.split():
        raise ImproperlyConfigured(
            f"CERTSRV_OIDC_SCOPES is '{text}'. Write words parted by blanks, openid among them."
        )
    return text
