"""Who signs in by an OpenID provider, and what of that becomes an account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from enrollment import conf
from enrollment.conf_ldap import REFUSE
from enrollment.services.outside import id_token, mirror, provider
from enrollment.services.outside.told import OIDC, Facts, PersonUnknown, Told, within_domain

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import User

# As Django keeps names of people.
_LONGEST_NAME: Final = 150
_LONGEST_ADDRESS: Final = 254


def sign_in(
    code: str, *, verifier: str, nonce: str, redirect_uri: str, now: datetime
) -> tuple[User, bool]:
    """Return the account of whom the provider signed in, and whether it asked for two factors.

    Raises:
        PersonUnknown: it does not say that it did, or they may not come here.
        SourceUnavailable: it cannot be asked.
    """
    settings = conf.current().oidc
    token = provider.redeem(settings, code, verifier=verifier, redirect_uri=redirect_uri)
    claims = id_token.claims_of(token, settings, nonce=nonce, now=now)
    user = mirror.bring_in(told_of(claims), now=now)
    if not user.is_active:
        raise PersonUnknown(f"the account '{user.get_username()}' is switched off")
    mirror.note_sign_in(user, now=now)
    methods = claims.get("amr")
    return user, isinstance(methods, list) and "mfa" in methods


def told_of(claims: dict[str, Any]) -> Told:
    """Return what a token that was verified says of a person.

    A name, an e-mail address and groups are all that is taken from it. UPN, DNS name and SID come
    from a directory only: at many providers people choose their own names.
    """
    settings = conf.current()
    theirs = _texts(claims.get(settings.oidc.groups_claim))
    ours = frozenset(ours for key, ours in settings.oidc.groups if key in theirs)
    name = claims.get(settings.oidc.name_claim)
    if not isinstance(name, str):
        raise PersonUnknown(f"the token has no claim '{settings.oidc.name_claim}'")
    return Told(
        OIDC,
        f"{settings.oidc.issuer} {claims['sub']}",
        within_domain(name, realm=settings.realm),
        groups=ours,
        mirrored=settings.oidc.mirrored,
        is_off=not ours and settings.oidc.without_group == REFUSE,
        facts=Facts(
            email=_email(claims),
            first_name=_line(claims.get("given_name")),
            last_name=_line(claims.get("family_name")),
        ),
    )


def _texts(value: object) -> frozenset[str]:
    values = value if isinstance(value, list) else [value]
    return frozenset(one for one in values if isinstance(one, str))


def _email(claims: dict[str, Any]) -> str:
    """Return the address, if the provider says that it is theirs."""
    text = claims.get("email")
    if not isinstance(text, str) or claims.get("email_verified") is not True:
        return ""
    try:
        validate_email(text)
    except ValidationError:
        return ""
    return _line(text, _LONGEST_ADDRESS)


def _line(value: object, most: int = _LONGEST_NAME) -> str:
    is_line = isinstance(value, str) and value.isprintable() and len(value) <= most
    return str(value) if is_line else ""
