"""What a relying party makes of the octets it fetched: a list, or the CA's own certificate.

Nothing here knows how they were fetched. OCSP answers are judged in `relying_ocsp`.

Source: RFC 5280 sections 4.2.1.13 (one DER encoded CRL), 4.2.2.1 (one DER encoded certificate) and
6.3.3 (what a list must fulfil).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from enrollment.ca import algorithms, der, names
from enrollment.ca.check import Verdict, critical, ok, warning

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

    from enrollment.ca.issuer import Issuer

# Clocks differ by so much without anybody being at fault (ms-facts section d.7).
SKEW: Final = timedelta(minutes=10)
# Copies on other servers may lag behind by so much, before it is said.
STALE_AFTER: Final = timedelta(hours=1)
# All that `cryptography` raises for octets of others that are no good certificate or list: the last
# three derive from nothing that one would think of, and names of an odd type are a TypeError.
UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
Extension = TypeVar("Extension", bound=x509.ExtensionType)


class HasExtensions(Protocol):
    """A certificate, a list or an OCSP answer."""

    @property
    def extensions(self) -> x509.Extensions:
        """All of them."""


@dataclass(frozen=True, slots=True)
class ExpectedList:
    """What a list that is served must be.

    Attributes:
        issuer: whose list.
        point: the distribution point in certificates; a partition and its deltas name it, too.
        is_delta: whether it is relative to a base.
        is_partition: whether it speaks for a part of the certificates.
        number: of the newest list we published there; 0 when we published none.
        published_at: when that was.
        margin: how long before its end a list should have been replaced.
    """

    issuer: Issuer
    point: str
    is_delta: bool
    is_partition: bool
    number: int
    published_at: datetime
    margin: timedelta


def judge_list(data: bytes, expected: ExpectedList, now: datetime) -> Verdict:
    """Judge the octets that came from a CRL distribution point."""
    try:
        crl = x509.load_der_x509_crl(data)
        wrong = next(_wrong_with_list(crl, expected), None)
        number = _number_of(crl)
    except UNREADABLE:
        return critical(f"It serves {_what_is(data)}, no CRL in DER (RFC 5280 section 4.2.1.13).")
    if wrong is not None:
        return critical(wrong)
    return _times_of_list(crl, number, expected, now)


def _wrong_with_list(crl: x509.CertificateRevocationList, expected: ExpectedList) -> Iterator[str]:
    issuer = expected.issuer
    if crl.issuer.public_bytes() != issuer.name_der:
        yield f"It serves a list of '{names.display(crl.issuer)}', which is not this CA."
    if _key_identifier(crl) != issuer.key_identifier:
        yield "It serves a list of another key of this CA. Each key needs an address of its own."
    if not is_signed_by(
        issuer.public_key,
        crl.signature,
        crl.tbs_certlist_bytes,
        crl.signature_algorithm_oid,
    ):
        yield "The signature of the list is not ours: it was altered, or made by somebody else."
    base = extension(crl, x509.DeltaCRLIndicator)
    if expected.is_delta and base is None:
        yield "It serves a base list where certificates expect a delta."
    if base is not None and not expected.is_delta:
        yield "It serves a delta where certificates expect a base list."
    point = extension(crl, x509.IssuingDistributionPoint)
    points = [] if point is None else [name.value for name in point.full_name or ()]
    if expected.is_partition and expected.point not in points:
        yield "It serves a list that does not speak for the certificates that name this address."
    if point is not None and not expected.is_partition:
        yield "It serves a partition where certificates expect the complete list."


def _times_of_list(
    crl: x509.CertificateRevocationList, number: int, expected: ExpectedList, now: datetime
) -> Verdict:
    begin, end = crl.last_update_utc, crl.next_update_utc
    if end is None:
        return critical("The list has no end (nextUpdate), which RFC 5280 section 5.1.2.5 wants.")
    if end <= now:
        return critical(
            f"The list {number} ended {end:%Y-%m-%d %H:%M}. Relying parties refuse certificates "
            "because of it. See why no newer one is served here."
        )
    if begin > now + SKEW:
        return critical(f"The list {number} begins {begin:%Y-%m-%d %H:%M}, later than now.")
    if number < expected.number and now - expected.published_at > STALE_AFTER:
        return warning(
            f"It serves the old list {number}; {expected.number} was published "
            f"{expected.published_at:%Y-%m-%d %H:%M}. See to what copies the lists there, or to "
            "the cache in between."
        )
    if end - now < expected.margin:
        return warning(
            f"The list {number} ends {end:%Y-%m-%d %H:%M}, and its successor is overdue. Run: "
            "python manage.py crl publish"
        )
    return ok(f"List {number}, until {end:%Y-%m-%d %H:%M}.")


def judge_certificate(data: bytes, issuer: Issuer) -> Verdict:
    """Judge the octets that came from where our certificates say the CA certificate is."""
    if data == issuer.der:
        return ok("The CA certificate, octet for octet.")
    try:
        other = x509.load_der_x509_certificate(data)
        subject = names.display(other.subject)
    except UNREADABLE:
        return critical(
            f"It serves {_what_is(data)}, no certificate in DER (RFC 5280 section 4.2.2.1)."
        )
    return critical(
        f"It serves another certificate: '{subject}', serial number "
        f"{other.serial_number:x}, not {issuer.certificate.serial_number:x}. Clients that fetch "
        "it cannot build the chain."
    )


def is_signed_by(
    key: CertificatePublicKeyTypes,
    signature: bytes,
    content: bytes,
    algorithm_oid: x509.ObjectIdentifier,
) -> bool:
    """Whether `key` made the signature, with the algorithm that stands beside it."""
    try:
        algorithm = algorithms.signature_algorithm(key)
        algorithm.verify(key, signature, content)
    except (algorithms.UnsupportedSigningKey, InvalidSignature):
        return False
    return der.oid(algorithm_oid.dotted_string) in algorithm.identifier


def _key_identifier(crl: x509.CertificateRevocationList) -> bytes | None:
    found = extension(crl, x509.AuthorityKeyIdentifier)
    return None if found is None else found.key_identifier


def _number_of(crl: x509.CertificateRevocationList) -> int:
    found = extension(crl, x509.CRLNumber)
    return 0 if found is None else found.crl_number


def extension(holder: HasExtensions, kind: type[Extension]) -> Extension | None:
    """Return an extension of a list, certificate or answer, if it has it."""
    try:
        return holder.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _what_is(data: bytes) -> str:
    """Say in words what came instead."""
    start = data[:512].lstrip().lower()
    if not start:
        return "nothing"
    if start.startswith((b"<!doctype", b"<html")):
        return "a web page"
    if start.startswith(b"-----begin"):
        return "PEM"
    if start.startswith(b"\x1f\x8b"):
        return "compressed octets"
    return f"{len(data):,} other octets"
