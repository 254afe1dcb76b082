"""Delegated OCSP signers, one for each CA key, short-lived and renewed by themselves.

Nodes that share their key store share them; a node with a store of its own makes one for itself.

Source: RFC 6960 section 4.2.2.2; ms-facts section (g).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509

from enrollment.ca import algorithms, ocsp
from enrollment.ca.content import key_identifier
from enrollment.ca.template import OCSP_SIGNING, CertificateTemplate, KeyUsage
from enrollment.keys.signer import spki
from enrollment.models import Authority, Responder
from enrollment.services import (
    authority,
    key_use,
    keyring,
    locks,
    own_certificates,
    publication,
)
from enrollment.services.pause import Pause
from enrollment.services.prepared import PreparedSelect

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment import keys

LIFETIME: Final = timedelta(days=14)
_RENEWED_BEFORE_END: Final = timedelta(days=2)
_KEY_KIND: Final = "ec:p256"
# More nodes with key stores of their own, on one database, nobody has.
_MOST_NODES: Final = 64
# CA keys whose responder could not be made, by the row of the CA certificate.
paused: Final = Pause()
_TEMPLATE: Final = CertificateTemplate(
    name="",
    display_name="OCSP responder certificate",
    oid="1.3.6.1.4.1.311.21.8.1.2",
    published=True,
    schema_version=1,
    extended_key_usages=(OCSP_SIGNING,),
    key_usages=frozenset({KeyUsage.DIGITAL_SIGNATURE}),
    validity=LIFETIME,
    include_revocation_addresses=False,
    include_ocsp_no_check=True,
)


class KeyAtRest(Exception):
    """The CA key has nothing left to sign, and so no responder either."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A responder as this process knows it, and until when it need not be renewed.

    `newest` is what was the newest responder of the key then, perhaps another node's.
    """

    row: Responder
    value: ocsp.Responder
    until: datetime
    newest: list[tuple[Any, ...]]


_ready: Final[dict[int, Ready]] = {}
_NEWEST: Final = PreparedSelect(
    lambda key_index: (
        Responder.objects.filter(authority__key_index=key_index)
        .order_by("-pk")
        .values_list("pk", "key_reference")[:1]
    ),
    987_654_321,  # a number that is no key's,
)


def ready(key_index: int, now: datetime) -> Ready:
    """Return the responder of a CA key, read once; one look tells whether there is a newer one.

    Raises:
        KeyAtRest, own_certificates.OwnCertificateRefused, keys.KeyProblem: as `ensure`.
    """
    known = _ready.get(key_index)
    if (
        known is not None
        and known.row.not_before <= now < known.until
        and _NEWEST.rows(key_index) == known.newest
    ):
        return known
    row = ensure(Authority.objects.filter(key_index=key_index).latest("index"), now)
    newest = _NEWEST.rows(key_index)
    known = _ready[key_index] = Ready(row, _value(bytes(row.der)), _renewed_at(row), newest)
    return known


def ensure(issuing: Authority, now: datetime) -> Responder:
    """Return a responder certificate of a CA key whose key is here, making one when it is time.

    Args:
        issuing: the newest CA certificate of the key.
        now: timezone-aware UTC.

    Raises:
        KeyAtRest: nothing hangs on the key any more, and the responder it had has ended.
        own_certificates.OwnCertificateRefused: policy or lint refuse it, or the CA has ended.
        keys.KeyProblem: its key cannot be made, or the CA's cannot be had.
        The last two also for a minute after they were raised, without another try: anybody may ask.
    """
    held = _held(issuing, now)
    if held is not None:
        return held
    if key_use.is_at_rest(issuing.key_index, now):
        raise KeyAtRest(f"CA key {issuing.key_index} signs no more.")
    with locks.exclusive(f"responder {issuing.key_index}"):
        held = _held(issuing, now)
        if held is not None:
            return held
        fault = paused.fault(issuing.pk)
        if fault is not None:
            raise fault
        try:
            return _make(issuing, now)
        except (own_certificates.OwnCertificateRefused, keyring.KeyProblem) as problem:
            paused.begin(issuing.pk, problem)
            raise


def ensure_all(now: datetime) -> None:
    """Renew what is due for every CA key that still has to sign."""
    for row in publication.signing_keys(now):
        ensure(row, now)


def _held(issuing: Authority, now: datetime) -> Responder | None:
    """Return the newest responder that serves and whose key this node's store holds."""
    living = Responder.objects.filter(authority__key_index=issuing.key_index, not_after__gt=now)
    rows = living.select_related("authority")[:_MOST_NODES]
    return next((row for row in rows if _serves(row, now) and _is_here(row)), None)


def _is_here(row: Responder) -> bool:
    try:
        keyring.open_key(row.key_reference)
    except keyring.KeyAbsent:
        return False
    return True


def _serves(row: Responder, now: datetime) -> bool:
    return row.not_before <= now < _renewed_at(row)


def _renewed_at(row: Responder) -> datetime:
    # A CA that ends first cuts its responder short; then nothing longer can be had.
    end = min(row.not_after, authority.issuer_of(row.authority).not_after)
    return end - min(_RENEWED_BEFORE_END, (end - row.not_before) / 4)


def _make(issuing: Authority, now: datetime) -> Responder:
    own_certificates.make_sure_of(issuing, now=now)
    reference, key = keyring.make_key(_KEY_KIND, f"ocsp-{issuing.key_index}")
    # One that could not be found again would be made anew for every question.
    keyring.open_key(reference)
    certificate = own_certificates.issue(
        key, f"{issuing.name} OCSP", (), _TEMPLATE, now=now, issuing=issuing
    )
    return Responder.objects.create(
        authority=issuing,
        der=certificate.der,
        key_reference=reference,
        not_before=certificate.not_before,
        not_after=certificate.not_after,
    )


def _value(der: bytes) -> ocsp.Responder:
    public_key = x509.load_der_x509_certificate(der).public_key()
    algorithm = algorithms.signature_algorithm(public_key)
    return ocsp.Responder(der, key_identifier(spki(public_key)), algorithm.identifier)


def signer_of(row: Responder) -> keys.Signer:
    """Open the private key of a responder."""
    return keyring.open_key(row.key_reference)
