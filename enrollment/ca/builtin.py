"""Microsoft's default certificate templates, as values.

Names, revisions, periods, usages and subjects are those of a new enterprise CA; the six numbers of
the object identifiers are made for each installation. Where the original takes 512- or 1024-bit
keys we ask for 2048.

Source: MS-CRTD appendix B note 42, as collected in ms-facts section (c).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from enrollment.ca import template as t
from enrollment.ca.template import Approval, CertificateTemplate, KeyUsage, SubjectSource

_CLIENT: Final = t.CLIENT_AUTHENTICATION
_SERVER: Final = t.SERVER_AUTHENTICATION
_CODE: Final = t.CODE_SIGNING
_EMAIL: Final = t.EMAIL_PROTECTION
_AGENT: Final = t.ENROLLMENT_AGENT
_SMART_CARD: Final = t.SMART_CARD_LOGON
_EFS: Final = "1.3.6.1.4.1.311.10.3.4"
_EFS_RECOVERY: Final = "1.3.6.1.4.1.311.10.3.4.1"
_TRUST_LIST: Final = "1.3.6.1.4.1.311.10.3.1"
_IKE: Final = "1.3.6.1.5.5.8.2.2"
_KDC: Final = "1.3.6.1.5.2.3.5"
_CA_EXCHANGE: Final = "1.3.6.1.4.1.311.21.5"
_KEY_RECOVERY: Final = "1.3.6.1.4.1.311.21.6"
_REPLICATION: Final = "1.3.6.1.4.1.311.21.19"

_DS: Final = frozenset({KeyUsage.DIGITAL_SIGNATURE})
_KE: Final = frozenset({KeyUsage.KEY_ENCIPHERMENT})
_DS_KE: Final = _DS | _KE
_CA: Final = _DS | {KeyUsage.KEY_CERT_SIGN, KeyUsage.CRL_SIGN}

_YEAR: Final = timedelta(days=365)

ENROLLEES: Final = "Enrollees"


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of Microsoft's table, `number` being the last arc of the object identifier."""

    number: int
    name: str
    display_name: str
    revision: tuple[int, int]
    validity: timedelta
    usages: frozenset[KeyUsage]
    purposes: tuple[str, ...]
    subject: str = "request"
    alternative_names: tuple[str, ...] = ()
    schema: int = 1


_ROWS: Final = (
    _Row(1, "User", "User", (3, 1), _YEAR, _DS_KE, (_EFS, _EMAIL, _CLIENT), "person", ("upn", "email")),
    _Row(2, "UserSignature", "User Signature Only", (4, 1), _YEAR, _DS, (_EMAIL, _CLIENT), "person", ("upn", "email")),
    _Row(3, "SmartcardUser", "Smartcard User", (11, 1), _YEAR, _DS_KE, (_EMAIL, _CLIENT, _SMART_CARD), "person", ("upn", "email")),
    _Row(4, "ClientAuth", "Authenticated Session", (3, 1), _YEAR, _DS, (_CLIENT,), "name", ("upn",)),
    _Row(5, "SmartcardLogon", "Smartcard Logon", (6, 1), _YEAR, _DS_KE, (_CLIENT, _SMART_CARD), "name", ("upn",)),
    _Row(6, "EFS", "Basic EFS", (3, 1), _YEAR, _KE, (_EFS,), "name", ("upn",)),
    _Row(7, "Administrator", "Administrator", (4, 1), _YEAR, _DS_KE, (_TRUST_LIST, _EFS, _EMAIL, _CLIENT), "person", ("upn", "email")),
    _Row(8, "EFSRecovery", "EFS Recovery Agent", (6, 1), 5 * _YEAR, _KE, (_EFS_RECOVERY,), "name", ("upn",)),
    _Row(9, "CodeSigning", "Code Signing", (3, 1), _YEAR, _DS, (_CODE,), "name", ("upn",)),
    _Row(10, "CTLSigning", "Trust List Signing", (3, 1), _YEAR, _DS, (_TRUST_LIST,), "name", ("upn",)),
    _Row(11, "EnrollmentAgent", "Enrollment Agent", (4, 1), 2 * _YEAR, _DS, (_AGENT,), "name", ("upn",)),
    _Row(12, "EnrollmentAgentOffline", "Exchange Enrollment Agent (Offline request)", (4, 1), 2 * _YEAR, _DS, (_AGENT,)),
    _Row(13, "MachineEnrollmentAgent", "Enrollment Agent (Computer)", (5, 1), 2 * _YEAR, _DS, (_AGENT,), "host", ("dns",)),
    _Row(14, "Machine", "Computer", (5, 1), _YEAR, _DS_KE, (_CLIENT, _SERVER), "host", ("dns",)),
    _Row(15, "DomainController", "Domain Controller", (4, 1), _YEAR, _DS_KE, (_CLIENT, _SERVER), "host", ("dns",)),
    _Row(16, "WebServer", "Web Server", (4, 1), 2 * _YEAR, _DS_KE, (_SERVER,)),
    _Row(17, "CA", "Root Certification Authority", (5, 1), 5 * _YEAR, _CA, ()),
    _Row(18, "SubCA", "Subordinate Certification Authority", (5, 1), 5 * _YEAR, _CA, ()),
    _Row(19, "IPSECIntermediateOnline", "IPSec", (8, 1), 2 * _YEAR, _DS_KE, (_IKE,), "host", ("dns",)),
    _Row(20, "IPSECIntermediateOffline", "IPSec (Offline request)", (7, 1), 2 * _YEAR, _DS_KE, (_IKE,)),
    _Row(21, "OfflineRouter", "Router (Offline request)", (4, 1), 2 * _YEAR, _DS_KE, (_CLIENT,)),
    _Row(22, "CEPEncryption", "CEP Encryption", (4, 1), 2 * _YEAR, _KE, (_AGENT,)),
    _Row(23, "ExchangeUser", "Exchange User", (7, 1), _YEAR, _KE, (_EMAIL,)),
    _Row(24, "ExchangeUserSignature", "Exchange Signature Only", (6, 1), _YEAR, _DS, (_EMAIL,)),
    _Row(25, "CrossCA", "Cross Certification Authority", (105, 0), 5 * _YEAR, _CA, (), schema=2),
    _Row(26, "CAExchange", "CA Exchange", (106, 0), timedelta(weeks=1), _KE, (_CA_EXCHANGE,), schema=2),
    _Row(27, "KeyRecoveryAgent", "Key Recovery Agent", (105, 0), 2 * _YEAR, _KE, (_KEY_RECOVERY,), "name", ("upn",), 2),
    _Row(28, "DomainControllerAuthentication", "Domain Controller Authentication", (110, 0), _YEAR, _DS_KE, (_CLIENT, _SERVER, _SMART_CARD), "none", ("dns",), 2),
    _Row(29, "DirectoryEmailReplication", "Directory Email Replication", (115, 0), _YEAR, _DS_KE, (_REPLICATION,), "none", ("dns",), 2),
    _Row(30, "Workstation", "Workstation Authentication", (101, 0), _YEAR, _DS_KE, (_CLIENT,), "none", ("dns",), 2),
    _Row(31, "RASAndIASServer", "RAS and IAS Server", (101, 0), _YEAR, _DS_KE, (_CLIENT, _SERVER), "host", ("dns",), 2),
    _Row(32, "OCSPResponseSigning", "OCSP Response Signing", (101, 0), timedelta(weeks=2), _DS, (t.OCSP_SIGNING,), "host", ("dns",), 3),
    _Row(33, "KerberosAuthentication", "Kerberos Authentication", (110, 0), _YEAR, _DS_KE, (_CLIENT, _SERVER, _SMART_CARD, _KDC), "none", ("dns",), 2),
)  # fmt: skip

