"""Which of pkilint's rules a private CA asks, and which it bends.

`profile` is pkilint's linter for RFC 5280 with Microsoft's extensions decoded too, with
its syntax of names exchanged for one that knows private names, and walked by an index.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from pkilint import loader, validation
from pkilint.msft import asn1 as msft_asn1
from pkilint.pkix import certificate, extension, general_name, name
from pyasn1.type import char, namedtype, univ
from pyasn1_alt_modules import rfc5280

from enrollment.ca.lint_index import IndexedContainer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pkilint.document import PDUNode

WARNING: Final = validation.ValidationFindingSeverity.WARNING
ERROR: Final = validation.ValidationFindingSeverity.ERROR

DEMOTED: Final[Mapping[str, str]] = {
    "pkix.subject_email_address_not_in_san": (
        "Subjects with E= and no rfc822Name are everyday in requests of appliances; the remedy "
        "of RFC 5280 section 4.1.2.6 is for whoever makes the subject, not for whoever signs it."
    ),
    "pkix.name_domain_components_invalid_domain_name": (
        "Directories with a single-label root (DC=corp) exist."
    ),
}
"""Rules that are shown as warnings, each with the reason why they do not block."""

_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DOMAIN_NAME: Final = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*\Z")
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL_PART: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*\Z")
_URI: Final = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+\Z"
)
_WEB_URI: Final = re.compile(r"(?i)https?://[^/?#@\s]+(?:[/?#]|\Z)")


class _TemplateInformation(univ.Sequence):  # type: ignore[misc] # pyasn1 has no types
    """CertificateTemplateOID of MS-WCCE section 2.2.2.7.7.2.

    The standard has both versions optional. This CA writes both, and pyasn1 cannot tell two
    optional integers apart.
    """

    componentType = namedtype.NamedTypes(  # noqa: N815 - pyasn1's name
        namedtype.NamedType("templateID", univ.ObjectIdentifier()),
        namedtype.NamedType("templateMajorVersion", univ.Integer()),
        namedtype.NamedType("templateMinorVersion", univ.Integer()),
    )


_MICROSOFT: Final = "1.3.6.1.4.1.311"
_EXTENSIONS: Final[Mapping[str, Any]] = {
    f"{_MICROSOFT}.20.2": char.BMPString(),  # template name
    f"{_MICROSOFT}.21.1": univ.Integer(),  # CA version
    f"{_MICROSOFT}.21.2": univ.OctetString(),  # previous CA certificate hash
    f"{_MICROSOFT}.21.7": _TemplateInformation(),
    f"{_MICROSOFT}.21.22": univ.Integer(),  # cross-CA version
    f"{_MICROSOFT}.21.10": rfc5280.CertificatePolicies(),  # application policies
    f"{_MICROSOFT}.25.2": rfc5280.GeneralNames(),  # SID
}


class _PrivateDomainName(general_name.GeneralNameDnsNameSyntaxValidator):  # type: ignore[misc]  # untyped
    """The preferred name syntax, with single labels, underscores and a wildcard as first label."""

    def validate_value(self, node: PDUNode) -> bool:
        value = str(node.pdu)
        if not value and general_name.is_nameconstraints_child_node(node):
            return True
        return _DOMAIN_NAME.match(value) is not None


def _is_absolute_uri(value: str) -> bool:
    if value.lower().startswith(("http:", "https:")):
        return _URI.match(value) is not None and _WEB_URI.match(value) is not None
    return _URI.match(value) is not None


class _AnyURI(general_name.GeneralNameUriSyntaxValidator):  # type: ignore[misc]  # untyped
    """An absolute URI of any scheme and host (RFC 5280 section 4.2.1.6)."""

    def validate_value(self, node: PDUNode) -> bool:
        if general_name.is_nameconstraints_child_node(node):
            return bool(super().validate_value(node))
        return _is_absolute_uri(str(node.pdu))


class _AnyPolicyURI(general_name.UriSyntaxValidator):  # type: ignore[misc]  # untyped
    def __init__(self) -> None:
        super().__init__(pdu_class=rfc5280.CPSuri)

    def validate_value(self, node: PDUNode) -> bool:
        return _is_absolute_uri(str(node.pdu))


def _is_mailbox(value: str) -> bool:
    local, _, host = value.rpartition("@")
    return _LOCAL_PART.match(local) is not None and _DOMAIN_NAME.match(host) is not None


class _PrivateMailbox(general_name.GeneralNameMailboxAddressSyntaxValidator):  # type: ignore[misc]  # untyped
    """A mailbox whose host may have a single label."""

    def validate_value(self, node: PDUNode) -> bool:
        value = str(node.pdu)
        if "@" in value or not general_name.is_nameconstraints_child_node(node):
            return _is_mailbox(value)
        return bool(super().validate_value(node))


class _SubjectMailbox(general_name.MailboxAddressSyntaxValidator):  # type: ignore[misc]  # untyped
    """What stands under E= in a subject: legacy, so it is a warning."""

    VALIDATION_INVALID_EMAIL_ADDRESS_SYNTAX = validation.ValidationFinding(
        WARNING, "pkix.invalid_email_address_syntax"
    )

    def __init__(self) -> None:
        super().__init__(pdu_class=rfc5280.EmailAddress)

    def validate_value(self, node: PDUNode) -> bool:
        return _is_mailbox(str(node.pdu))


class _UserPrincipalName(validation.Validator):  # type: ignore[misc]  # untyped
    """A UPN needs a name and a realm; Windows knows letters here that e-mail does not."""

    INVALID = validation.ValidationFinding(WARNING, "msft.invalid_user_principal_name_syntax")

    def __init__(self) -> None:
        super().__init__(validations=[self.INVALID], pdu_class=msft_asn1.UserPrincipalName)

    def validate(self, node: PDUNode) -> None:
        user, at, realm = str(node.pdu).rpartition("@")
        if not (user and at and realm):
            raise validation.ValidationFindingEncountered(
                self.INVALID, f"'{node.pdu}' is not of the form name@realm"
            )


class _NamedAtAll(validation.Validator):  # type: ignore[misc]  # untyped
    """An empty subject needs a subject alternative name (RFC 5280 section 4.1.2.6)."""

    NAMELESS = validation.ValidationFinding(ERROR, "certsrv.subject_and_san_empty")

    def __init__(self) -> None:
        super().__init__(validations=[self.NAMELESS], path="certificate.tbsCertificate.subject")

    def validate(self, node: PDUNode) -> None:
        if node.navigate("rdnSequence").children:
            return
        if node.document.get_extension_by_oid(rfc5280.id_ce_subjectAltName) is None:
            raise validation.ValidationFindingEncountered(self.NAMELESS, "nothing names the holder")


_EXCHANGED: Final[Mapping[type, Callable[[], Any]]] = {
    general_name.GeneralNameDnsNameSyntaxValidator: _PrivateDomainName,
    general_name.GeneralNameUriSyntaxValidator: _AnyURI,
    general_name.UriSyntaxValidator: _AnyPolicyURI,
    general_name.GeneralNameMailboxAddressSyntaxValidator: _PrivateMailbox,
    general_name.MailboxAddressSyntaxValidator: _SubjectMailbox,
}


def pkix_linter() -> validation.ValidatorContainer:
    """Build pkilint's own linter for RFC 5280, with Microsoft's extensions decoded too."""
    decoders = certificate.create_decoding_validators(
        name.ATTRIBUTE_TYPE_MAPPINGS,
        {
            **extension.EXTENSION_MAPPINGS,
            **{univ.ObjectIdentifier(oid): shape for oid, shape in _EXTENSIONS.items()},
        },
        [
            certificate.create_other_name_decoder(
                {msft_asn1.id_on_UserPrincipalName: msft_asn1.UserPrincipalName()}
            )
        ],
    )
    return certificate.create_pkix_certificate_validator_container(
        decoders,
        [
            certificate.create_issuer_validator_container(),
            certificate.create_validity_validator_container(),
            certificate.create_subject_validator_container(),
            certificate.create_extensions_validator_container([_UserPrincipalName()]),
            certificate.create_spki_validator_container(),
            _NamedAtAll(),
        ],
    )


def judge(certificate: bytes) -> list[validation.ValidationFindingDescription]:
    """Return what pkilint says of a DER certificate.

    Raises:
        ValueError: it cannot be read.
    """
    document = loader.load_der_certificate(certificate, "certificate", "to be signed")
    results = profile().validate(document.root)
    return [description for result in results for description in result.finding_descriptions]


@cache
def profile() -> validation.ValidatorContainer:
    """The rules of this CA, made once per process; validators keep nothing between certificates."""
    return IndexedContainer(pkix_linter(), _EXCHANGED)
