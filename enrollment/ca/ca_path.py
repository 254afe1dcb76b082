"""The way from a CA certificate to its root: found, verified link by link, and judged.

The verifier of `cryptography` is made for servers of the public web (a leaf with a DNS name below
roots that follow the rules of browsers) and says no more than no. Here each link is verified by
itself, so that the operator reads which certificate is at fault (ADR 0016).

Source: RFC 5280 sections 4.2.1 and 6.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtensionOID

from enrollment.ca import ber, errors, names, oids, signatures
from enrollment.ca.answer_errors import (
    AlgorithmUnknown,
    AnswerRefused,
    CriticalUnknown,
    IssuerMissing,
    NoRoot,
    NotACa,
    OutsideValidity,
    PathTooLong,
    SignatureWrong,
    TooWeak,
    UsageMissing,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    Certificates = Sequence[x509.Certificate]

Extension = TypeVar("Extension", bound=x509.ExtensionType)

_LEAST_RSA_BITS: Final = 2048
# What RFC 5280 section 4.2 defines, and verifiers therefore process.
_KNOWN: Final = frozenset(
    {
        ExtensionOID.KEY_USAGE,
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.POLICY_MAPPINGS,
        ExtensionOID.POLICY_CONSTRAINTS,
        ExtensionOID.INHIBIT_ANY_POLICY,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.CRL_DISTRIBUTION_POINTS,
    }
)


def spki(certificate: x509.Certificate) -> bytes:
    """Return the public key in DER."""
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def called(certificate: x509.Certificate) -> str:
    """Return how a person would name a certificate."""
    return f"'{names.display(certificate.subject)}'"


def cas(count: int) -> str:
    """Count CAs in words."""
    return "no CA" if count == 0 else f"{count} CA{'' if count == 1 else 's'}"


def path_to_root(
    certificate: x509.Certificate, known: Certificates, *, now: datetime
) -> tuple[x509.Certificate, ...]:
    """Return the certificates above `certificate`, nearest first, root last.

    Every signature on the way is verified; what else is wrong with it says `check_path`. Where a
    certificate has several issuers (a renewed root, a cross certificate), one that is valid now is
    preferred, then one that signed itself.

    Args:
        certificate: where the way begins.
        known: what there is, in any order.
        now: timezone-aware UTC.

    Raises:
        IssuerMissing, NoRoot, SignatureWrong, AlgorithmUnknown: the way ends before a root.
    """
    order = sorted(known, key=lambda each: (not _is_valid(each, now), not _is_root(each)))
    seen = [certificate]

    def climb(last: x509.Certificate) -> tuple[x509.Certificate, ...]:
        if _is_root(last):
            return ()
        fault: AnswerRefused | None = None
        for above in (each for each in order if each.subject == last.issuer):
            try:
                _verify(last, above)
            except AnswerRefused as wrong:
                fault = fault or wrong
                continue
            if above in seen:
                fault = _circle(last)
                continue
            seen.append(above)
            try:
                return (above, *climb(above))
            except AnswerRefused as higher_up:
                fault = higher_up
        raise fault or _missing(last)

    return climb(certificate)


def _is_root(certificate: x509.Certificate) -> bool:
    """Whether the certificate signed itself; a signature we cannot compute proves nothing else."""
    if not is_self_issued(certificate):
        return False
    try:
        _verify(certificate, certificate)
    except SignatureWrong:
        return False
    except AlgorithmUnknown:
        return True
    return True


def is_self_issued(certificate: x509.Certificate) -> bool:
    """Whether issuer and subject are the same, as in a root and where a root changed its key."""
    return certificate.issuer == certificate.subject


def _is_valid(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc


def _verify(certificate: x509.Certificate, above: x509.Certificate) -> None:
    """Verify one signature."""
    algorithm = _algorithm(certificate)
    try:
        reason = signatures.verify(
            above.public_key(), algorithm, certificate.signature, certificate.tbs_certificate_bytes
        )
    except errors.SignatureInvalid:
        raise SignatureWrong(
            f"The signature of {called(certificate)} was not made by the key of {called(above)} "
            f"(serial number {above.serial_number:x}).",
            remedy="Give the certificate of the key that signed it; a CA that was renewed with a "
            "new key has several of one name.",
        ) from None
    if reason is not None:
        raise AlgorithmUnknown(
            f"{called(certificate)} is signed with {algorithm.facts.algorithm}, which is not "
            "verified here.",
            remedy="Ask the CA above to sign with RSA, ECDSA, Ed25519 or ML-DSA.",
        )


def _algorithm(certificate: x509.Certificate) -> signatures.SignatureAlgorithm:
    node = ber.read(certificate.public_bytes(Encoding.DER)).children()[1]
    return signatures.read_algorithm(node, f"The signature algorithm of {called(certificate)}")


def _missing(last: x509.Certificate) -> IssuerMissing:
    return IssuerMissing(
        f"The certificate of '{names.display(last.issuer)}', which signed {called(last)}, is "
        "missing.",
        remedy="Give it with --chain FILE: every certificate up to the root, in any order.",
    )


def _circle(last: x509.Certificate) -> NoRoot:
    return NoRoot(
        f"The way up from {called(last)} leads in a circle and to no root.",
        remedy="Give the self-signed certificate of the root with --chain FILE.",
    )


def check_path(path: Certificates, *, now: datetime) -> None:
    """See that a chain is one that programs accept.

    Args:
        path: our own certificate first, root last; its signatures are verified.
        now: timezone-aware UTC.

    Raises:
        AnswerRefused: a subclass that names the certificate and says what is wrong.
    """
    below = 0
    for certificate in path:
        _check_is_ca(certificate, below)
        _check_validity(certificate, now)
        _check_strength(certificate, is_root=certificate is path[-1])
        _check_critical(certificate)
        # "Self-issued certificates … are not counted" -- RFC 5280 section 4.2.1.9
        below += not is_self_issued(certificate)


def extension_of(certificate: x509.Certificate, kind: type[Extension]) -> Extension | None:
    """Return an extension, or None where there is none."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _check_is_ca(certificate: x509.Certificate, below: int) -> None:
    constraints = extension_of(certificate, x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        found = "has no basic constraints" if constraints is None else "says CA:FALSE"
        raise NotACa(
            f"{called(certificate)} is not the certificate of a CA: it {found}.",
            remedy="Ask for it again, issued as a subordinate CA (basicConstraints critical, "
            "CA:TRUE; on AD CS the template SubCA).",
        )
    if constraints.path_length is not None and constraints.path_length < below:
        raise PathTooLong(
            f"{called(certificate)} allows {cas(constraints.path_length)} below it "
            f"(pathLenConstraint), and here {'is' if below == 1 else 'are'} {below}.",
            remedy="Have the request signed by a CA higher up, or by one without that limit.",
        )
    usage = extension_of(certificate, x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        raise _usage_missing(certificate, "keyCertSign", "sign certificates")
    if usage is not None and not usage.crl_sign and not below:
        raise _usage_missing(certificate, "cRLSign", "sign revocation lists")


def _usage_missing(certificate: x509.Certificate, word: str, what: str) -> UsageMissing:
    return UsageMissing(
        f"The key usage of {called(certificate)} lacks {word}, so its key may not {what}.",
        remedy="Ask for it again with the key usage keyCertSign and cRLSign.",
    )


def _check_validity(certificate: x509.Certificate, now: datetime) -> None:
    if now < certificate.not_valid_before_utc:
        raise OutsideValidity(
            f"{called(certificate)} is not valid before "
            f"{certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC; it is {now:%Y-%m-%d %H:%M} "
            "here.",
            remedy="Wait until then, or set the clock that is wrong.",
        )
    if certificate.not_valid_after_utc <= now:
        raise OutsideValidity(
            f"{called(certificate)} ended on {certificate.not_valid_after_utc:%Y-%m-%d}.",
            remedy="Give the renewed one, or set the clock of this machine if it is wrong.",
        )


def _check_strength(certificate: x509.Certificate, *, is_root: bool) -> None:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _LEAST_RSA_BITS:
        raise TooWeak(
            f"{called(certificate)} has an RSA key of {key.key_size} bits; programs want "
            f"{_LEAST_RSA_BITS} or more in a chain.",
            remedy="Have the request signed by a CA with a stronger key.",
        )
    facts = _algorithm(certificate).facts
    # Nobody relies on the signature of a root over itself.
    if facts.weak and not is_root:
        raise TooWeak(
            f"{called(certificate)} is signed with {facts.algorithm}, which programs no longer "
            "accept below a root.",
            remedy="Have it signed again with SHA-256 (openssl -sha256; on AD CS certutil -setreg "
            r"ca\csp\CNGHashAlgorithm SHA256).",
        )


def _check_critical(certificate: x509.Certificate) -> None:
    unknown = [
        oids.extension_name(item.oid.dotted_string)
        for item in certificate.extensions
        if item.critical and item.oid not in _KNOWN
    ]
    if unknown:
        raise CriticalUnknown(
            f"{called(certificate)} has the critical extension {', '.join(unknown)}, which "
            "programs do not know and therefore refuse.",
            remedy="Ask for it again without that extension, or with it not critical.",
        )
