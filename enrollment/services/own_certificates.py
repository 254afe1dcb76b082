"""Certificates the site issues to itself: for its TLS listener and its OCSP responders.

They take the way of every certificate; only their requester and their template are our own values
that nobody can ask for by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography import x509

from enrollment.ca import names as names_of_certificates
from enrollment.ca.composed_request import compose_request
from enrollment.ca.content import encode
from enrollment.ca.errors import EnrollmentError
from enrollment.ca.policy import Case, Requester, decide
from enrollment.services import authority
from enrollment.services.enroll import Submission, enroll_judged
from enrollment.services.judgement import Judgement

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from enrollment import keys
    from enrollment.ca.request import CertificationRequest
    from enrollment.ca.template import CertificateTemplate
    from enrollment.models import Authority, Certificate

SITE: Final = Requester(name="site")


class OwnCertificateRefused(Exception):
    """The CA does not issue a certificate of its own site; the text says why."""


def make_sure_of(issuing: Authority, *, now: datetime) -> None:
    """See that the CA can issue, before a key is made that would be left over.

    Raises:
        OwnCertificateRefused: the CA certificate has ended.
        keys.KeyProblem: its key cannot be had.
    """
    end = authority.issuer_of(issuing).not_after
    if end <= now:
        raise OwnCertificateRefused(
            f"The CA certificate '{issuing.name}' ended on {end:%Y-%m-%d} and issues no more."
        )
    authority.check_key(issuing)


def issue(  # noqa: PLR0913 - all that such a certificate is made of
    key: keys.Signer,
    common_name: str,
    names: Sequence[x509.GeneralName],
    template: CertificateTemplate,
    *,
    now: datetime,
    issuing: Authority | None = None,
) -> Certificate:
    """Issue a certificate to the site itself.

    Args:
        key: signs the request.
        common_name: cut to 64 characters.
        names: alternative names, perhaps none.
        template: without a name, so that nobody else can ask for it.
        now: timezone-aware UTC.
        issuing: the CA certificate to issue under; the current one unless told otherwise.

    Raises:
        OwnCertificateRefused: policy or lint refuse it, or its key does not sign rightly.
    """
    try:
        request = _request(key, common_name, names)
    except EnrollmentError as error:
        raise OwnCertificateRefused(
            f"The key of the CA's own certificate '{template.display_name}' is of no use: "
            f"{error.detail}"
        ) from error
    decision = decide(Case(request, template, SITE))
    judged = Judgement(request, SITE, decision, template)
    row = enroll_judged(Submission(request.der, "", SITE, "site"), judged, now=now, issuing=issuing)
    if row.certificate is None:
        raise OwnCertificateRefused(
            f"The CA does not issue its own certificate '{template.display_name}': {row.detail} "
            f"{row.remedy} Check CERTSRV_HOSTNAME and the CA certificate."
        )
    return row.certificate


def _request(
    key: keys.Signer, common_name: str, names: Sequence[x509.GeneralName]
) -> CertificationRequest:
    subject = x509.Name([names_of_certificates.common_name(common_name)]).public_bytes()
    extensions = [encode(x509.SubjectAlternativeName(names))] if names else []
    return compose_request(subject, key, extensions)
