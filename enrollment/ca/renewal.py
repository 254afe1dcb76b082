"""What a signature by an earlier certificate proves, and what it must not.

Source: ms-facts section (b); MS-WCCE 3.2.1.4.2.1.4.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from enrollment.ca import errors
from enrollment.ca.names import HeldName, names_of, visible

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from enrollment.ca.certification_request import CertificationRequest
    from enrollment.ca.knowledge import LostKey
    from enrollment.ca.requester import Requester


@dataclass(frozen=True, slots=True)
class EarlierCertificate:
    """A certificate that this CA issued before, as far as a renewal needs it.

    `is_revoked` also while it is on hold. `lost_key` is another certificate with the same key that
    was revoked because the key is in other hands: then a signature by that key proves nothing.
    """

    requester: str
    serial_number: str
    names: frozenset[HeldName]
    not_after: datetime
    is_revoked: bool
    is_held: bool = False
    lost_key: LostKey | None = None


def check_signer(
    request: CertificationRequest,
    earlier: EarlierCertificate | None,
    requester: Requester,
    *,
    now: datetime,
    grace: timedelta,
) -> None:
    """Judge the certificate that signed a request from outside.

    It must be ours, unrevoked and in time, held by the one who asks, and hold every name that is
    asked for: anything else is a request on behalf of another, which nobody may make here.

    Args:
        request: signed from outside.
        earlier: our record of the signing certificate; None when we did not issue it.
        requester: who sends it.
        now: timezone-aware UTC.
        grace: how long after its end a certificate may still sign its own renewal.

    Raises:
        SignerNotOurs, SignerRevoked, SignerExpired, SignerNotHolder, SignerNamesDiffer
    """
    if earlier is None:
        raise errors.SignerNotOurs(
            "The request is signed with a certificate that this CA did not issue.",
            remedy="Sign the renewal with the certificate you got from this CA, or send a new "
            "PKCS #10 request.",
        )
    label = f"The certificate that signed the request (serial number {earlier.serial_number})"
    check_status(earlier, label, remedy="Send a new PKCS #10 request with a new key.")
    if now > earlier.not_after + grace:
        raise errors.SignerExpired(
            f"{label} ended on {earlier.not_after:%Y-%m-%d %H:%M} UTC.",
            remedy="Send a new PKCS #10 request.",
        )
    if earlier.requester != requester.name:
        raise errors.SignerNotHolder(
            f"{label} was not issued to '{requester.name}'.",
            remedy="Sign in as the one it was issued to, or send a new PKCS #10 request.",
        )
    strange = set(names_of(request.subject, request.subject_alternative_name)) - earlier.names
    if strange:
        listed = ", ".join(sorted(visible(name.value) for name in strange))
        raise errors.SignerNamesDiffer(
            f"{label} does not hold these names: {listed}.",
            remedy="Renew with the names of the old certificate, or send a new PKCS #10 request.",
        )


def check_status(earlier: EarlierCertificate, label: str, *, remedy: str) -> None:
    """Refuse a certificate that is revoked, on hold, or whose key is in other hands.

    Args:
        earlier: the certificate.
        label: how it is called in the sentence.
        remedy: what to do instead.

    Raises:
        SignerRevoked: with the reason.
    """
    if earlier.is_held:
        raise errors.SignerRevoked(
            f"{label} is on hold.",
            remedy=f"Ask a certificate manager to release it. Or: {remedy}",
        )
    if earlier.is_revoked:
        raise errors.SignerRevoked(f"{label} is revoked.", remedy=remedy)
    if earlier.lost_key is not None:
        raise errors.SignerRevoked(
            f"{label} has the key of the certificate {earlier.lost_key.serial_number}, which was "
            f"revoked because of {earlier.lost_key.reason.label}.",
            remedy=remedy,
        )
