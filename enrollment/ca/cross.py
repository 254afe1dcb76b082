"""Cross certificates: one key of a root certifies another key of the same root.

When a root gets a new key, its old key signs the new one and the new key the old one. Whoever
trusts only one of the two roots then builds a chain to what hangs on the other.

Source: MS-WCCE 3.2.1.1.2 (forward and backward cross certificates); ms-facts sections (a.2) and
(d.8). The sizes of the files of a published CertEnroll folder with thirty generations show that the
first number of ``(a-b)`` is the signer's and that the cross-CA version is the signer's version:
``(1-0)`` and ``(1-2)`` have one size, ``(0-1)`` lacks a CRL suffix and two octets of the version.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from enrollment.ca import der, errors
from enrollment.ca.content import (
    CROSS_CA_VERSION,
    TEMPLATE_NAME,
    encode,
    extension,
    issuer_part,
)
from enrollment.ca.lint import blocking, lint
from enrollment.ca.root import CA_USAGES
from enrollment.ca.template import key_usage_extension

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from enrollment.ca.issuer import Issuer


@dataclass(frozen=True, slots=True)
class CrossContent:
    """A to-be-signed cross certificate that has passed every check."""

    tbs: bytes
    not_before: datetime
    not_after: datetime


def compose(  # noqa: PLR0913 - the signature tells all inputs of a certificate
    signer: Issuer,
    target: Issuer,
    *,
    serial_number: int,
    now: datetime,
    backdate: timedelta,
    is_enterprise: bool,
) -> CrossContent:
    """Compose the certificate in which one root key vouches for another, without a key.

    It is valid where both roots are: it neither begins before nor outlives one of them. It names
    no OCSP responder: it must stay checkable after the old key is gone, and a list can last.

    Args:
        signer: the root whose key signs.
        target: the root whose name and key are certified.
        serial_number: positive and unpredictable.
        now: timezone-aware UTC.
        backdate: how long before `now` it begins.
        is_enterprise: whether the template name extension says ``CrossCA``.

    Raises:
        IssuerEnding: the two roots share no time from now on.
        LintRefused: the result would break RFC 5280.
    """
    not_before, not_after = _shared_validity(signer, target, now=now, backdate=backdate)
    algorithm = signer.signature_algorithm.identifier
    tbs = der.sequence(
        der.explicit(0, der.integer(2)),
        der.integer(serial_number),
        algorithm,
        signer.name_der,
        der.sequence(der.time(not_before), der.time(not_after)),
        target.name_der,
        target.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        _extensions(signer, target, is_enterprise=is_enterprise),
    )
    findings = blocking(lint(tbs, algorithm))
    if findings:
        raise errors.LintRefused(
            "The cross certificate would break the rules for certificates: "
            + "; ".join(finding.message for finding in findings)
            + ".",
            remedy="Check the addresses in CERTSRV_CRL_URLS and CERTSRV_CERTIFICATE_URLS.",
        )
    return CrossContent(tbs, not_before, not_after)


def _shared_validity(
    signer: Issuer, target: Issuer, *, now: datetime, backdate: timedelta
) -> tuple[datetime, datetime]:
    begin = max((now - backdate).replace(microsecond=0), signer.not_before, target.not_before)
    end = min(signer.not_after, target.not_after)
    if end <= max(now, begin):
        raise errors.IssuerEnding(
            f"A root ended on {end:%Y-%m-%d}; there is no time left in which both are valid.",
            remedy="Nothing is to be done: no cross certificate is needed any more.",
        )
    return begin, end


def _extensions(signer: Issuer, target: Issuer, *, is_enterprise: bool) -> bytes:
    """The extensions in the order of a subordinate CA's (ms-facts section d.5)."""
    version = signer.key_index << 16 | signer.index
    template = extension(TEMPLATE_NAME, der.bmp_string("CrossCA")) if is_enterprise else b""
    return der.explicit(
        3,
        der.sequence(
            extension(CROSS_CA_VERSION, der.integer(version)),
            extension("2.5.29.14", der.octet_string(target.key_identifier)),
            template,
            encode(key_usage_extension(CA_USAGES), critical=True),
            encode(x509.BasicConstraints(ca=True, path_length=None), critical=True),
            issuer_part(replace(signer, ocsp_addresses=()), addresses=True),
        ),
    )
