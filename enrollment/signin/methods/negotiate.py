"""Negotiate: a Kerberos ticket with every request (RFC 4559), and nothing else (ADR 0021)."""

import base64
import binascii
import logging
from typing import Final

from django.contrib.auth.models import User
from django.http import HttpRequest

from enrollment import conf
from enrollment.services.outside import fresh
from enrollment.signin import accounts, kerberos
from enrollment.signin.belief import Believed, CredentialsRefused, Method, Seen, SignedInBy
from enrollment.signin.channel import end_point_binding
from enrollment.signin.keytab import KeytabUnusable, service_principal

log = logging.getLogger(__name__)

# In base64. The server takes no longer header lines.
MAXIMUM_TOKEN_LENGTH: Final = 16 * 1024
REPLAYS: Final = "kerberos-replays"
_NTLM: Final = b"NTLMSSP\0"


class _Refused(Exception):
    """Why, in a sentence for the log; the asker is not told."""


def look(request: HttpRequest) -> Seen:
    """Believe a ticket of our realm, for an account that we have."""
    try:
        return _believe(request)
    except (_Refused, KeytabUnusable, kerberos.TicketRefused) as reason:
        log.warning("Negotiate was refused: %s", reason)
        raise CredentialsRefused from reason


def _believe(request: HttpRequest) -> Believed:
    settings = conf.current()
    token = _token_of(request.headers["Authorization"])
    service = service_principal(settings.kerberos.keytab, settings.hostname)
    accepted = kerberos.accept(
        token,
        keytab=settings.kerberos.keytab,
        service=str(service),
        replays=settings.home / REPLAYS,
        binding=_binding(request),
    )
    if settings.kerberos.channel_binding == "required" and not accepted.is_bound:
        raise _Refused("the client named no TLS connection, and CERTSRV_CHANNEL_BINDING wants one")
    user = _account(accepted.principal, settings.kerberos.realm or service.realm)
    answer = base64.b64encode(accepted.answer).decode()
    return Believed(user, SignedInBy.NEGOTIATE, f"Negotiate {answer}" if answer else "")


def _token_of(header: str) -> bytes:
    sent = header.partition(" ")[2].strip()
    if not sent or len(sent) > MAXIMUM_TOKEN_LENGTH:
        raise _Refused(f"a token of {len(sent)} characters is none")
    try:
        token = base64.b64decode(sent, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _Refused("the token is not base64") from error
    if token.startswith(_NTLM):
        raise _Refused("the client has no ticket and tried NTLM")
    return token


def _binding(request: HttpRequest) -> bytes | None:
    wanted = conf.current().kerberos.channel_binding
    if wanted == "off":
        return None
    binding = end_point_binding(request)
    if binding is None and wanted == "required":
        raise _Refused("CERTSRV_CHANNEL_BINDING wants a connection to our own TLS listener")
    return binding or kerberos.NO_CONNECTION


def _account(principal: str, realm: str) -> User:
    """Find whose account a principal is: `name@REALM`, and no other form.

    A backslash begins what Kerberos escapes, so that no name can hold another's `@`.
    """
    name, at, of_realm = principal.rpartition("@")
    if not at or not name or set("/@\\") & set(name):
        raise _Refused(f"'{principal}' is not a person or a computer")
    if of_realm != realm:
        raise _Refused(f"'{principal}' is not of the realm {realm}")
    user = fresh.known(name, accounts.find(name))
    if user is None or not user.is_active or not accounts.is_same(name, user):
        raise _Refused(f"'{principal}' has no account here, or a disabled one")
    return user


METHOD: Final = Method("negotiate", frozenset({"negotiate"}), look)
