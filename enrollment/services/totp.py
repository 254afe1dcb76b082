"""Codes of an authenticator app (RFC 6238): six digits that change every 30 seconds."""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP
from cryptography.hazmat.primitives.twofactor.totp import TOTP

if TYPE_CHECKING:
    from datetime import datetime

SECONDS: Final = 30
DIGITS: Final = 6
# How many steps a clock may be ahead or behind (RFC 6238 section 5.2 recommends one).
DRIFT: Final = 1
_OCTETS: Final = 20


def new_secret() -> bytes:
    """Return a secret of the length that RFC 4226 section 4 recommends."""
    return secrets.token_bytes(_OCTETS)


def step_of(secret: bytes, code: str, now: datetime) -> int | None:
    """Return the step of time whose code this is; None when it is no code of about now."""
    present = int(now.timestamp()) // SECONDS
    # Apps know SHA-1 only; HMAC does not mind that it collides.
    codes = HOTP(secret, DIGITS, SHA1())  # noqa: S303 - as above
    found = None
    for step in range(present - DRIFT, present + DRIFT + 1):
        if hmac.compare_digest(codes.generate(step), code.encode()):
            found = step
    return found


def address_of(secret: bytes, account: str, issuer: str) -> str:
    """Return what the QR code for an app says."""
    codes = TOTP(secret, DIGITS, SHA1(), SECONDS)  # noqa: S303 - as above
    # Apps differ on what a plus means; a real one is written %2B.
    return codes.get_provisioning_uri(account, issuer).replace("+", "%20")
