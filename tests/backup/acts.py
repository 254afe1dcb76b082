"""What people do before and after a disaster, and what relying parties see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography import x509
from django.utils import timezone

from enrollment.models import (
    Certificate,
    EnrollmentRequest,
)
from enrollment.services import authority, publication, revocation
from enrollment.services.revocation import Order, Revoker

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from enrollment.ca.revocation import Act, Reason
    from tests.backup.conftest import Disaster

MARIA = Revoker("maria", may_revoke=True)


def change(
    row: Certificate,
    act: Act,
    reason: Reason | None = None,
    *,
    invalidity_date: datetime | None = None,
    now: datetime | None = None,
) -> Certificate:
    """Revoke, hold or release a certificate, as Maria does at the desk."""
    order = Order(act, reason, invalidity_date)
    outcome = revocation.change_status([row], order, MARIA, now=now or timezone.now())
    (changed,) = outcome.changed
    return changed


def certificate_of(row: EnrollmentRequest) -> Certificate:
    return Certificate.objects.get(request=row)


def newest_list() -> x509.CertificateRevocationList:
    der = publication.current_crl(authority.current(), now=timezone.now())
    assert der is not None
    return x509.load_der_x509_crl(der)


def revoked_serials() -> set[str]:
    return {f"{entry.serial_number:x}" for entry in newest_list()}


def crl_number() -> int:
    return newest_list().extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def no_log(disaster: Disaster) -> tuple[Path, ...]:
    path = disaster.log.with_name("empty")
    path.touch()
    return (path,)


def published(disaster: Disaster) -> dict[str, Any]:
    """Write the newest list as relying parties have it; return what names its folder."""
    folder = disaster.log.with_name("published")
    folder.mkdir(exist_ok=True)
    der = publication.current_crl(authority.current(), now=timezone.now())
    assert der is not None
    (folder / "CA.crl").write_bytes(der)
    (folder / "CA.crt").write_bytes(bytes(authority.current().der))
    return {"published": (folder,)}
