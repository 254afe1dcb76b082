"""A relying party's side of OCSP: ask about one certificate, and judge what comes back.

`cryptography` builds the question and reads the answer: a second reader beside our own writer.

Source: RFC 6960 sections 3.2 and 4.2.2.2; RFC 9654.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from enrollment.ca.check import Verdict, critical, ok, warning
from enrollment.ca.content import key_bits, key_identifier
from enrollment.ca.ocsp import issuer_hashes
from enrollment.ca.relying_party import SKEW, UNREADABLE, extension, is_signed_by

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

    from enrollment.ca.issuer import Issuer

Status = ocsp.OCSPCertStatus
_Response = ocsp.OCSPResponse
_SHA1: Final = "1.3.14.3.2.26"
_SHA256: Final = "2.16.840.1.101.3.4.2.1"
# A responder certificate is renewed two days before its end.
_RESPONDER_MARGIN: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about one certificate, and the answer that our own records give.

    Without a nonce it is the question of old clients (SHA-1, sent in the path of a GET); with one
    that of new ones (SHA-256, POST).
    """

    issuer: Issuer
    serial_number: int
    expected: Status
    nonce: bytes | None = None

    def der(self) -> bytes:
        """Return the OCSPRequest."""
        hash_oid, algorithm = (
            (_SHA1, hashes.SHA1()) if self.nonce is None else (_SHA256, hashes.SHA256())  # noqa: S303 - what clients send
        )
        name_hash, key_hash = self._hashes()[hash_oid]
        builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
            name_hash, key_hash, self.serial_number, algorithm
        )
        if self.nonce is not None:
            builder = builder.add_extension(x509.OCSPNonce(self.nonce), critical=False)
        return builder.build().public_bytes(Encoding.DER)

    def _hashes(self) -> dict[str, tuple[bytes, bytes]]:
        return issuer_hashes(self.issuer.name_der, key_bits(_spki(self.issuer.public_key)))


def judge(data: bytes, question: Question, now: datetime) -> Verdict:
    """Judge the octets that came from a responder."""
    try:
        answer = ocsp.load_der_ocsp_response(data)
        if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return critical(
                f"It answers '{answer.response_status.name.lower()}' instead of a status. The log "
                "of the site says why."
            )
        wrong = next(_wrong_with(answer, question, now), None)
    except UNREADABLE:
        return critical("It serves no OCSP response.")
    return critical(wrong) if wrong is not None else _soon_wrong_with(answer, question, now)


def _wrong_with(answer: _Response, question: Question, now: datetime) -> Iterator[str]:
    responder = _responder(answer, question.issuer)
    if responder is None:
        yield "It names a responder whose certificate it does not send."
        return
    if responder.public_bytes(Encoding.DER) != question.issuer.der:
        yield from _wrong_with_responder(responder, question.issuer, now)
    if not is_signed_by(
        responder.public_key(),
        answer.signature,
        answer.tbs_response_bytes,
        answer.signature_algorithm_oid,
    ):
        yield "The signature of the answer is not the responder's."
    if answer.serial_number != question.serial_number:
        yield f"It answers about another certificate, {answer.serial_number:x}."
    if answer.certificate_status is not question.expected:
        yield _wrong_status(answer.certificate_status, question)
    if answer.this_update_utc > now + SKEW:
        yield f"The answer begins {answer.this_update_utc:%Y-%m-%d %H:%M}, later than now."
    if answer.next_update_utc is not None and answer.next_update_utc <= now:
        yield f"The answer ended {answer.next_update_utc:%Y-%m-%d %H:%M}: an old one is served."
    if _nonce(answer) not in (None, question.nonce):
        yield "It sends a nonce that was not asked for: an answer to somebody else."


def _wrong_status(given: Status, question: Question) -> str:
    serial = f"{question.serial_number:x}"
    if question.expected is Status.UNKNOWN:
        return (
            f"It calls {serial}, which this CA never issued, {given.name.lower()}. Certificates "
            "that somebody made with a stolen key would pass."
        )
    return (
        f"It calls {serial} {given.name.lower()}, and by our records it is "
        f"{question.expected.name.lower()}."
    )


def _wrong_with_responder(
    responder: x509.Certificate, issuer: Issuer, now: datetime
) -> Iterator[str]:
    """RFC 6960 section 4.2.2.2: issued directly by the CA, for this use."""
    if responder.issuer.public_bytes() != issuer.name_der or not is_signed_by(
        issuer.public_key,
        responder.signature,
        responder.tbs_certificate_bytes,
        responder.signature_algorithm_oid,
    ):
        yield "The responder's certificate was not issued by this key of the CA."
    if not responder.not_valid_before_utc <= now < responder.not_valid_after_utc:
        yield f"The responder's certificate ended {responder.not_valid_after_utc:%Y-%m-%d %H:%M}."
    usages = extension(responder, x509.ExtendedKeyUsage)
    if usages is None or ExtendedKeyUsageOID.OCSP_SIGNING not in usages:
        yield "The responder's certificate is not for OCSP signing."


def _soon_wrong_with(answer: _Response, question: Question, now: datetime) -> Verdict:
    responder = _responder(answer, question.issuer)
    status = answer.certificate_status.name.lower()
    if responder is None or responder.public_bytes(Encoding.DER) == question.issuer.der:
        return ok(f"Answers '{status}' as it should, signed by the CA itself.")
    end = responder.not_valid_after_utc
    if extension(responder, x509.OCSPNoCheck) is None:
        return warning(
            "The responder's certificate lacks ocsp-nocheck, so careful clients ask about it, too."
        )
    if end - now < _RESPONDER_MARGIN and end < question.issuer.not_after:
        return warning(
            f"The responder's certificate ends {end:%Y-%m-%d %H:%M} and was not renewed. The log "
            "of the site says why."
        )
    return ok(f"Answers '{status}' as it should; its responder's certificate ends {end:%Y-%m-%d}.")


def _responder(answer: _Response, issuer: Issuer) -> x509.Certificate | None:
    """Return the certificate that the answer says it was signed with."""
    for certificate in (*answer.certificates, issuer.certificate):
        key = certificate.public_key()
        if certificate.subject == answer.responder_name or (
            answer.responder_key_hash == key_identifier(_spki(key))
        ):
            return certificate
    return None


def _nonce(answer: _Response) -> bytes | None:
    found = extension(answer, x509.OCSPNonce)
    return None if found is None else found.nonce


def _spki(key: CertificatePublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
