"""Every refusal: the code, what is wrong, and what to do.

A refusal is an `EnrollmentError`. A protocol translates it at its own edge; whatever is not an
`EnrollmentError` is a bug of ours and is shown as an internal error, without its text.
"""

from __future__ import annotations

from typing import ClassVar, Final

from enrollment.ca import hresult
from enrollment.ca.names import visible

PARSING: Final = "Error Parsing Request"
VERIFYING: Final = "Error Verifying Request Signature or Signing Certificate"
POLICY: Final = "Denied by Policy Module"


class EnrollmentError(Exception):
    """A request we refuse, in words its sender can act on.

    `detail` says what is wrong with this request and `remedy` what to change. Both reach the
    sender, so neither may name a file, a key or a query.
    """

    hresult: ClassVar[int]
    stage: ClassVar[str] = POLICY

    def __init__(self, detail: str, *, remedy: str) -> None:
        super().__init__(f"{detail} {remedy}")
        self.detail = detail
        self.remedy = remedy

    @property
    def disposition_message(self) -> str:
        """One line for clients, in the shape of AD CS: stage, two blanks, code, text, detail.

        Clients cut the message at the first double quote, so it holds none.
        Source: certsrv-contract sections 2.3 and 6.
        """
        line = f"{self.stage}  {self.hresult:#x}, {hresult.text(self.hresult)} {self.detail}"
        return " ".join(line.replace('"', "'").splitlines())


class MalformedRequest(EnrollmentError):
    """The octets are not what a request is made of."""

    hresult = hresult.ASN1_BADTAG
    stage = PARSING


class TruncatedRequest(MalformedRequest):
    """The request ends before its own length says."""

    hresult = hresult.ASN1_EOD


class NotARequest(EnrollmentError):
    """Something else was sent, and we can say what."""

    hresult = hresult.ASN1_BADTAG
    stage = PARSING


class NotBase64(NotARequest):
    """The text is not base64."""

    hresult = hresult.INVALID_DATA


class PrivateKeyPasted(NotARequest):
    """The sender's private key has left their machine."""

    hresult = hresult.INVALID_DATA


class RequestTooLarge(EnrollmentError):
    """More than we are willing to read."""

    hresult = hresult.ASN1_LARGE
    stage = PARSING


class RequestAmbiguous(EnrollmentError):
    """Two readings are possible, so neither is taken."""

    hresult = hresult.INVALID_DATA
    stage = PARSING


class SubjectInvalid(EnrollmentError):
    """CERTSRV_E_BAD_REQUESTSUBJECT while reading."""

    hresult = hresult.BAD_REQUEST_SUBJECT
    stage = PARSING


class SignatureInvalid(EnrollmentError):
    """Possession of the private key is not proven."""

    hresult = hresult.NTE_BAD_SIGNATURE
    stage = VERIFYING


class NoSigner(EnrollmentError):
    """A signed message that nobody signed."""

    hresult = hresult.NO_SIGNER
    stage = VERIFYING


class RenewalAttributeInvalid(EnrollmentError):
    """The renewal certificate attribute does not belong to the message."""

    hresult = hresult.BAD_RENEWAL_CERT_ATTRIBUTE
    stage = VERIFYING


class KeyArchivalUnsupported(EnrollmentError):
    """The sender asks us to keep a private key."""

    hresult = hresult.KEY_ARCHIVAL_NOT_CONFIGURED
    stage = PARSING


class SignerNotOurs(EnrollmentError):
    """Signed with a certificate that this CA did not issue."""

    hresult = hresult.UNTRUSTED_ROOT
    stage = VERIFYING


class SignerRevoked(EnrollmentError):
    """Signed with a revoked certificate."""

    hresult = hresult.CERT_REVOKED
    stage = VERIFYING


class SignerExpired(EnrollmentError):
    """Signed with a certificate whose time is over."""

    hresult = hresult.CERT_EXPIRED
    stage = VERIFYING


class SignerNamesDiffer(EnrollmentError):
    """Signed with a certificate of ours that has other names than the request."""

    hresult = hresult.BAD_RENEWAL_SUBJECT


class SignerNotHolder(EnrollmentError):
    """The certificate that signed was issued to somebody else."""

    hresult = hresult.BAD_RENEWAL_SUBJECT


class EnrollDenied(EnrollmentError):
    """The caller may not ask this CA for anything."""

    hresult = hresult.ENROLL_DENIED


class TemplateDenied(EnrollmentError):
    """The caller may not ask for this template."""

    hresult = hresult.TEMPLATE_DENIED


class TemplateNotSupported(EnrollmentError):
    """The template does not exist here, or is not published."""

    hresult = hresult.UNSUPPORTED_CERT_TYPE

    def __init__(self, name: str, *, offered: tuple[str, ...]) -> None:
        names = ", ".join(offered) or "none"
        super().__init__(
            "The request was for a certificate template that is not supported by the Active "
            f"Directory Certificate Services policy: {visible(name)}.",
            remedy=f"Choose a template that this CA offers you: {names}.",
        )

    @property
    def disposition_message(self) -> str:
        """Clients search for this sentence directly after the code."""
        detail = self.detail.replace('"', "'")
        return f"{self.stage}  {self.hresult:#x}, {detail}"


