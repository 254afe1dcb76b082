"""NTLM version 2: three messages on one connection, for the one request that brings the last.

Nothing is remembered of a connection once its request was answered: each request proves itself, so
that whoever shares a connection with somebody is not that somebody (ADR 0028).
"""

import base64
import binascii
import logging
import secrets
import time
from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest
from django.utils import timezone

from enrollment import conf, conf_ntlm
from enrollment.ca import names
from enrollment.services import lockout, ntlm_accounts
from enrollment.signin import addresses
from enrollment.signin.belief import Believed, CredentialsRefused, GoOn, Method, Seen, SignedInBy
from enrollment.signin.channel import end_point_binding
from enrollment.signin.credentials import account_name
from enrollment.signin.ntlm import messages, place, proof
from enrollment.signin.ntlm.exchanges import Exchange, Exchanges
from enrollment.signin.ntlm.messages import Authenticate, Av, Kind, NotNtlm

log = logging.getLogger(__name__)

exchanges: Final = Exchanges(time.monotonic)
_DOORS: Final = "enrollment.protocols."
_NONCE_OCTETS: Final = 8
_HASH_OCTETS: Final = 16
# Tenths of a microsecond, between 1601 and 1970 (MS-DTYP section 2.3.3).
_TICKS: Final = 10_000_000
_EPOCH: Final = 11_644_473_600 * _TICKS


class _Refused(Exception):
    """Why, in a sentence for the log; the asker is not told."""


def look(request: HttpRequest) -> Seen:
    """Give a challenge, or believe whoever answered it."""
    try:
        return _look(request)
    except (_Refused, NotNtlm, place.NoPlace) as reason:
        log.warning("NTLM was refused: %s", names.visible(str(reason)))
        raise CredentialsRefused from reason


def _look(request: HttpRequest) -> Seen:
    connection = place.connection_of(request)
    # Whatever comes now, what was asked before has had its one answer.
    exchange = exchanges.take(connection)
    token = _token_of(request.headers["Authorization"])
    kind = messages.kind_of(token)
    if kind is Kind.NEGOTIATE:
        begun = _challenge(token)
        exchanges.begin(connection, begun)
        return GoOn("NTLM " + base64.b64encode(begun.challenge).decode())
    if kind is not Kind.AUTHENTICATE or exchange is None:
        raise _Refused("it answers no challenge that waits on this connection")
    return _authenticate(request, messages.read_authenticate(token), exchange)


def _token_of(header: str) -> bytes:
    sent = header.partition(" ")[2].strip()
    if len(sent) > messages.LONGEST * 4 // 3 + 4:
        raise _Refused(f"a token of {len(sent)} characters is none")
    try:
        return base64.b64decode(sent, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _Refused("the token is not base64") from error


def _challenge(negotiate: bytes) -> Exchange:
    settings = conf.current()
    offered = messages.read_negotiate(negotiate)
    nonce = secrets.token_bytes(_NONCE_OCTETS)
    now = (time.time_ns() // 100 + _EPOCH).to_bytes(8, "little")
    host, _, beyond = settings.hostname.partition(".")
    said = (
        (Av.DOMAIN, settings.domain.upper()),
        (Av.COMPUTER, host.upper()),
        (Av.DNS_DOMAIN, beyond or settings.hostname),
        (Av.DNS_COMPUTER, settings.hostname),
    )
    pairs = [(key, text.encode("utf-16-le")) for key, text in said]
    pairs.append((Av.TIMESTAMP, now))
    challenge = messages.write_challenge(offered, nonce, settings.domain.upper(), pairs)
    return Exchange(negotiate, challenge, nonce, now, time.monotonic())


def _authenticate(request: HttpRequest, message: Authenticate, exchange: Exchange) -> Believed:
    """Believe an answer that was made with the secret of its account, for this connection.

    Raises:
        lockout.LockedOut: too much was wrong lately; the answer is not looked at.
    """
    now = timezone.now()
    name = _account_name(message)
    holder = ntlm_accounts.holder_of(name, now=now)
    attempt = addresses.attempt(request, holder.user.get_username() if holder else name)
    lockout.check(attempt, now)
    # For nobody as well, so that time does not tell who may.
    nt_hash = holder.nt_hash if holder else secrets.token_bytes(_HASH_OCTETS)
    key = proof.key_of(nt_hash, message.user, message.domain)
    is_proven = proof.is_proof(key, exchange.nonce, message)
    if holder is None or not is_proven:
        lockout.failed(attempt, now)
        reason = "answered with another password" if holder else "may not sign in so"
        raise _Refused(f"'{message.user}' {reason}")
    _check(request, message, exchange, key)
    lockout.succeeded(attempt, now)
    ntlm_accounts.note_use(holder.user, now=now)
    return Believed(holder.user, SignedInBy.NTLM)


def _account_name(message: Authenticate) -> str:
    r"""Return whose name is meant: `user`, `user@realm`, or with the domain beside it."""
    settings = conf.current()
    written = message.user
    if message.domain:
        if {"\\", "@"} & set(message.domain + message.user):
            raise _Refused("the name holds a second domain")
        written = f"{message.domain}\\{message.user}"
    name = account_name(written, realm=settings.realm, domain=settings.domain)
    if name is None:
        raise _Refused(f"'{written}' is of a domain that is not ours")
    return name


def _check(request: HttpRequest, message: Authenticate, exchange: Exchange, key: bytes) -> None:
    """Refuse a right answer that may have been made for somebody else's server.

    What is asked of its pairs holds: they are part of what the secret proves.
    """
    pairs = message.answer.pairs
    policy = conf.current().ntlm.channel_binding
    if message.answer.says_mic or policy == conf_ntlm.REQUIRED:
        # Clients sign all three messages where the challenge holds the time (section 3.1.5.1.2).
        if pairs.get(Av.TIMESTAMP) != exchange.timestamp:
            raise _Refused("the answer does not repeat the time of the challenge")
        if not message.answer.says_mic:
            raise _Refused("the client did not sign its messages (MIC)")
        if not proof.is_mic(key, exchange.negotiate, exchange.challenge, message):
            raise _Refused("a message was changed on its way (MIC)")
    if policy == conf_ntlm.OFF:
        return
    named = pairs.get(Av.CHANNEL_BINDINGS, proof.NO_BINDING)
    if named == proof.NO_BINDING:
        if policy == conf_ntlm.REQUIRED:
            raise _Refused(
                "the client named no TLS connection, and CERTSRV_NTLM_CHANNEL_BINDING wants one"
            )
    elif not _is_ours(request, named):
        raise _Refused("the client speaks over a TLS connection to somebody else")
    target = pairs.get(Av.TARGET_NAME, b"").decode("utf-16-le", "replace")
    if target and not place.is_ours(target):
        raise _Refused(f"the answer was made for '{target}'")


def _is_ours(request: HttpRequest, named: bytes) -> bool:
    binding = end_point_binding(request)
    return binding is not None and secrets.compare_digest(named, proof.binding_hash(binding))


def may_reach(view: Callable[..., Any]) -> bool:
    """Whether who signed in so may open a view: the pages of requesters, never the desk."""
    return view.__module__.startswith(_DOORS)


METHOD: Final = Method(conf_ntlm.NTLM, frozenset({"ntlm"}), look)
