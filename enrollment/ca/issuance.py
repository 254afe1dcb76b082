"""Prepare (every check, no key) and sign (once).

`prepare` returns the exact content that will be signed, linted; `sign` accepts nothing else. So
"checked" is a type, and what was approved is what is signed: the digest is over these octets.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from cryptography import x509

from enrollment.ca import der, errors, naming
from enrollment.ca.content import key_identifier, leaf_extensions
from enrollment.ca.issuer import IssuanceFault, Issuer, SigningKey, signed
from enrollment.ca.lint import Finding, blocking, lint
from enrollment.ca.names import HeldName, display, names_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from enrollment.ca.policy import Requester
    from enrollment.ca.request import CertificationRequest
    from enrollment.ca.template import CertificateTemplate

    Lint = Callable[[bytes, bytes], tuple[Finding, ...]]


@dataclass(frozen=True)
class PreparedCertificate:
    """A to-be-signed certificate that has passed every check."""

    tbs: bytes
    serial_number: int
    not_before: datetime
    not_after: datetime
    subject: x509.Name
    alternative_names: tuple[x509.GeneralName, ...]
    spki: bytes
    signature_algorithm: bytes
    findings: tuple[Finding, ...] = ()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content, in hexadecimal: what an approval is bound to."""
        return hashlib.sha256(self.tbs).hexdigest()

    @cached_property
    def names(self) -> tuple[HeldName, ...]:
        """The names the certificate will hold."""
        return names_of(self.subject, self.alternative_names)

    @property
    def subject_text(self) -> str:
        """The subject for a person."""
        return display(self.subject)


def prepare(  # noqa: PLR0913 - the signature tells all inputs of a certificate
    request: CertificationRequest,
    template: CertificateTemplate,
    issuer: Issuer,
    requester: Requester,
    *,
    serial_number: int,
    now: datetime,
    backdate: timedelta,
    check: Lint = lint,
) -> PreparedCertificate:
    """Compose the certificate that `request` would get and check it, without the CA key.

    Args:
        request: parsed and proven.
        template: decides every extension.
        issuer: the CA certificate whose key will sign.
        requester: whose directory entry names the subject, when the template says so.
        serial_number: positive, at most 159 bits, unpredictable.
        now: the moment of issuing, timezone-aware UTC.
        backdate: how long before `now` the certificate begins.
        check: the linter; benchmarks pass one that finds nothing.

    Raises:
        IssuerEnding: the CA certificate is not valid now, or ends before the certificate begins.
        NoCaBelow: the template makes a CA, and no CA may stand below this one.
        LintRefused: the result would break RFC 5280.
        EnrollmentError: the names or the key do not fit the template.

    Source: RFC 5280 section 4.1; DESIGN section 4.
    """
    if template.is_ca and issuer.path_length == 0:
        raise errors.NoCaBelow(
            "No CA may stand below this one: its certificate, or one above it, says so "
            "(pathLenConstraint), and programs would refuse everything that a CA below it issued.",
            remedy="Have this request signed by a CA higher up.",
        )
    chosen = naming.choose(request, template, requester)
    not_before, not_after = validity(template, issuer, now=now, backdate=backdate)
    algorithm = issuer.signature_algorithm.identifier
    tbs = der.sequence(
        _VERSION_3,
        der.integer(serial_number),
        algorithm,
        issuer.name_der,
        der.sequence(der.time(not_before), der.time(not_after)),
        chosen.subject_der,
        request.spki_der,
        leaf_extensions(request, template, issuer, chosen),
    )
    findings = check(tbs, algorithm)
    if blocking(findings):
        raise errors.LintRefused(
            "The certificate would break the rules for certificates: "
            + "; ".join(finding.message for finding in findings if blocking((finding,)))
            + ".",
            remedy="Correct the names in the request so that they follow RFC 5280, and request "
            "again.",
        )
    return PreparedCertificate(
        tbs=tbs,
        serial_number=serial_number,
        not_before=not_before,
        not_after=not_after,
        subject=chosen.subject,
        alternative_names=chosen.alternative_names,
        spki=request.spki_der,
        signature_algorithm=algorithm,
        findings=findings,
    )


def validity(
    template: CertificateTemplate, issuer: Issuer, *, now: datetime, backdate: timedelta
) -> tuple[datetime, datetime]:
    """Return notBefore and notAfter, in whole seconds.

    A template's period counts from notBefore; a certificate neither begins before nor outlives its
    issuer (ms-facts section d.3).

    Raises:
        IssuerEnding: nothing of the period is left.
    """
    if not issuer.not_before <= now < issuer.not_after:
        raise errors.IssuerEnding(
            f"The CA certificate is valid from {issuer.not_before:%Y-%m-%d %H:%M} to "
            f"{issuer.not_after:%Y-%m-%d %H:%M} UTC only.",
            remedy="Ask a CA administrator to renew the CA certificate or to check the clock.",
        )
    begin = max((now - backdate).replace(microsecond=0), issuer.not_before)
    end = min(begin + template.validity, issuer.not_after)
    if end <= now:
        raise errors.IssuerEnding(
            f"Template '{template.display_name}' leaves no time in which the certificate would be "
            "valid.",
            remedy="Ask a CA administrator to lengthen the template's validity.",
        )
    return begin, end


def sign(prepared: PreparedCertificate, issuer: Issuer, key: SigningKey) -> bytes:
    """Sign a prepared certificate and return it in DER."""
    return sign_content(prepared.tbs, issuer, key)


def sign_content(tbs: bytes, issuer: Issuer, key: SigningKey) -> bytes:
    """Sign the content that `prepare` composed, and check the signature before anyone sees it.

    Raises:
        IssuanceFault: see `issuer.signed`.
    """
    return signed(tbs, issuer, key, x509.load_der_x509_certificate)


_VERSION_3 = der.explicit(0, der.integer(2))

__all__ = [
    "IssuanceFault",
    "Issuer",
    "PreparedCertificate",
    "SigningKey",
    "key_identifier",
    "prepare",
    "sign",
    "sign_content",
    "validity",
]
