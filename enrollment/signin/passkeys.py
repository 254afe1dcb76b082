"""Passkeys: what a browser is asked to sign, and whether it did (Web Authentication Level 2).

The checks are those of Yubico's `fido2`. Besides, the origin must be the very address that was
asked, not just one of the same domain. Attestation is not asked for: which maker's key it is
decides nothing here.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from fido2.cose import UnsupportedKey
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialType,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from enrollment import conf
from enrollment.models.second_factor import PASSKEY
from enrollment.services import second_factor

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import User
    from django.http import HttpRequest

    from enrollment.models import SecondFactor

MAXIMUM_LENGTH: Final = 16_384
_STATE: Final = "passkey"
# All that the library raises for octets that are no answer: CBOR may be cut off, or have no end.
_UNREADABLE: Final = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    RecursionError,
    NotImplementedError,
    struct.error,
    UnsupportedAlgorithm,
)


class PasskeyRefused(Exception):
    """What the browser sent is no answer to what it was asked."""


def are_possible(request: HttpRequest) -> bool:
    """Whether a browser can use them here: by the site's own name, over TLS or on this machine."""
    host = request.get_host().rpartition(":")[0] or request.get_host()
    return host == conf.current().hostname and (request.is_secure() or host == "localhost")


def options_to_add(request: HttpRequest, user: User) -> dict[str, Any]:
    """Return what the browser is to make a passkey for."""
    entity = PublicKeyCredentialUserEntity(
        id=str(user.pk).encode(),
        name=user.get_username(),
        display_name=user.get_full_name() or user.get_username(),
    )
    options, state = _server(request).register_begin(
        entity,
        [_descriptor(row) for row in _rows(user)],
        # It comes after a name and a password, so the key itself need not know whose it is.
        resident_key_requirement=ResidentKeyRequirement.DISCOURAGED,
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    request.session[_STATE] = {"for": "add", **state}
    return dict(options)


def added(request: HttpRequest, sent: str) -> second_factor.Passkey:
    """Return the passkey that the browser has made.

    Raises:
        PasskeyRefused: see there.
    """
    state = _state(request, "add")
    try:
        data = _server(request).register_complete(
            state, RegistrationResponse.from_dict(_read(sent))
        )
    except _UNREADABLE as error:
        raise PasskeyRefused(str(error)) from error
    credential = data.credential_data
    if credential is None or isinstance(credential.public_key, UnsupportedKey):
        raise PasskeyRefused("It brings no key that can be checked.")
    return second_factor.Passkey(credential.credential_id, bytes(credential), data.counter)


def has_any(request: HttpRequest, user: User) -> bool:
    """Whether this account has a passkey that can be used here."""
    return are_possible(request) and bool(_rows(user))


def options_to_use(request: HttpRequest, user: User) -> dict[str, Any] | None:
    """Return what the browser is to sign; None when the account has no passkey."""
    if not has_any(request, user):
        return None
    options, state = _server(request).authenticate_begin(
        [_descriptor(row) for row in _rows(user)], UserVerificationRequirement.PREFERRED
    )
    request.session[_STATE] = {"for": "use", **state}
    return dict(options)


def used(request: HttpRequest, user: User, sent: str, now: datetime) -> str | None:
    """Return what was proven by a signature, for `second_factor.is_there`.

    Raises:
        PasskeyRefused: see there.
    """
    state = _state(request, "use")
    try:
        answer = AuthenticationResponse.from_dict(_read(sent))
        row = second_factor.passkey_of(user, answer.raw_id)
        if row is None:
            raise PasskeyRefused("It is no passkey of this account.")
        credential = AttestedCredentialData(bytes(row.secret))
        _server(request).authenticate_complete(state, [credential], answer)
    except _UNREADABLE as error:
        raise PasskeyRefused(str(error)) from error
    return second_factor.passkey_used(row, answer.response.authenticator_data.counter, now)


def _server(request: HttpRequest) -> Fido2Server:
    settings = conf.current()
    here = f"{request.scheme}://{request.get_host()}"
    site = PublicKeyCredentialRpEntity(name=settings.ca_name, id=settings.hostname)
    return Fido2Server(site, verify_origin=lambda origin: bool(origin == here))


def _state(request: HttpRequest, wanted: str) -> dict[str, Any]:
    """Return what was asked; each question is answered once."""
    state: dict[str, Any] = request.session.pop(_STATE, None) or {}
    if state.pop("for", "") != wanted:
        raise PasskeyRefused("Nothing was asked, or something else.")
    return state


def _read(sent: str) -> dict[str, Any]:
    try:
        found = json.loads(sent) if len(sent) <= MAXIMUM_LENGTH else None
    except _UNREADABLE as error:
        raise PasskeyRefused("It is not JSON.") from error
    if not isinstance(found, dict):
        raise PasskeyRefused("It is no answer of a browser.")
    return found


def _rows(user: User) -> list[SecondFactor]:
    return [row for row in second_factor.of(user) if row.kind == PASSKEY]


def _descriptor(row: SecondFactor) -> PublicKeyCredentialDescriptor:
    credential = AttestedCredentialData(bytes(row.secret))
    return PublicKeyCredentialDescriptor(
        type=PublicKeyCredentialType.PUBLIC_KEY, id=credential.credential_id
    )