class NoTemplate(EnrollmentError):
    """An enterprise CA was not told which template is meant."""

    hresult = hresult.NO_CERT_TYPE


class TemplateConflict(EnrollmentError):
    """Attribute and extension name different templates."""

    hresult = hresult.TEMPLATE_CONFLICT


class TemplateVersionNewer(EnrollmentError):
    """The request was made for a later version of the template than ours."""

    hresult = hresult.BAD_TEMPLATE_VERSION


class NameMissing(EnrollmentError):
    """Neither a subject nor a subject alternative name."""

    hresult = hresult.BAD_REQUEST_SUBJECT


class NameNotAllowed(EnrollmentError):
    """A name lies outside what the template or the requester may have."""

    hresult = hresult.BAD_REQUEST_SUBJECT


class LimitReached(EnrollmentError):
    """As many certificates as the template allows were issued lately."""

    hresult = hresult.ENROLL_DENIED


class DirectoryNameMissing(EnrollmentError):
    """The template takes a DNS name from the account, and there is none."""

    hresult = hresult.SUBJECT_DNS_REQUIRED


class DirectoryUpnMissing(EnrollmentError):
    """The template takes a UPN from the account, and there is none."""

    hresult = hresult.SUBJECT_UPN_REQUIRED


class DirectoryEmailMissing(EnrollmentError):
    """The template takes an e-mail address from the account, and there is none."""

    hresult = hresult.SUBJECT_EMAIL_REQUIRED


class KeyTooShort(EnrollmentError):
    """CERTSRV_E_KEY_LENGTH."""

    hresult = hresult.KEY_LENGTH

    def __init__(self, *, key: str, minimum: int, template: str) -> None:
        super().__init__(
            f"The key of the request is {key}; template '{template}' needs at least {minimum} "
            "bits.",
            remedy=f"Make a new key of {minimum} bits or more and request again.",
        )


class KeyTooLarge(EnrollmentError):
    """More bits than any client can use."""

    hresult = hresult.ASN1_LARGE
    stage = PARSING


class KeyWeak(EnrollmentError):
    """The key has the right size and is known to be breakable."""

    hresult = hresult.WEAK_SIGNATURE_OR_KEY


class KeyCompromised(EnrollmentError):
    """The key belongs to a certificate that was revoked because the key is in other hands."""

    hresult = hresult.CERT_REVOKED

    def __init__(self, *, serial_number: str, reason: str) -> None:
        super().__init__(
            f"The key of the request belongs to the certificate {serial_number}, which was revoked "
            f"because of {reason}: others may have it.",
            remedy="Make a new key and request again; use the old key nowhere. No certificate is "
            "issued for it again.",
        )


class KeyKindNotAllowed(EnrollmentError):
    """An algorithm or curve that the template does not take."""

    hresult = hresult.WEAK_SIGNATURE_OR_KEY


class SignatureTooWeak(EnrollmentError):
    """The request is signed with a broken hash."""

    hresult = hresult.WEAK_SIGNATURE_OR_KEY


class SignatureUnverifiable(EnrollmentError):
    """The request is signed in a way this CA cannot check."""

    hresult = hresult.NTE_BAD_ALGID


class RenewalKeyDiffers(EnrollmentError):
    """The template wants the same key at renewal."""

    hresult = hresult.RENEWAL_BAD_PUBLIC_KEY


class SignaturePolicyRequired(EnrollmentError):
    """The signature of an enrollment agent is wanted, and there is none."""

    hresult = hresult.SIGNATURE_POLICY_REQUIRED


class AgentSignaturesTooFew(EnrollmentError):
    """Fewer enrollment agents signed than the template wants."""

    hresult = hresult.SIGNATURE_COUNT


class AgentSignatureRejected(EnrollmentError):
    """Signed for somebody else with a certificate that is none of an enrollment agent."""

    hresult = hresult.SIGNATURE_REJECTED


class AgentNotGranted(EnrollmentError):
    """No grant lets this agent ask for this certificate for this account."""

    hresult = hresult.ENROLL_DENIED


class LintRefused(EnrollmentError):
    """The certificate that would result breaks a rule of RFC 5280."""

    hresult = hresult.INVALID_DATA


class IssuerEnding(EnrollmentError):
    """The CA certificate ends too soon to issue anything below it."""

    hresult = hresult.CERT_EXPIRED


class NoCaBelow(EnrollmentError):
    """The path length of the CA's own chain leaves no room for another CA."""

    hresult = hresult.CERT_PATH_LENGTH


class DeniedByManager(EnrollmentError):
    """A certificate manager said no."""

    hresult = hresult.ADMIN_DENIED_REQUEST
