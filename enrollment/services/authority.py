"""The CA itself: its certificates, its addresses, and its signer."""

from __future__ import annotations

import secrets
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.db import transaction

from enrollment import conf
from enrollment.ca import addresses, root
from enrollment.ca.issuance import Issuer
from enrollment.models import Authority
from enrollment.services import audit, awaited, keyring

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment import keys

ROOT_LIFETIME: Final = timedelta(days=3650)
_SERIAL_BITS: Final = 127


class NoAuthority(Exception):
    """There is no CA yet."""


def random_serial_number() -> int:
    """Return 127 random bits, never zero (DESIGN section 4)."""
    return secrets.randbits(_SERIAL_BITS) or 1


def current() -> Authority:
    """Return the CA certificate that issues now.

    Raises:
        NoAuthority: set-up was not run, or the CA above has not answered.
    """
    row = Authority.objects.order_by("-index").first()
    if row is None:
        raise NoAuthority(awaited.no_certificate_yet())
    return row


def issuer_of(row: Authority, *, partition: int = 0) -> Issuer:
    """Return the core's value of a CA certificate; rows never change, so one per process.

    Args:
        row: the CA certificate.
        partition: the list whose address certificates of this issuer carry.
    """
    place = place_of(row, partition=partition)
    return _issuer(row.pk, bytes(row.der), row.chain, place)


def is_root(row: Authority) -> bool:
    """Whether a CA certificate is signed by its own key, and not by a CA above."""
    certificate = issuer_of(row).certificate
    return certificate.issuer == certificate.subject


def partition_of(serial_number: int) -> int:
    """Return the CRL partition of a new certificate: fixed here, for its whole life."""
    partitions = conf.current().crl_partitions
    return 1 + serial_number % partitions if partitions else 0


def place_of(row: Authority, *, partition: int = 0, delta: bool = False) -> addresses.Place:
    """Return what the tokens of an address mean for a CA certificate."""
    hostname = conf.current().hostname
    return addresses.Place(hostname, row.name, row.index, row.key_index, delta, partition)


@lru_cache(maxsize=1024)
def _issuer(pk: int, der: bytes, chain: str, place: addresses.Place) -> Issuer:  # noqa: ARG001 - a part of the cache's key
    settings = conf.current()
    return Issuer(
        certificate=x509.load_der_x509_certificate(der),
        index=place.index,
        key_index=place.key_index,
        chain=tuple(
            above.public_bytes(Encoding.DER)
            for above in (x509.load_pem_x509_certificates(chain.encode()) if chain else ())
        ),
        crl_addresses=tuple(addresses.expand(url, place) for url in settings.crl_urls),
        certificate_addresses=tuple(
            addresses.expand(url, place) for url in settings.certificate_urls
        ),
        ocsp_addresses=tuple(addresses.expand(url, place) for url in settings.ocsp_urls),
    )


def signer_of(row: Authority) -> keys.Signer:
    """Open the private key of a CA certificate.

    Raises:
        keys.KeyProblem: it is missing, readable by others, or not the certificate's.
    """
    return keyring.open_key(row.key_reference, expected=issuer_of(row).public_key)


def check_key(row: Authority) -> None:
    """Open the private key of a CA certificate, so that what is wrong with it is said now.

    Raises:
        keys.KeyProblem: as `signer_of`.
    """
    signer_of(row)


def check_current_key() -> None:
    """Open the key that issues now; where there is no CA yet, there is nothing to check.

    Raises:
        keys.KeyProblem: as `signer_of`.
    """
    row = Authority.objects.order_by("-index").first()
    if row is not None:
        check_key(row)


def create_self_signed(now: datetime) -> Authority:
    """Make the key and the root certificate of a new CA, and store both.

    Raises:
        keys.KeyProblem: the key cannot be made or written.
        LintRefused: the CA's name cannot stand in a certificate.
    """
    settings = conf.current()
    reference, signer = keyring.make_key(settings.ca_key, "ca")
    moment = now.replace(microsecond=0)
    der = root.self_signed(
        settings.ca_name,
        signer,
        serial_number=random_serial_number(),
        now=moment,
        backdate=settings.backdate,
        lifetime=ROOT_LIFETIME,
        is_enterprise=settings.is_enterprise,
    )
    with transaction.atomic():
        row = Authority.objects.create(
            index=0,
            key_index=0,
            name=settings.ca_name,
            der=der,
            key_reference=reference,
            created_at=moment,
        )
        audit.record("ca created", actor="setup", subject=f"ca {row.index}", key=settings.ca_key)
    return row
