"""A certificate template: the rules and grants of one kind of certificate."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from typing import Final

from cryptography import x509

from enrollment.ca.keys import KeyKind
from enrollment.ca.name_rules import IpNetwork, NameRules

SERVER_AUTHENTICATION: Final = "1.3.6.1.5.5.7.3.1"
CLIENT_AUTHENTICATION: Final = "1.3.6.1.5.5.7.3.2"
CODE_SIGNING: Final = "1.3.6.1.5.5.7.3.3"
EMAIL_PROTECTION: Final = "1.3.6.1.5.5.7.3.4"
OCSP_SIGNING: Final = "1.3.6.1.5.5.7.3.9"
SMART_CARD_LOGON: Final = "1.3.6.1.4.1.311.20.2.2"
ENROLLMENT_AGENT: Final = "1.3.6.1.4.1.311.20.2.1"
ANY_PURPOSE: Final = "2.5.29.37.0"

# What lets its holder sign in as somebody; together with a subject from the request this is ESC1.
SIGN_IN_USAGES: Final = frozenset({CLIENT_AUTHENTICATION, SMART_CARD_LOGON, ANY_PURPOSE})

# Names that make a CA certificate wherever they are requested (MS-WCCE 3.2.2.6.2.1.4.6).
CA_TEMPLATE_NAMES: Final = frozenset({"subca", "ca", "crossca"})

# More than a site has people for.
MOST_APPROVALS: Final = 5

DEFAULT_KEY_KINDS: Final = (
    KeyKind.RSA,
    KeyKind.EC_P256,
    KeyKind.EC_P384,
    KeyKind.EC_P521,
    KeyKind.ED25519,
    KeyKind.ED448,
    KeyKind.ML_DSA_44,
    KeyKind.ML_DSA_65,
    KeyKind.ML_DSA_87,
)


class _Labelled(StrEnum):
    @property
    def label(self) -> str:
        """The words a person sees."""
        return _LABELS[self]


class SubjectSource(_Labelled):
    """Who supplies the names."""

    REQUEST = "request"
    DIRECTORY = "directory"


class Approval(_Labelled):
    """Whether a certificate manager looks first."""

    NONE = "none"
    ALWAYS = "always"
    FIRST_TIME = "first-time"


class NamesBeyond(_Labelled):
    """What becomes of a request for names outside the rules."""

    DENY = "deny"
    HOLD = "hold"


class HeldNames(_Labelled):
    """What becomes of a request for names that somebody else holds."""

    IGNORE = "ignore"
    REPORT = "report"
    WAIT = "wait"


_LABELS: Final[dict[str, str]] = {
    SubjectSource.REQUEST: "supplied in the request",
    SubjectSource.DIRECTORY: "built from the directory",
    Approval.NONE: "issued at once",
    Approval.ALWAYS: "always by a certificate manager",
    Approval.FIRST_TIME: "first time for these names, then at once",
    NamesBeyond.DENY: "refused",
    NamesBeyond.HOLD: "decided by a certificate manager",
    HeldNames.IGNORE: "issued all the same",
    HeldNames.REPORT: "issued, and noted at the request",
    HeldNames.WAIT: "decided by a certificate manager",
}


class KeyUsage(StrEnum):
    """The bits of RFC 5280 section 4.2.1.3, in their order."""

    DIGITAL_SIGNATURE = "digital_signature"
    CONTENT_COMMITMENT = "content_commitment"
    KEY_ENCIPHERMENT = "key_encipherment"
    DATA_ENCIPHERMENT = "data_encipherment"
    KEY_AGREEMENT = "key_agreement"
    KEY_CERT_SIGN = "key_cert_sign"
    CRL_SIGN = "crl_sign"
    ENCIPHER_ONLY = "encipher_only"
    DECIPHER_ONLY = "decipher_only"


@dataclass(frozen=True, slots=True)
class Limits:
    """How many certificates may be issued within `period`; 0 means as many as wanted.

    `requester`: to one account. `name`: for one name, whoever asks. `in_all`: of this template.
    """

    requester: int = 0
    name: int = 0
    in_all: int = 0
    period: timedelta = timedelta(days=7)

    def __bool__(self) -> bool:
        return bool(self.requester or self.name or self.in_all)


NO_LIMITS: Final = Limits()


@dataclass(frozen=True)
class CertificateTemplate:
    """What one kind of certificate is, who may have it, and how.

    `oid` ends in six numbers made for this installation, as a forest makes them: 32 bits an arc,
    or Windows clients break. Periods are as AD CS counts them: a year is 365 days.

    Source: MS-CRTD 2; DESIGN section 5.
    """

    name: str
    display_name: str
    oid: str
    schema_version: int = 2
    major_version: int = 100
    minor_version: int = 0
    published: bool = False
    subject_source: SubjectSource = SubjectSource.REQUEST
    directory_subject: str = ""
    directory_alternative_names: tuple[str, ...] = ()
    extended_key_usages: tuple[str, ...] = ()
    key_usages: frozenset[KeyUsage] = frozenset(
        {KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_ENCIPHERMENT}
    )
    key_usage_critical: bool = True
    key_usage_narrowing: bool = False
    is_ca: bool = False
    path_length: int | None = None
    allowed_keys: tuple[KeyKind, ...] = DEFAULT_KEY_KINDS
    minimum_rsa_bits: int = 2048
    weak_request_signatures: bool = False
    validity: timedelta = timedelta(days=365)
    renewal_period: timedelta = timedelta(weeks=6)
    approval: Approval = Approval.NONE
    approvals_needed: int = 1
    enroll_groups: frozenset[str] = frozenset()
    allowed_names: NameRules = field(default_factory=NameRules)
    names_beyond: NamesBeyond = NamesBeyond.DENY
    held_names: HeldNames = HeldNames.WAIT
    limits: Limits = NO_LIMITS
    san_critical: bool = False
    include_revocation_addresses: bool = True
    include_ocsp_no_check: bool = False
    include_sid: bool = True
    ra_signatures: int = 0
    ra_application_policy: str = ""
    same_key_renewal: bool = False

    @cached_property
    def option_value(self) -> str:
        """The 14 fields, parted by semicolons, that the template list of the pages carries.

        Clients read the second (the name) and the fourteenth (the display name); the first says
        who supplies the subject: E by the enterprise, O offline, in the request.
        Source: certsrv-contract section 1.3.
        """
        offline = self.subject_source is SubjectSource.REQUEST
        return ";".join(
            (
                "O" if offline else "E",
                self.name,
                "1",
                "0",
                "",
                str(self.minimum_rsa_bits),
                "",
                "",
                self.oid,
                str(self.schema_version),
                str(self.major_version),
                str(self.minor_version),
                "",
                self.display_name.replace(";", ","),
            )
        )

    @property
    def lets_anybody_sign_in(self) -> bool:
        """ESC1: whoever asks names the subject, and the certificate signs that subject in."""
        unlimited = not self.extended_key_usages and not self.is_ca
        return (
            self.subject_source is SubjectSource.REQUEST
            and self.approval is Approval.NONE
            and not self.allowed_names
            and (unlimited or bool(SIGN_IN_USAGES.intersection(self.extended_key_usages)))
        )


def key_usage_extension(usages: frozenset[KeyUsage]) -> x509.KeyUsage:
    """Return the extension that states `usages`."""
    return x509.KeyUsage(**{member.value: member in usages for member in KeyUsage})


__all__ = [
    "ANY_PURPOSE",
    "CA_TEMPLATE_NAMES",
    "CLIENT_AUTHENTICATION",
    "CODE_SIGNING",
    "DEFAULT_KEY_KINDS",
    "EMAIL_PROTECTION",
    "ENROLLMENT_AGENT",
    "MOST_APPROVALS",
    "OCSP_SIGNING",
    "SERVER_AUTHENTICATION",
    "SIGN_IN_USAGES",
    "SMART_CARD_LOGON",
    "Approval",
    "CertificateTemplate",
    "HeldNames",
    "IpNetwork",
    "KeyUsage",
    "Limits",
    "NameRules",
    "NamesBeyond",
    "SubjectSource",
    "key_usage_extension",
]
