"""The request beside the certificate that approval would sign, line by line."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from enrollment.admin import facts
from enrollment.ca import der, relying_party

if TYPE_CHECKING:
    from enrollment.ca.issuance import PreparedCertificate
    from enrollment.ca.request import CertificationRequest

_SAN: Final = ExtensionOID.SUBJECT_ALTERNATIVE_NAME
# Extensions every certificate of this CA carries, whatever was asked for; listed after the others.
_OURS: Final = frozenset(
    {
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.CRL_DISTRIBUTION_POINTS,
        ExtensionOID.AUTHORITY_INFORMATION_ACCESS,
        ExtensionOID.MS_CERTIFICATE_TEMPLATE,
        x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2"),
        x509.ObjectIdentifier("1.3.6.1.4.1.311.21.10"),
    }
)


class Verdict(StrEnum):
    """What becomes of one thing that was asked for."""

    SAME = "as requested"
    CHANGED = "changed"
    IGNORED = "ignored"
    ADDED = "added"
    OWN = "set by the CA"
    NONE = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing: what was asked, what would be issued, and why they differ."""

    label: str
    asked: tuple[str, ...]
    issued: tuple[str, ...]
    verdict: Verdict
    reason: str = ""

    @property
    def mark(self) -> str:
        """The name of the verdict, for the style sheet."""
        return self.verdict.name.lower()


def unsigned(prepared: PreparedCertificate) -> x509.Certificate:
    """Read the content that would be signed, with no signature at all behind it."""
    return x509.load_der_x509_certificate(
        der.sequence(prepared.tbs, prepared.signature_algorithm, der.bit_string(b"\x00"))
    )


def compare(request: CertificationRequest, certificate: x509.Certificate) -> list[Line]:
    """Set what was asked beside what is or would be issued; every difference has its reason."""
    lines = [
        _subject(request, certificate),
        _names(request, certificate),
        Line("Key", (request.key.name,), (request.key.name,), Verdict.SAME),
        *_extensions(request, certificate),
        _validity(certificate),
        _signature(request, certificate),
    ]
    if request.challenge_password:
        lines.append(_ignored("Challenge password", ("present",), "It is neither used nor kept."))
    return [line for line in lines if line.asked or line.issued]


def _subject(request: CertificationRequest, certificate: x509.Certificate) -> Line:
    asked = facts.subject_words(request.subject)
    issued = facts.subject_words(certificate.subject)
    if asked == issued:
        return Line("Subject", (asked,), (issued,), Verdict.SAME)
    return Line(
        "Subject", (asked,), (issued,), Verdict.CHANGED, "The template decides what the subject is."
    )


def _names(request: CertificationRequest, certificate: x509.Certificate) -> Line:
    asked = tuple(facts.name_words(name) for name in request.subject_alternative_name)
    issued = _issued_names(certificate)
    if asked == issued:
        verdict, reason = Verdict.SAME, ""
    elif not asked:
        verdict, reason = Verdict.ADDED, "Clients look for names here, not in the subject."
    elif not issued:
        verdict, reason = Verdict.IGNORED, "The template does not take names from requests."
    else:
        verdict, reason = Verdict.CHANGED, "The template decides which names are taken."
    return Line("Alternative names", asked, issued, verdict, reason)


def _issued_names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return tuple(facts.name_words(name) for name in found.value)


def _extensions(request: CertificationRequest, certificate: x509.Certificate) -> list[Line]:
    asked = _requested(request)
    issued = {
        extension.oid: facts.extension_fact(extension).lines
        for extension in certificate.extensions
        if extension.oid != _SAN
    }
    lines = [_extension(oid, asked.get(oid), issued.get(oid)) for oid in {**issued, **asked}]
    return sorted(lines, key=lambda line: line.verdict is Verdict.OWN)


def _extension(
    oid: x509.ObjectIdentifier, asked: tuple[str, ...] | None, issued: tuple[str, ...] | None
) -> Line:
    label = facts.extension_label(oid)
    if asked is None:
        verdict = Verdict.OWN if oid in _OURS else Verdict.ADDED
        reason = "" if oid in _OURS else "The template says so."
        return Line(label, (), issued or (), verdict, reason)
    if oid == ExtensionOID.SUBJECT_KEY_IDENTIFIER and asked != issued:
        return Line(label, asked, issued or (), Verdict.OWN, "It is computed from the key.")
    if issued is None:
        return _ignored(label, asked, "Only the template adds extensions.")
    if asked == issued:
        return Line(label, asked, issued, Verdict.SAME)
    return Line(label, asked, issued, Verdict.CHANGED, "The template decides.")


def _requested(request: CertificationRequest) -> dict[x509.ObjectIdentifier, tuple[str, ...]]:
    """Put the requested extensions into words; those nobody can read as hexadecimal."""
    readable: dict[x509.ObjectIdentifier, tuple[str, ...]] = {}
    try:
        for extension in x509.load_der_x509_csr(request.pkcs10_der).extensions:
            readable[extension.oid] = facts.extension_fact(extension).lines
    except relying_party.UNREADABLE:
        readable = {}
    found = {}
    for extension in request.extensions:
        oid = x509.ObjectIdentifier(extension.oid)
        if oid != _SAN:
            found[oid] = readable.get(oid) or (facts.octets_words(extension.value),)
    return found


def _validity(certificate: x509.Certificate) -> Line:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    period = f"{(end - begin).days} days"
    issued = (f"{begin:%Y-%m-%d %H:%M} UTC", f"to {end:%Y-%m-%d %H:%M} UTC, {period}")
    return Line("Validity", (), issued, Verdict.OWN)


def _signature(request: CertificationRequest, certificate: x509.Certificate) -> Line:
    asked = f"request signed with {request.signature.algorithm}"
    issued = f"certificate signed with {facts.signature_words(certificate)}"
    return Line("Signature", (asked,), (issued,), Verdict.OWN)


def _ignored(label: str, asked: tuple[str, ...], reason: str) -> Line:
    return Line(label, asked, (), Verdict.IGNORED, reason)


def asked_only(request: CertificationRequest) -> tuple[Line, ...]:
    """List what was asked where nothing is issued for it."""
    named = tuple(facts.name_words(name) for name in request.subject_alternative_name)
    lines = [
        Line("Subject", (facts.subject_words(request.subject),), (), Verdict.NONE),
        Line("Alternative names", named, (), Verdict.NONE),
        Line("Key", (request.key.name,), (), Verdict.NONE),
        *(
            Line(facts.extension_label(oid), words, (), Verdict.NONE)
            for oid, words in _requested(request).items()
        ),
        Line("Signature", (request.signature.algorithm,), (), Verdict.NONE),
    ]
    return tuple(line for line in lines if line.asked)
