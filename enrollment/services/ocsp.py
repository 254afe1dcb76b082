"""Answer OCSP requests.

The status is looked up for every answer; a signed answer is used again for as long as the status
it states is the one in the database. So a revocation is told at once, by every node.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from enrollment.ca import content, ocsp
from enrollment.ca.ocsp import ResponseStatus
from enrollment.ca.revocation import Reason, Status
from enrollment.keys.signer import spki
from enrollment.models import Certificate, LostCertificate
from enrollment.services import authority, keyring, publication, responders
from enrollment.services.own_certificates import OwnCertificateRefused
from enrollment.services.prepared import PreparedSelect, moment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from enrollment.ca.ocsp import CertificateId

VALIDITY: Final = timedelta(hours=12)
# An answer is signed anew when half its time is over, so that nobody gets one about to end.
REUSED_FOR: Final = VALIDITY / 2
_MOST_ANSWERS: Final = 20_000
# Longer requests are answered, and their answers not kept: a stranger chooses how long they are.
_LONGEST_KEPT: Final = 512
_log = logging.getLogger("certsrv.ocsp")

_STATUS: Final = PreparedSelect(
    lambda serial: (
        Certificate.objects.filter(serial_number=serial)
        .order_by()
        .values_list("authority__key_index", "revoked_at", "revocation_reason")
    ),
    "a serial number",
)
# Of certificates that nobody can show, the same.
_LOST: Final = PreparedSelect(
    lambda serial: (
        LostCertificate.objects.filter(serial_number=serial)
        .order_by()
        .values_list("authority__key_index", "revoked_at", "revocation_reason")
    ),
    "a serial number",
)

# What the database says of a certificate; empty for one that this key never issued.
_Facts = tuple[Any, ...]


@dataclass(frozen=True)
class Answer:
    """A response with what HTTP caches want to know; without `this_update` it is not cached."""

    der: bytes
    this_update: datetime | None = None
    next_update: datetime | None = None

    @cached_property
    def etag(self) -> str:
        """A strong entity tag."""
        return f'"{hashlib.sha256(self.der).hexdigest()}"'


# What a responder says whose database does not answer.
TRY_LATER: Final = Answer(ocsp.error_response(ResponseStatus.TRY_LATER))


@dataclass(frozen=True, slots=True)
class _Kept:
    """A signed answer, and the facts it states."""

    serial_number: int
    key_index: int
    facts: _Facts
    answer: Answer

    def is_true(self, now: datetime) -> bool:
        """Whether it may be said again: it is young, and nothing has changed."""
        begin, end = self.answer.this_update, self.answer.next_update
        if begin is None or end is None or not begin <= now < min(begin + REUSED_FOR, end):
            return False
        return self.facts == _facts(self.serial_number, self.key_index)


# By request, octet for octet: clients ask the same with the same words.
_kept: Final[OrderedDict[bytes, _Kept]] = OrderedDict()
_lock: Final = threading.Lock()


def respond(request: bytes, *, now: datetime) -> Answer:
    """Answer a request in DER.

    Never raises for what was sent: an unreadable request gets `malformedRequest`, one about
    certificates of other CAs, or of a key that rests, `unauthorized`.
    """
    kept = _kept.get(request)
    if kept is not None and kept.is_true(now):
        return kept.answer
    try:
        asked = ocsp.parse_request(request)
    except ocsp.RequestMalformed:
        return Answer(ocsp.error_response(ResponseStatus.MALFORMED_REQUEST))
    issuers = [_key_of(certificate) for certificate in asked.certificates]
    ours = next((key_index for key_index in issuers if key_index is not None), None)
    if ours is None:
        return Answer(ocsp.error_response(ResponseStatus.UNAUTHORIZED))
    # One answer has one signer, who may speak for one CA key alone (RFC 6960 section 4.2.2.2).
    facts = [
        _facts(certificate.serial_number, ours if key_index == ours else None)
        for certificate, key_index in zip(asked.certificates, issuers, strict=True)
    ]
    try:
        answer = _sign(asked, facts, ours, now)
    except responders.KeyAtRest:
        # "the server is not capable of responding authoritatively" -- RFC 6960 section 2.3
        return Answer(ocsp.error_response(ResponseStatus.UNAUTHORIZED))
    except (OwnCertificateRefused, keyring.KeyProblem) as error:
        # Whoever asks can do nothing about it, and must not take it for a status.
        _log.error("no OCSP answer: %s", error)
        return Answer(ocsp.error_response(ResponseStatus.INTERNAL_ERROR))
    if len(asked.certificates) == 1 and asked.nonce is None and len(request) <= _LONGEST_KEPT:
        _keep(request, _Kept(asked.certificates[0].serial_number, ours, facts[0], answer))
    return answer


def ours_of(readings: Sequence[bytes]) -> bytes:
    """Return which of several readings of a request is meant.

    Args:
        readings: one or more. The best asks for certificates that we issued, the next best for
            any of our CA.
    """
    return readings[0] if len(readings) == 1 else max(readings, key=_likelihood)


def _likelihood(request: bytes) -> int:
    try:
        asked = ocsp.parse_request(request)
    except ocsp.RequestMalformed:
        return 0
    keys = [_key_of(certificate) for certificate in asked.certificates]
    known = [
        _facts(certificate.serial_number, key_index)
        for certificate, key_index in zip(asked.certificates, keys, strict=True)
    ]
    return 1 + sum(key_index is not None for key_index in keys) + sum(map(bool, known))


def _keep(request: bytes, kept: _Kept) -> None:
    with _lock:
        _kept[request] = kept
        _kept.move_to_end(request)
        while len(_kept) > _MOST_ANSWERS:
            _kept.popitem(last=False)


# Of the CA keys this process has met, by the hash, the name and the key that a CertID states.
_keys: Final[dict[tuple[str, bytes, bytes], int]] = {}


def _key_of(certificate: CertificateId) -> int | None:
    """Return the CA key that a CertID names: its name and its key must both fit.

    What a name and a key belong to never changes, so it is remembered; for what is not known, the
    database is asked each time, as there may be a new key.
    """
    named = certificate.hash_oid, certificate.issuer_name_hash, certificate.issuer_key_hash
    if named not in _keys:
        for row in publication.ca_keys():
            issuer = authority.issuer_of(row)
            bits = content.key_bits(spki(issuer.public_key))
            for oid, hashes in ocsp.issuer_hashes(issuer.name_der, bits).items():
                _keys[oid, *hashes] = row.key_index
    return _keys.get(named)


def _facts(serial_number: int, key_index: int | None) -> _Facts:
    """Return what the database says of a certificate; empty for one this key never issued."""
    if key_index is None or serial_number <= 0:
        return ()
    serial = f"{serial_number:x}"
    found = _STATUS.rows(serial) or _LOST.rows(serial)
    return found[0] if found and found[0][0] == key_index else ()


def _sign(
    asked: ocsp.StatusRequest, facts: Sequence[_Facts], key_index: int, now: datetime
) -> Answer:
    responder = responders.ready(key_index, now)
    this_update = now.replace(microsecond=0)
    next_update = min(this_update + VALIDITY, responder.row.not_after)
    answers = [
        ocsp.SingleAnswer(certificate, _status(known) if known else None)
        for certificate, known in zip(asked.certificates, facts, strict=True)
    ]
    der = ocsp.build_response(
        answers,
        responder.value,
        responders.signer_of(responder.row),
        this_update=this_update,
        next_update=next_update,
        nonce=asked.nonce,
    )
    is_reusable = asked.nonce is None
    return Answer(der, this_update, next_update) if is_reusable else Answer(der)


def _status(facts: _Facts) -> Status:
    """Return what an answer states: exactly the facts it is kept with."""
    _, revoked_at, reason = facts
    if revoked_at is None:
        return Status()
    return Status(moment(revoked_at), Reason.UNSPECIFIED if reason is None else Reason(reason))
