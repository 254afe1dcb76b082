"""Secrets of accounts at rest, sealed with a key that follows from the site's own.

Who reads the database alone reads none of them, and one that is moved to another account does not
open there.
"""

from __future__ import annotations

import secrets
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_NONCE: Final = 12

# What a key is for. Never changed: what was sealed would not open any more.
SECOND_FACTORS: Final = "certsrv second factors"
RECOVERY_CODES: Final = "certsrv recovery codes"
NTLM: Final = "certsrv: secrets of NTLM, 1"


class SealBroken(Exception):
    """The site has another secret key now, or somebody touched the row."""


def seal(secret: bytes, owner: str, *, purpose: str) -> bytes:
    """Return `secret` so that only this site opens it, for one purpose and one owner."""
    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCM(derived(purpose)).encrypt(nonce, secret, owner.encode())


def unseal(sealed: bytes, owner: str, *, purpose: str) -> bytes:
    """Return what was sealed for `owner`.

    Raises:
        SealBroken: see there.
    """
    nonce, rest = sealed[:_NONCE], sealed[_NONCE:]
    try:
        return AESGCM(derived(purpose)).decrypt(nonce, rest, owner.encode())
    except (InvalidTag, ValueError) as error:
        raise SealBroken("CERTSRV_SECRET_KEY is not the one this was sealed with.") from error


def derived(purpose: str) -> bytes:
    """Return 256 bits that follow from the site's secret key, for one purpose (RFC 5869)."""
    return _derived(settings.SECRET_KEY, purpose)


@lru_cache(maxsize=8)
def _derived(site_secret: str, purpose: str) -> bytes:
    kdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose.encode())
    return kdf.derive(site_secret.encode())
