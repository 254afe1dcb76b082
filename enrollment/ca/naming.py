"""Which names the certificate will carry: from the request or from the directory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from enrollment.ca import der, errors, subject
from enrollment.ca.names import UPN_OID, common_name, is_dns_name
from enrollment.ca.template import SERVER_AUTHENTICATION, CertificateTemplate, SubjectSource

if TYPE_CHECKING:
    from enrollment.ca.certification_request import CertificationRequest
    from enrollment.ca.requester import Requester


@dataclass(frozen=True, slots=True)
class CertificateNames:
    """The subject, as a value and in DER, and the alternative names of a certificate.

    `sid` is the security identifier of the account that the names belong to; it only ever comes
    from the directory (ms-facts section a.2).
    """

    subject: x509.Name
    subject_der: bytes
    alternative_names: tuple[x509.GeneralName, ...]
    sid: str = ""


def choose(
    request: CertificationRequest, template: CertificateTemplate, requester: Requester
) -> CertificateNames:
    """Return the names that a certificate by `template` for `request` carries.

    From the request, the subject is kept as it is, order and string types included: sscep compares
    it. From the directory, nothing of the request is used.

    Raises:
        DirectoryNameMissing, DirectoryUpnMissing, DirectoryEmailMissing: the account has not what
            the template takes from it.
    """
    if template.subject_source is SubjectSource.DIRECTORY:
        return _from_directory(template, requester)
    alternative_names = request.subject_alternative_name
    host = host_in_common_name(request, template)
    if host:
        alternative_names = (x509.DNSName(host),)
    return CertificateNames(request.subject, request.subject_der, alternative_names)


def host_in_common_name(request: CertificationRequest, template: CertificateTemplate) -> str:
    """Return the host name that stands only in the common name of a server's request.

    The CA puts it into the SAN: clients have not looked at the common name for years (RFC 9525
    section 2), so the certificate of an old server that names itself only there would be of no
    use.
    """
    if (
        request.subject_alternative_name
        or SERVER_AUTHENTICATION not in template.extended_key_usages
        or template.subject_source is not SubjectSource.REQUEST
    ):
        return ""
    for attribute in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME):
        if isinstance(attribute.value, str) and is_dns_name(attribute.value):
            return attribute.value.casefold()
    return ""


def _from_directory(template: CertificateTemplate, requester: Requester) -> CertificateNames:
    alternative_names = tuple(
        _DIRECTORY_NAMES[kind](requester) for kind in template.directory_alternative_names
    )
    name = x509.Name(_directory_subject(template, requester))
    # Whoever filled the directory: what no request may hold is not signed from there, either.
    subject.check_name(name)
    sid = requester.sid if template.include_sid else ""
    return CertificateNames(name, name.public_bytes(), alternative_names, sid)


def _directory_subject(
    template: CertificateTemplate, requester: Requester
) -> list[x509.NameAttribute[str]]:
    kind = template.directory_subject
    if kind == "none":
        return []
    if kind == "host":
        return [common_name(_host(requester))]
    attributes = [common_name(requester.full_name or requester.name)]
    if kind == "person":
        attributes.append(x509.NameAttribute(NameOID.EMAIL_ADDRESS, _email(requester)))
    return attributes


def _host(requester: Requester) -> str:
    # An umlaut belongs into the DNS as Punycode, and into no certificate (RFC 5280 section 7.2).
    if not requester.dns_name or not requester.dns_name.isascii():
        raise errors.DirectoryNameMissing(
            f"The directory has no DNS name in ASCII for '{requester.name}'.",
            remedy="Ask a CA administrator to enter the machine's DNS name at the account.",
        )
    return requester.dns_name


def _email(requester: Requester) -> str:
    if not requester.email or not requester.email.isascii():
        raise errors.DirectoryEmailMissing(
            f"The directory has no e-mail address in ASCII for '{requester.name}'.",
            remedy="Ask a CA administrator to enter the e-mail address at the account.",
        )
    return requester.email


def _upn(requester: Requester) -> x509.GeneralName:
    if not requester.upn:
        raise errors.DirectoryUpnMissing(
            f"The directory has no user principal name for '{requester.name}'.",
            remedy="Ask a CA administrator to enter the user principal name at the account.",
        )
    return x509.OtherName(UPN_OID, der.utf8_string(requester.upn))


_DIRECTORY_NAMES: Final = {
    "dns": lambda requester: x509.DNSName(_host(requester)),
    "email": lambda requester: x509.RFC822Name(_email(requester)),
    "upn": _upn,
}