_PUBLISHED: Final = frozenset({"WebServer", "User", "Machine", "CodeSigning", "SubCA"})
_HELD: Final = frozenset({"CodeSigning", "SubCA", "CA", "CrossCA", "KeyRecoveryAgent"})
_RENEWALS: Final = {"CAExchange": timedelta(days=1), "OCSPResponseSigning": timedelta(days=2)}


def _template(row: _Row, arc: str) -> CertificateTemplate:
    from_request = row.subject == "request"
    # A subject from the request with a usage that signs in is ESC1: a person must look first.
    risky = from_request and bool(
        t.SIGN_IN_USAGES.intersection(row.purposes) or _AGENT in row.purposes
    )
    is_responder = row.name == "OCSPResponseSigning"
    return CertificateTemplate(
        name=row.name,
        display_name=row.display_name,
        oid=f"{arc}.1.{row.number}",
        schema_version=row.schema,
        major_version=row.revision[0],
        minor_version=row.revision[1],
        published=row.name in _PUBLISHED,
        subject_source=SubjectSource.REQUEST if from_request else SubjectSource.DIRECTORY,
        directory_subject="" if from_request else row.subject,
        directory_alternative_names=row.alternative_names,
        extended_key_usages=row.purposes,
        key_usages=row.usages,
        is_ca=row.name.casefold() in t.CA_TEMPLATE_NAMES,
        validity=row.validity,
        renewal_period=_RENEWALS.get(row.name, timedelta(weeks=6)),
        approval=Approval.ALWAYS if row.name in _HELD or risky else Approval.NONE,
        enroll_groups=frozenset({ENROLLEES}) if row.name in _PUBLISHED else frozenset(),
        san_critical=row.subject == "none",
        include_revocation_addresses=not is_responder,
        include_ocsp_no_check=is_responder,
        ra_signatures=1 if row.name == "CrossCA" else 0,
    )


def builtin_templates(arc: str) -> tuple[CertificateTemplate, ...]:
    """Return the 33 default templates under `arc`.

    Args:
        arc: ``1.3.6.1.4.1.311.21.8`` and six numbers made for this installation.
    """
    return tuple(_template(row, arc) for row in _ROWS)


def standalone_template(arc: str) -> CertificateTemplate:
    """Return the one rule of a stand-alone CA: names from the request, a manager decides."""
    return CertificateTemplate(
        name="",
        display_name="Stand-alone request",
        oid=f"{arc}.1.0",
        published=True,
        extended_key_usages=(_SERVER, _CLIENT),
        key_usages=_DS_KE,
        validity=_YEAR,
        approval=Approval.ALWAYS,
    )
