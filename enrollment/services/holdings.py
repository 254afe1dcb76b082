"""All certificates of one requester, and all with one key: sets that are taken back together."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from enrollment import conf
from enrollment.ca import keys
from enrollment.ca.armor import read_text
from enrollment.ca.errors import EnrollmentError
from enrollment.ca.names import visible
from enrollment.ca.request import parse_certification_request
from enrollment.models import Certificate
from enrollment.services import revocation, search

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from enrollment.ca.revocation import Act

# Done one after the other while somebody waits for a page; the rest takes another go.
MOST_AT_ONCE: Final = 5_000
_SHA256_DIGITS: Final = 64
_CERTIFICATE: Final = b"-----BEGIN CERTIFICATE-----"
_PUBLIC_KEY: Final = b"-----BEGIN PUBLIC KEY-----"
_PRIVATE_KEY: Final = b"PRIVATE KEY-----"


class NoKey(Exception):
    """What should name a key names none, and why, in one sentence."""


class Of(StrEnum):
    """What the certificates of a set have in common."""

    REQUESTER = "requester"
    KEY = "key"


@dataclass(frozen=True, slots=True)
class Holding:
    """A set of certificates: of what kind, and of whom or which key (its SHA-256)."""

    of: Of
    value: str

    @property
    def words(self) -> str:
        """Whose certificates these are, as in "certificates …"."""
        return f"of {visible(self.value)}" if self.of is Of.REQUESTER else "with this key"

    def rows(self) -> QuerySet[Certificate]:
        """Return every certificate of the set, the oldest first; each way is an index."""
        column = "requester" if self.of is Of.REQUESTER else "spki_sha256"
        return Certificate.objects.filter(**{column: self.value}).defer("der").order_by("pk")

    def open_to(self, act: Act, now: datetime) -> QuerySet[Certificate]:
        """Return those of the set that `act` changes."""
        return self.rows().filter(revocation.open_to(act, now))


def key_of(named: str | bytes) -> str:
    """Return the SHA-256 of the key that is meant.

    Args:
        named: the SHA-256 of a SubjectPublicKeyInfo or a serial number, as text; or the content of
            a file with a certificate, a request or a public key in PEM.

    Raises:
        NoKey: it is none of them.
        revocation.RevocationRefused: the serial number is not one of ours.
    """
    if isinstance(named, bytes):
        return _key_in(named)
    digits = search.hexadecimal(named)
    if digits is not None and len(digits) == _SHA256_DIGITS:
        return digits
    return revocation.find(named).spki_sha256


def _key_in(content: bytes) -> str:
    if _PRIVATE_KEY in content:
        raise NoKey(
            "This file holds a private key. Give its certificate, its request or its public key "
            "instead: 'openssl pkey -in FILE -pubout' writes the last."
        )
    try:
        if _CERTIFICATE in content:
            return keys.spki_sha256(x509.load_pem_x509_certificate(content).public_key())
        if _PUBLIC_KEY in content:
            return keys.spki_sha256(load_pem_public_key(content))
        limit = conf.current().max_request_bytes
        request = parse_certification_request(read_text(content, max_octets=limit))
    except EnrollmentError as error:
        raise NoKey(f"The file holds no key that can be looked for. {error}") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise NoKey(
            "The file cannot be read as a certificate, a request or a public key in PEM."
        ) from error
    if request.public_key is None:
        raise NoKey(f"The {request.key.name} key of the request cannot be used.")
    return keys.spki_sha256(request.public_key)
