"""What was published tells a restored CA: numbers, revocations, certificates that were found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from enrollment.ca.revocation import Reason
from enrollment.models import Authority
from enrollment.services.backup.errors import BackupFault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

_LISTS: Final = (".crl",)
_CERTIFICATES: Final = (".crt", ".cer", ".pem", ".der")
_LARGEST: Final = 256 * 1024 * 1024
_REASONS: Final = {
    x509.ReasonFlags.unspecified: Reason.UNSPECIFIED,
    x509.ReasonFlags.key_compromise: Reason.KEY_COMPROMISE,
    x509.ReasonFlags.ca_compromise: Reason.CA_COMPROMISE,
    x509.ReasonFlags.affiliation_changed: Reason.AFFILIATION_CHANGED,
    x509.ReasonFlags.superseded: Reason.SUPERSEDED,
    x509.ReasonFlags.cessation_of_operation: Reason.CESSATION_OF_OPERATION,
    x509.ReasonFlags.certificate_hold: Reason.CERTIFICATE_HOLD,
    x509.ReasonFlags.privilege_withdrawn: Reason.PRIVILEGE_WITHDRAWN,
}


@dataclass(frozen=True, slots=True)
class Revoked:
    """One line of a list that a key of ours signed."""

    authority: Authority
    serial_number: int
    at: datetime
    reason: Reason
    crl_number: int


@dataclass(slots=True)
class Published:
    """What was found: the highest number, what is revoked, and certificates to look at."""

    crl_number: int = 0
    revoked: list[Revoked] = field(default_factory=list)
    certificates: list[bytes] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def read(folders: list[Path]) -> Published:
    """Read every list and certificate below the folders; others' are ignored, by name.

    Raises:
        BackupFault: a folder is none, or a file cannot be read.
    """
    found = Published()
    for folder in folders:
        if not folder.is_dir():
            raise BackupFault(f"{folder} is no folder of published files.")
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix.lower() in (*_LISTS, *_CERTIFICATES):
                _take(path, found)
    return found


def issuer_of(certificate: x509.Certificate) -> Authority | None:
    """Return the certificate of this CA whose key signed another one, the newest first."""
    for row in Authority.objects.order_by("-index"):
        if _signed(certificate, x509.load_der_x509_certificate(bytes(row.der))):
            return row
    return None


def is_self_signed(certificate: x509.Certificate) -> bool:
    """Whether it is a root, perhaps our own, and nothing that we issued to somebody."""
    return _signed(certificate, certificate)


def _signed(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _take(path: Path, found: Published) -> None:
    try:
        content = path.read_bytes() if path.stat().st_size <= _LARGEST else b""
    except OSError as error:
        raise BackupFault(f"{path} cannot be read: {error.strerror}.") from error
    try:
        if path.suffix.lower() not in _LISTS:
            found.certificates += _certificates(content)
        elif not _take_list(content, found):
            found.ignored.append(path.name)
    except (ValueError, x509.ExtensionNotFound):
        found.ignored.append(path.name)


def _certificates(content: bytes) -> list[bytes]:
    if b"-----BEGIN" in content:
        loaded = x509.load_pem_x509_certificates(content)
    else:
        loaded = [x509.load_der_x509_certificate(content)]
    return [each.public_bytes(Encoding.DER) for each in loaded]


def _take_list(content: bytes, found: Published) -> bool:
    """Read a list; return whether a key of ours signed it."""
    pem = b"-----BEGIN" in content
    crl = x509.load_pem_x509_crl(content) if pem else x509.load_der_x509_crl(content)
    row = _signer_of(crl)
    if row is None:
        return False
    number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    found.crl_number = max(found.crl_number, number)
    found.revoked += _entries(crl, row, number)
    return True


def _signer_of(crl: x509.CertificateRevocationList) -> Authority | None:
    for row in Authority.objects.order_by("-index"):
        issuer = x509.load_der_x509_certificate(bytes(row.der))
        try:
            if issuer.subject == crl.issuer and crl.is_signature_valid(issuer.public_key()):  # type: ignore[arg-type]  # a CA's key signs
                return row
        except (ValueError, TypeError, UnsupportedAlgorithm):
            continue
    return None


def _entries(crl: x509.CertificateRevocationList, row: Authority, number: int) -> Iterator[Revoked]:
    for entry in crl:
        try:
            flag = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
        except x509.ExtensionNotFound:
            flag = x509.ReasonFlags.unspecified
        # "removeFromCRL" takes a hold away; whether it still is one, the log knows better.
        if flag in _REASONS:
            yield Revoked(
                row, entry.serial_number, entry.revocation_date_utc, _REASONS[flag], number
            )
