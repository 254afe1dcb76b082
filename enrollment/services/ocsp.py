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
from typing import TYPE_CHECKING, Any, Final

from enrollment.ca import content, ocsp
from enrollment.ca.ocsp import ResponseStatus
from enrollment.keys.signer import spki
from enrollment.models import Certificate
from enrollment.services import authority, keyring, publication, responders, revocation
from enrollment.services.own_certificates import OwnCertificateRefused
from enrollment.services.prepared import PreparedSelect

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from enrollment.ca.ocsp import CertificateId
    from enrollment.ca.revocation import Status
    from enrollment.models import Authority

VALIDITY: Final = timedelta(hours=12)
# An answer is signed anew when half its time is over, so that nobody gets one about to end.
REUSED_FOR: Final = VALIDITY / 2
_MOST_ANSWERS: Final = 20_000
_log = logging.getLogger("certsrv.ocsp")

_STATUS: Final = PreparedSelect(
    lambda serial: (
        Certificate.objects.filter(serial_number=serial)
        .order_by()
        .values_list("authority__key_index", "revoked_at", "revocation_reason")
    ),
    "a serial number",
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response with what HTTP caches want to know; without `this_update` it is not cached."""

    der: bytes
    this_update: datetime | None = None
    next_update: datetime | None = None

    @property
    def etag(self) -> str:
        """A strong entity tag."""
        return f'"{hashlib.sha256(self.der).hexdigest()}"'


# What a responder says whose database does not answer.
TRY_LATER: Final = Answer(ocsp.error_response(ResponseStatus.TRY_LATER))


@dataclass(frozen=True, slots=True)
class _Kept:
    """A signed answer, and the facts it states."""

    facts: tuple[Any, ...]
    answer: Answer


_kept: OrderedDict[bytes, _Kept] = OrderedDict()
_lock = threading.Lock()


def respond(request: bytes, *, now: datetime) -> Answer:
    """Answer a request in DER.

    Never raises for what was sent: an unreadable request gets `malformedRequest`, one about
    certificates of other CAs, or of a key that rests, `unauthorized`.
    """
    try:
        asked = ocsp.parse_request(request)
    except ocsp.RequestMalformed:
        return Answer(ocsp.error_response(ResponseStatus.MALFORMED_REQUEST))
    keys = {row.key_index: row for row in publication.ca_keys()}
    issuers = [_issuer_of(certificate, keys) for certificate in asked.certificates]
    ours = next((row for row in issuers if row is not None), None)
    if ours is None:
        return Answer(ocsp.error_response(ResponseStatus.UNAUTHORIZED))
    # One answer has one signer, who may speak for one CA key alone (RFC 6960 section 4.2.2.2).
    facts = tuple(
        _facts(certificate, ours if row == ours else None)
        for certificate, row in zip(asked.certificates, issuers, strict=True)
    )
    try:
        if asked.nonce is not None or len(asked.certificates) > 1:
            return _sign(asked, facts, ours, now)
        return _kept_or_signed(asked, facts, ours, now)
    except responders.KeyAtRest:
        # "the server is not capable of responding authoritatively" -- RFC 6960 section 2.3
        return Answer(ocsp.error_response(ResponseStatus.UNAUTHORIZED))
    except (OwnCertificateRefused, keyring.KeyProblem) as error:
        # Whoever asks can do nothing about it, and must not take it for a status.
        _log.error("no OCSP answer: %s", error)
        return Answer(ocsp.error_response(ResponseStatus.INTERNAL_ERROR))


def ours_of(readings: Sequence[bytes]) -> bytes:
    """Return which of several readings of a request is meant.

    Args:
        readings: one or more. The best asks for certificates that we issued, the next best for
            any of our CA.
    """
    if len(readings) == 1:
        return readings[0]
    keys = {row.key_index: row for row in publication.ca_keys()}
    return max(readings, key=lambda reading: _likelihood(reading, keys))


def _likelihood(request: bytes, keys: dict[int, Authority]) -> int:
    try:
        asked = ocsp.parse_request(request)
    except ocsp.RequestMalformed:
        return 0
    issuers = [_issuer_of(certificate, keys) for certificate in asked.certificates]
    known = [_facts(*pair) for pair in zip(asked.certificates, issuers, strict=True)]
    return 1 + sum(map(bool, issuers)) + sum(map(bool, known))


def _issuer_of(certificate: CertificateId, keys: dict[int, Authority]) -> Authority | None:
    """Return the CA key that a CertID names: its name and its key must both fit."""
    for row in keys.values():
        hashes = _hashes_of(row).get(certificate.hash_oid)
        if hashes == (certificate.issuer_name_hash, certificate.issuer_key_hash):
            return row
    return None


_hashes: dict[bytes, dict[str, tuple[bytes, bytes]]] = {}


def _hashes_of(row: Authority) -> dict[str, tuple[bytes, bytes]]:
    certificate = bytes(row.der)
    found = _hashes.get(certificate)
    if found is None:
        issuer = authority.issuer_of(row)
        bits = content.key_bits(spki(issuer.public_key))
        found = _hashes[certificate] = ocsp.issuer_hashes(issuer.name_der, bits)
    return found


def _facts(certificate: CertificateId, row: Authority | None) -> tuple[Any, ...]:
    """Return what the database says of a certificate; empty for one this key never issued."""
    if row is None or certificate.serial_number <= 0:
        return ()
    found = _STATUS.rows(f"{certificate.serial_number:x}")
    return found[0] if found and found[0][0] == row.key_index else ()


def _kept_or_signed(
    asked: ocsp.StatusRequest, facts: tuple[Any, ...], row: Authority, now: datetime
) -> Answer:
    identity = asked.certificates[0].octets
    kept = _kept.get(identity)
    if kept is not None and kept.facts == facts and _is_fresh(kept.answer, now):
        return kept.answer
    answer = _sign(asked, facts, row, now)
    with _lock:
        _kept[identity] = _Kept(facts, answer)
        _kept.move_to_end(identity)
        while len(_kept) > _MOST_ANSWERS:
            _kept.popitem(last=False)
    return answer


def _is_fresh(answer: Answer, now: datetime) -> bool:
    return (
        answer.this_update is not None
        and answer.next_update is not None
        and answer.this_update <= now < min(answer.this_update + REUSED_FOR, answer.next_update)
    )


def _sign(
    asked: ocsp.StatusRequest, facts: tuple[Any, ...], row: Authority, now: datetime
) -> Answer:
    responder = responders.ensure(row, now)
    this_update = now.replace(microsecond=0)
    next_update = min(this_update + VALIDITY, responder.not_after)
    answers = [
        ocsp.SingleAnswer(certificate, _status(certificate) if known else None)
        for certificate, known in zip(asked.certificates, facts, strict=True)
    ]
    der = ocsp.build_response(
        answers,
        responders.value_of(responder),
        responders.signer_of(responder),
        this_update=this_update,
        next_update=next_update,
        nonce=asked.nonce,
    )
    is_reusable = asked.nonce is None
    return Answer(der, this_update, next_update) if is_reusable else Answer(der)


def _status(certificate: CertificateId) -> Status:
    row = Certificate.objects.only("revoked_at", "revocation_reason", "invalidity_date").get(
        serial_number=f"{certificate.serial_number:x}"
    )
    return revocation.status_of(row)
