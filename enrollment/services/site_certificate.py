"""The certificate of our own TLS listener: issued by the CA itself, renewed by itself."""

from __future__ import annotations

import ipaddress
import os
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509

from enrollment import conf, keys
from enrollment.ca.encode import pem_bundle
from enrollment.ca.template import SERVER_AUTHENTICATION, CertificateTemplate, KeyUsage
from enrollment.models import Certificate
from enrollment.services import audit, authority, delivery, own_certificates

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

_LIFETIME: Final = timedelta(days=365)
# Nobody may ask for it by name: the value lives here and in no row.
_TEMPLATE: Final = CertificateTemplate(
    name="",
    display_name="Site certificate",
    oid="1.3.6.1.4.1.311.21.8.1.1",
    published=True,
    schema_version=1,
    extended_key_usages=(SERVER_AUTHENTICATION,),
    key_usages=frozenset({KeyUsage.DIGITAL_SIGNATURE}),
    validity=_LIFETIME,
)
_KEY_KIND: Final = "ec:p256"


@dataclass(frozen=True, slots=True)
class SiteCertificate:
    """Where the TLS listener finds its certificate (with its chain) and key, both PEM."""

    certificate: Path
    key: Path
    not_after: datetime


def ensure(now: datetime) -> SiteCertificate:
    """Return a certificate that is good for a while, making a new one when it is time.

    A new one is made with a new key when there is none, when a third of its life is left, when the
    site's names changed, or when another CA certificate issues now.

    Raises:
        authority.NoAuthority: set-up was not run.
        own_certificates.OwnCertificateRefused: policy or lint refuse the site's names.
        keys.KeyProblem: the CA's key cannot be had.
    """
    home = conf.current().home / "tls"
    certificate_file = home / "site.pem"
    key_file = home / "site.key"
    held = _held(certificate_file, key_file, now)
    if held is None:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh_key = home / f"site-{secrets.token_hex(4)}.key"
        issued = _issue(fresh_key, now)
        chain = pem_bundle(_chain(issued))
        fresh_chain = certificate_file.with_suffix(".new")
        fresh_chain.write_text(chain, encoding="ascii")
        os.replace(fresh_key, key_file)  # noqa: PTH105 - one step, nothing in between
        os.replace(fresh_chain, certificate_file)  # noqa: PTH105 - as above
        return SiteCertificate(certificate_file, key_file, issued.not_after)
    return SiteCertificate(certificate_file, key_file, held.not_valid_after_utc)


def on_disk() -> x509.Certificate | None:
    """Return the certificate that the TLS listener shows, or None before there is one."""
    try:
        content = (conf.current().home / "tls" / "site.pem").read_bytes()
        return x509.load_pem_x509_certificates(content)[0]
    except (OSError, ValueError):
        return None


def _held(file: Path, key_file: Path, now: datetime) -> x509.Certificate | None:
    """Return the certificate in `file` when it still serves, with its key beside it."""
    try:
        certificate = x509.load_pem_x509_certificates(file.read_bytes())[0]
    except (OSError, ValueError):
        return None
    issuer = authority.issuer_of(authority.current())
    try:
        # A crash between the two renames leaves a new key beside the old certificate.
        keys.load(key_file, expected=certificate.public_key())
        certificate.verify_directly_issued_by(issuer.certificate)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, a new one is made
        return None
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    still_long = now < certificate.not_valid_after_utc - life / 3
    serves = still_long and set(names.value) == set(_names()) and not _is_revoked(certificate)
    return certificate if serves else None


def _is_revoked(certificate: x509.Certificate) -> bool:
    """Whether somebody took it back, or put it on hold: clients that check refuse it."""
    number = f"{certificate.serial_number:x}"
    return Certificate.objects.filter(serial_number=number, revoked_at__isnull=False).exists()


def _names() -> list[x509.GeneralName]:
    """Return how the site is reached: its name, and the addresses it listens on."""
    settings = conf.current()
    hosts = {settings.hostname: None}
    if settings.https is not None:
        hosts[settings.https.host] = None
        if _is_loopback(settings.https.host):
            hosts["localhost"] = None
    return [name for host in hosts if (name := _general_name(host)) is not None]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _general_name(host: str) -> x509.GeneralName | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return x509.DNSName(host)
    return None if address.is_unspecified else x509.IPAddress(address)


def _issue(key_file: Path, now: datetime) -> Certificate:
    """Issue a certificate for a new key in `key_file`; without one, no key stays behind."""
    own_certificates.make_sure_of(authority.current(), now=now)
    key = keys.generate(_KEY_KIND, key_file)
    try:
        certificate = own_certificates.issue(
            key, conf.current().hostname, _names(), _TEMPLATE, now=now
        )
    except own_certificates.OwnCertificateRefused:
        key_file.unlink()
        raise
    audit.record(
        "site certificate renewed",
        actor="site",
        subject=f"certificate {certificate.serial_number}",
        at=now,
    )
    return certificate


def _chain(row: Certificate) -> list[bytes]:
    """Return what a TLS server sends: everything but the root, which clients must have."""
    chain = delivery.chain_of(row)
    return chain[:1] if len(chain) == 2 else chain[:-1]  # noqa: PLR2004 - leaf and root
