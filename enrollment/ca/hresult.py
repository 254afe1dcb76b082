"""Microsoft's result codes, with their symbols and sentences.

Source: certsrv-contract section 6; MS-ERREF 2.1.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SUCCESS: Final = 0x0
BAD_REQUEST_SUBJECT: Final = 0x80094001
NO_REQUEST: Final = 0x80094002
BAD_REQUEST_STATUS: Final = 0x80094003
PROPERTY_EMPTY: Final = 0x80094004
RESTRICTED_OFFICER: Final = 0x80094009
KEY_ARCHIVAL_NOT_CONFIGURED: Final = 0x8009400A
BAD_RENEWAL_CERT_ATTRIBUTE: Final = 0x8009400E
ENROLL_DENIED: Final = 0x80094011
TEMPLATE_DENIED: Final = 0x80094012
ADMIN_DENIED_REQUEST: Final = 0x80094014
WEAK_SIGNATURE_OR_KEY: Final = 0x80094016
UNSUPPORTED_CERT_TYPE: Final = 0x80094800
NO_CERT_TYPE: Final = 0x80094801
TEMPLATE_CONFLICT: Final = 0x80094802
SUBJECT_ALT_NAME_REQUIRED: Final = 0x80094803
BAD_RENEWAL_SUBJECT: Final = 0x80094806
BAD_TEMPLATE_VERSION: Final = 0x80094807
SIGNATURE_POLICY_REQUIRED: Final = 0x80094809
SIGNATURE_COUNT: Final = 0x8009480A
SIGNATURE_REJECTED: Final = 0x8009480B
SUBJECT_UPN_REQUIRED: Final = 0x8009480D
SUBJECT_DNS_REQUIRED: Final = 0x8009480F
KEY_LENGTH: Final = 0x80094811
SUBJECT_EMAIL_REQUIRED: Final = 0x80094812
RENEWAL_BAD_PUBLIC_KEY: Final = 0x80094816
NTE_BAD_SIGNATURE: Final = 0x80090006
NTE_BAD_ALGID: Final = 0x80090008
NTE_FAIL: Final = 0x80090020
NO_SIGNER: Final = 0x8009200E
CERT_REVOKED: Final = 0x800B010C
CERT_EXPIRED: Final = 0x800B0101
CERT_PATH_LENGTH: Final = 0x800B0104
CERT_CRITICAL: Final = 0x800B0105
UNTRUSTED_ROOT: Final = 0x800B0109
CERT_CHAINING: Final = 0x800B010A
CERT_WRONG_USAGE: Final = 0x800B0110
CERT_SIGNATURE: Final = 0x80096004
BASIC_CONSTRAINTS: Final = 0x80096019
ASN1_EOD: Final = 0x80093102
ASN1_CORRUPT: Final = 0x80093103
ASN1_LARGE: Final = 0x80093104
ASN1_BADTAG: Final = 0x8009310B
INVALID_DATA: Final = 0x8007000D
INVALID_PARAMETER: Final = 0x80070057
ACCESS_DENIED: Final = 0x80070005
NOT_ENOUGH_QUOTA: Final = 0x80070718
SERVER_UNAVAILABLE: Final = 0x800706BA
SERVER_TOO_BUSY: Final = 0x800706BB

TEXTS: Final[Mapping[int, tuple[str, str]]] = MappingProxyType(
    {
        SUCCESS: ("WIN32: 0", "The operation completed successfully."),
        BAD_REQUEST_SUBJECT: (
            "CERTSRV_E_BAD_REQUESTSUBJECT",
            "The request subject name is invalid or too long.",
        ),
        NO_REQUEST: ("CERTSRV_E_NO_REQUEST", "The request does not exist."),
        BAD_REQUEST_STATUS: (
            "CERTSRV_E_BAD_REQUESTSTATUS",
            "The request's current status does not allow this operation.",
        ),
        PROPERTY_EMPTY: ("CERTSRV_E_PROPERTY_EMPTY", "The requested property value is empty."),
        RESTRICTED_OFFICER: (
            "CERTSRV_E_RESTRICTEDOFFICER",
            "The operation is denied. It can only be performed by a certificate manager that is "
            "allowed to manage certificates for the current requester.",
        ),
        KEY_ARCHIVAL_NOT_CONFIGURED: (
            "CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED",
            "Cannot archive private key. The certification authority is not configured for key "
            "archival.",
        ),
        BAD_RENEWAL_CERT_ATTRIBUTE: (
            "CERTSRV_E_BAD_RENEWAL_CERT_ATTRIBUTE",
            "The request contains an invalid renewal certificate attribute.",
        ),
        ENROLL_DENIED: (
            "CERTSRV_E_ENROLL_DENIED",
            "The permissions on this CA do not allow the current user to enroll for certificates.",
        ),
        TEMPLATE_DENIED: (
            "CERTSRV_E_TEMPLATE_DENIED",
            "The permissions on the certificate template do not allow the current user to enroll "
            "for this type of certificate.",
        ),
        ADMIN_DENIED_REQUEST: (
            "CERTSRV_E_ADMIN_DENIED_REQUEST",
            "The request was denied by a certificate manager or CA administrator.",
        ),
        WEAK_SIGNATURE_OR_KEY: (
            "CERTSRV_E_WEAK_SIGNATURE_OR_KEY",
            "A signature algorithm or public key length does not meet the system's minimum "
            "required strength.",
        ),
        UNSUPPORTED_CERT_TYPE: (
            "CERTSRV_E_UNSUPPORTED_CERT_TYPE",
            "The requested certificate template is not supported by this CA.",
        ),
        NO_CERT_TYPE: (
            "CERTSRV_E_NO_CERT_TYPE",
            "The request contains no certificate template information.",
        ),
        TEMPLATE_CONFLICT: (
            "CERTSRV_E_TEMPLATE_CONFLICT",
            "The request contains conflicting template information.",
        ),
        SUBJECT_ALT_NAME_REQUIRED: (
            "CERTSRV_E_SUBJECT_ALT_NAME_REQUIRED",
            "The request is missing a required Subject Alternate name extension.",
        ),
        BAD_RENEWAL_SUBJECT: (
            "CERTSRV_E_BAD_RENEWAL_SUBJECT",
            "The request was made on behalf of a subject other than the caller.",
        ),
        BAD_TEMPLATE_VERSION: (
            "CERTSRV_E_BAD_TEMPLATE_VERSION",
            "The request template version is newer than the supported template version.",
        ),
        SIGNATURE_POLICY_REQUIRED: (
            "CERTSRV_E_SIGNATURE_POLICY_REQUIRED",
            "The request is missing required signature policy information.",
        ),
        SIGNATURE_COUNT: (
            "CERTSRV_E_SIGNATURE_COUNT",
            "The request is missing one or more required signatures.",
        ),
        SIGNATURE_REJECTED: (
            "CERTSRV_E_SIGNATURE_REJECTED",
            "One or more signatures did not include the required application or issuance policies. "
            "The request is missing one or more required valid signatures.",
        ),
        SUBJECT_UPN_REQUIRED: (
            "CERTSRV_E_SUBJECT_UPN_REQUIRED",
            "The UPN is unavailable and cannot be added to the Subject Alternate name.",
        ),
        SUBJECT_DNS_REQUIRED: (
            "CERTSRV_E_SUBJECT_DNS_REQUIRED",
            "The DNS name is unavailable and cannot be added to the Subject Alternate name.",
        ),
        KEY_LENGTH: (
            "CERTSRV_E_KEY_LENGTH",
            "The public key does not meet the minimum size required by the specified certificate "
            "template.",
        ),
        SUBJECT_EMAIL_REQUIRED: (
            "CERTSRV_E_SUBJECT_EMAIL_REQUIRED",
            "The email name is unavailable and cannot be added to the Subject or Subject "
            "Alternate name.",
        ),
        RENEWAL_BAD_PUBLIC_KEY: (
            "CERTSRV_E_RENEWAL_BAD_PUBLIC_KEY",
            "The public key in the renewal request does not match one of the certificates being "
            "renewed.",
        ),
        NTE_BAD_SIGNATURE: ("NTE_BAD_SIGNATURE", "Invalid Signature."),
        NTE_BAD_ALGID: ("NTE_BAD_ALGID", "Invalid algorithm specified."),
        NTE_FAIL: ("NTE_FAIL", "An internal error occurred."),
        NO_SIGNER: (
            "CRYPT_E_NO_SIGNER",
            "The signed cryptographic message does not have a signer for the specified signer "
            "index.",
        ),
        CERT_REVOKED: (
            "CERT_E_REVOKED",
            "A certificate was explicitly revoked by its issuer.",
        ),
        CERT_EXPIRED: (
            "CERT_E_EXPIRED",
            "A required certificate is not within its validity period when verifying against the "
            "current system clock or the timestamp in the signed file.",
        ),
        UNTRUSTED_ROOT: (
            "CERT_E_UNTRUSTEDROOT",
            "A certificate chain processed, but terminated in a root certificate which is not "
            "trusted by the trust provider.",
        ),
        CERT_PATH_LENGTH: (
            "CERT_E_PATHLENCONST",
            "A path length constraint in the certification chain has been violated.",
        ),
        CERT_CRITICAL: (
            "CERT_E_CRITICAL",
            "A certificate contains an unknown extension that is marked 'critical'.",
        ),
        CERT_CHAINING: (
            "CERT_E_CHAINING",
            "A certificate chain could not be built to a trusted root authority.",
        ),
        CERT_WRONG_USAGE: (
            "CERT_E_WRONG_USAGE",
            "The certificate is not valid for the requested usage.",
        ),
        CERT_SIGNATURE: (
            "TRUST_E_CERT_SIGNATURE",
            "The signature of the certificate cannot be verified.",
        ),
        BASIC_CONSTRAINTS: (
            "TRUST_E_BASIC_CONSTRAINTS",
            "A certificate's basic constraint extension has not been observed.",
        ),
        ASN1_EOD: ("ASN: 258 CRYPT_E_ASN1_EOD", "ASN1 unexpected end of data."),
        ASN1_CORRUPT: ("ASN: 259 CRYPT_E_ASN1_CORRUPT", "ASN1 corrupted data."),
        ASN1_LARGE: ("ASN: 260 CRYPT_E_ASN1_LARGE", "ASN1 value too large."),
        ASN1_BADTAG: ("ASN: 267 CRYPT_E_ASN1_BADTAG", "ASN1 bad tag value met."),
        INVALID_DATA: ("WIN32: 13 ERROR_INVALID_DATA", "The data is invalid."),
        INVALID_PARAMETER: (
            "WIN32: 87 ERROR_INVALID_PARAMETER",
            "The parameter is incorrect.",
        ),
        ACCESS_DENIED: ("WIN32: 5 ERROR_ACCESS_DENIED", "Access is denied."),
        NOT_ENOUGH_QUOTA: (
            "WIN32: 1816 ERROR_NOT_ENOUGH_QUOTA",
            "Not enough quota is available to process this command.",
        ),
        SERVER_UNAVAILABLE: (
            "WIN32: 1722 RPC_S_SERVER_UNAVAILABLE",
            "The RPC server is unavailable.",
        ),
        SERVER_TOO_BUSY: (
            "WIN32: 1723 RPC_S_SERVER_TOO_BUSY",
            "The RPC server is too busy to complete this operation.",
        ),
    }
)


def text(code: int) -> str:
    """Return Microsoft's sentence for `code`."""
    return TEXTS[code][1]


def describe(code: int) -> str:
    """Return the sentence with its number, as the pages of AD CS print it.

    An HRESULT of the CA reads ``Text. 0x80094811 (-2146875375 CERTSRV_E_KEY_LENGTH)``; one that
    wraps a Windows or ASN.1 code reads ``Text. 0x80070057 (WIN32: 87 ERROR_INVALID_PARAMETER)``.
    """
    symbol, sentence = TEXTS[code]
    if ":" in symbol:
        return f"{sentence} {code:#x} ({symbol})"
    return f"{sentence} {code:#x} ({code - (1 << 32)} {symbol})"
