"""Judges an ID token: who signed it, for whom, in answer to what, and whether it is over.

Source: OpenID Connect Core 1.0 section 3.1.3.7.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any, Final

import jwt

from enrollment.services.outside import provider
from enrollment.services.outside.told import PersonUnknown

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.conf_oidc import Oidc

# Signatures with a key pair only. `none` is no signature, and those with a shared secret (HS…)
# would take a public key for one.
ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
LEEWAY_SECONDS: Final = 60
MOST_CHARACTERS: Final = 64 * 1024
# Source: OpenID Connect Core section 2: 255 characters of ASCII.
_LONGEST_SUBJECT: Final = 255
_END_OF_TIME: Final = 10**12
_REQUIRED: Final = ("iss", "sub", "aud", "exp", "iat", "nonce")


class TokenRefused(PersonUnknown):
    """The token proves nothing; the text is for the log."""


def claims_of(token: str, settings: Oidc, *, nonce: str, now: datetime) -> dict[str, Any]:
    """Return what a token says, once everything about it is right.

    Args:
        token: as the provider sent it.
        settings: who the provider is, and who we are there.
        nonce: what was asked with; this token answers that, and nothing else.
        now: timezone-aware UTC.

    Raises:
        TokenRefused: something is not right.
        SourceUnavailable: the keys of the provider cannot be fetched.
    """
    if len(token) > MOST_CHARACTERS:
        raise TokenRefused(f"an ID token of {len(token)} characters is none")
    claims = _verified(token, settings)
    _check_time(claims, now)
    audience = claims["aud"]
    if claims.get("azp", settings.client_id) != settings.client_id or (
        isinstance(audience, list) and len(audience) > 1 and "azp" not in claims
    ):
        raise TokenRefused("the token was given to another client")
    sent = claims["nonce"]
    is_answer = isinstance(sent, str) and sent.isascii() and hmac.compare_digest(sent, nonce)
    if not is_answer:
        raise TokenRefused("the token answers another question (nonce)")
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT:
        raise TokenRefused("the token has no subject")
    if not subject.isprintable():
        # Half of a character, or a NUL, is nothing that a database keeps.
        raise TokenRefused("the subject of the token is no text")
    return claims


def _verified(token: str, settings: Oidc) -> dict[str, Any]:
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise TokenRefused(f"what came is no token: {error}") from error
    algorithm, key_id = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS:
        raise TokenRefused(f"the token is signed with '{algorithm}'")
    refusal: Exception | None = None
    for key in provider.keys(settings, key_id if isinstance(key_id, str) else None):
        try:
            # A key that says for which algorithm it is, is for no other.
            found: dict[str, Any] = jwt.decode(
                token,
                key=jwt.PyJWK(key, None if "alg" in key else algorithm),
                algorithms=[algorithm],
                audience=settings.client_id,
                issuer=settings.issuer,
                # Times are judged by the caller's clock.
                options={
                    "require": list(_REQUIRED),
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except jwt.PyJWTError as error:
            refusal = error
        else:
            return found
    raise TokenRefused(f"the token is not good: {refusal or f'no key {key_id!r}'}") from refusal


def _check_time(claims: dict[str, Any], now: datetime) -> None:
    moment = now.timestamp()
    for name in ("exp", "iat", "nbf"):
        value = claims.get(name, moment)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        # JSON as Python reads it has numbers that are none, and before which everything is.
        if not is_number or not 0 <= value < _END_OF_TIME:
            raise TokenRefused(f"'{name}' in the token is no time")
    if claims["exp"] + LEEWAY_SECONDS <= moment:
        raise TokenRefused("the token is over")
    if max(claims["iat"], claims.get("nbf", 0)) - LEEWAY_SECONDS > moment:
        raise TokenRefused("the token is from the future; is a clock wrong?")
