"""What a program says about itself in an `Authorization: Basic` header."""

import base64
from dataclasses import dataclass, field

# Longer names and passwords are nobody's: the bound is on the work a stranger can cause.
MAXIMUM_HEADER_LENGTH = 2048


@dataclass(frozen=True)
class Credentials:
    """A name and a password as sent; not yet believed."""

    name: str
    password: str = field(repr=False)


def parse_basic(header: str) -> Credentials | None:
    """Read the value of an `Authorization` header.

    Args:
        header: the whole value, scheme included.

    Returns:
        The credentials, or None when this is another scheme or not well formed.

    Source: RFC 7617 section 2. Windows clients send Latin-1 where they were not told `charset`.
    """
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "basic" or len(header) > MAXIMUM_HEADER_LENGTH:
        return None
    try:
        octets = base64.b64decode(token.strip(), validate=True)
    except ValueError:
        # No base64, or not even ASCII.
        return None
    name, colon, password = _decode(octets).partition(":")
    if not colon or not name or "\0" in name + password:
        return None
    return Credentials(name, password)


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


def _decode(octets: bytes) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")
