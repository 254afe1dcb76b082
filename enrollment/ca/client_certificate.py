"""Certificates by which clients sign in: what they are for, whose they are, and who issued them.

Source: RFC 5280 sections 4.2.1.12 (key usage for client authentication) and 6.1 (path validation),
done by `cryptography`; RFC 9440 section 2.2 (one certificate).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from enrollment.ca import names, relying_party

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

MAX_OCTETS: Final = 12 * 1024
# An index holds it, of octets as many again.
LONGEST_NAME: Final = 500
_MOST_NAMES: Final = 32


class Rule(StrEnum):
    """What in a certificate says whose it is.

    A common name alone is none of them: too many CAs let others write one.
    """

    EXACT = "exact"
    UPN = "upn"
    EMAIL = "email"
    DNS = "dns"
    SUBJECT = "subject"


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate that somebody shows.

    Attributes:
        thumbprint: SHA-256 of the whole, in hexadecimal.
        issuer: SHA-256 of the issuer's name in DER, in hexadecimal.
        claims: what may lead to an account, each as a rule and its value.
    """

    certificate: x509.Certificate
    der: bytes
    thumbprint: str
    issuer: str
    claims: tuple[tuple[Rule, str], ...]


class NoClientCertificate(Exception):
    """It signs nobody in, and why, in one sentence."""


def read(der: bytes) -> ClientCertificate:
    """Read one certificate.

    Raises:
        NoClientCertificate: it is none, or larger than any that is read.
    """
    if len(der) > MAX_OCTETS:
        raise NoClientCertificate(f"It has {len(der):,} octets; at most {MAX_OCTETS:,} are read.")
    try:
        certificate = x509.load_der_x509_certificate(der)
        certificate.public_key()
        claims = tuple(_claims(certificate, der))
        issuer = name_digest(certificate.issuer)
    except relying_party.UNREADABLE as error:
        raise NoClientCertificate("It is no certificate that can be read (RFC 5280).") from error
    thumbprint = hashlib.sha256(der).hexdigest()
    return ClientCertificate(certificate, der, thumbprint, issuer, claims)


def name_digest(name: x509.Name) -> str:
    """Return what stands for a name: SHA-256 of its DER, in hexadecimal."""
    return hashlib.sha256(name.public_bytes()).hexdigest()


def _claims(certificate: x509.Certificate, der: bytes) -> list[tuple[Rule, str]]:
    found = {(Rule.EXACT, hashlib.sha256(der).hexdigest()): None}
    subject = certificate.subject.rfc4514_string()
    if subject and len(subject) <= LONGEST_NAME:
        found[(Rule.SUBJECT, subject)] = None
    alternative = relying_party.extension(certificate, x509.SubjectAlternativeName)
    for name in list(alternative or ())[:_MOST_NAMES]:
        rule, value = _named(name)
        if rule is not None and _is_plain(value):
            found[(rule, value.lower())] = None
    return list(found)


def _named(name: x509.GeneralName) -> tuple[Rule | None, str]:
    """Return an alternative name as it stands: what folds to ASCII must not pass for it."""
    if isinstance(name, x509.DNSName):
        return Rule.DNS, name.value
    if isinstance(name, x509.RFC822Name):
        return Rule.EMAIL, name.value
    if isinstance(name, x509.OtherName):
        return Rule.UPN, names.upn_of(name) or ""
    return None, ""


def _is_plain(value: str) -> bool:
    return value.isascii() and value.isprintable() and "*" not in value and 0 < len(value) < 256  # noqa: PLR2004 - no name is longer


def check_use(shown: ClientCertificate, now: datetime) -> None:
    """See that a certificate is for signing in, and of today.

    Raises:
        NoClientCertificate: it is not.
    """
    certificate = shown.certificate
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise NoClientCertificate(
            f"It is good from {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} to "
            f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC, and not now."
        )
    usages = relying_party.extension(certificate, x509.ExtendedKeyUsage)
    if usages is None or ExtendedKeyUsageOID.CLIENT_AUTH not in usages:
        raise NoClientCertificate(
            "It is not for signing in: its extended key usage does not name client authentication "
            "(1.3.6.1.5.5.7.3.2)."
        )
    constraints = relying_party.extension(certificate, x509.BasicConstraints)
    if constraints is not None and constraints.ca:
        raise NoClientCertificate("It is the certificate of a CA, not of a person or program.")


def check_issuer(
    shown: ClientCertificate, authorities: Sequence[x509.Certificate], now: datetime
) -> None:
    """See that one of these CAs itself has issued a certificate, with no other CA in between.

    So a name of an issuer means that one CA: a CA below it could give itself any name.

    Raises:
        NoClientCertificate: none of them has, or the certificate breaks the rules of RFC 5280.
    """
    if not any(authority.subject == shown.certificate.issuer for authority in authorities):
        raise NoClientCertificate(
            "No CA that is trusted here issued it: neither this one, nor one in "
            "CERTSRV_CLIENT_CA_FILE."
        )
    verifier = (
        PolicyBuilder()
        .store(Store(list(authorities)))
        .time(now)
        .extension_policies(ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=_policy())
        .build_client_verifier()
    )
    try:
        # No certificate to go between.
        verifier.verify(shown.certificate, [])
    except VerificationError as error:
        raise NoClientCertificate(f"The path to its CA does not hold: {error}.") from error


def _policy() -> ExtensionPolicy:
    """Return the rules for the certificate itself: as on the web, but for its names.

    A person's certificate may have its name in the subject alone.
    """
    usual = ExtensionPolicy.webpki_defaults_ee()
    without = usual.may_be_present(x509.SubjectAlternativeName, Criticality.AGNOSTIC, None)
    return without.require_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, None)
