"""What a program says about itself in an `Authorization: Basic` header."""

import base64
from dataclasses import dataclass, field

from enrollment.ca.requester import account_name

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


def _decode(octets: bytes) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")


__all__ = ["MAXIMUM_HEADER_LENGTH", "Credentials", "account_name", "parse_basic"]
