"""A request inside a signed message: renewals, agents, and new requests by Windows.

Three things are told apart here, and none is decided: who holds the new key (proof of possession),
which certificate signed, and whether the marks of a renewal hold. Whether that certificate is ours
and still good is for the service to find out.

Source: MS-WCCE 3.2.1.4.2.1.4.2; RFC 5272 section 4.2; ms-facts sections b.1 to b.3.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from enrollment.ca import cmc, cms, microsoft, on_behalf, recognize
from enrollment.ca.certification_request import CertificationRequest, RequestForm, read_pkcs10
from enrollment.ca.errors import (
    NoSigner,
    NotARequest,
    RenewalAttributeInvalid,
    RequestAmbiguous,
    SignatureInvalid,
)
from enrollment.ca.recognize import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from enrollment.ca import ber
    from enrollment.ca.signatures import SignatureFacts

_REMEDY: Final = "Sign the request again with its own tool and send the new file unchanged."
_RENEW_AGAIN: Final = "Start the renewal again from the certificate that is to be renewed."


@dataclass(slots=True)
class _Proofs:
    """What the signatures of one message have proven."""

    own_key: SignatureFacts | None = None
    certificates: list[bytes] = field(default_factory=list)
    # Whom each signature names, as far as it covers a name; those of certificates apart.
    named: list[str] = field(default_factory=list)
    named_by_own_key: list[str] = field(default_factory=list)
    weak: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def read_signed_request(octets: bytes, remarks: tuple[str, ...] = ()) -> CertificationRequest:
    """Read PKCS #7 or CMC around one PKCS #10 and verify every signature in it.

    Raises:
        EnrollmentError: a subclass that says which of the parts is wrong.
    """
    message = cms.read_signed_data(octets)
    _refuse_unsigned(message)
    form, inner, pairs, added = _open(message)
    for signer in message.signers:
        microsoft.refuse_key_archival(signer.attributes)
    microsoft.refuse_key_archival(added)
    request = read_pkcs10(inner, null_signature_allowed=form is RequestForm.CMC)
    facts = _with_message_facts(request, message, pairs, added)
    _check_renewal_attribute(message, facts.renewal_certificate)
    proofs = _verify(message, request)
    signer_certificate = _signer_certificate(proofs, facts.renewal_certificate)
    content_pairs = (*pairs, *_added_pairs(added))
    return replace(
        _proven(request, proofs),
        der=octets,
        form=form,
        microsoft=facts,
        signer_certificate=signer_certificate,
        signer_certificates=tuple(dict.fromkeys(proofs.certificates)),
        on_behalf_of=on_behalf.named(
            on_behalf.name_among(content_pairs), proofs.named, proofs.named_by_own_key
        ),
        weak_signers=tuple(dict.fromkeys(proofs.weak)),
        is_renewal=facts.renewal_certificate is not None,
        remarks=(*remarks, *request.remarks, *proofs.remarks),
    )


def _refuse_unsigned(message: cms.SignedData) -> None:
    if message.content is None:
        raise NotARequest(
            "This is a PKCS #7 file with certificates in it (.p7b), not a certification request.",
            remedy="Send the request that was made with the key, not the chain.",
        )
    if not message.signers:
        raise NoSigner("The message around the request is not signed.", remedy=_REMEDY)


def _open(
    message: cms.SignedData,
) -> tuple[
    RequestForm,
    bytes,
    tuple[tuple[str, str], ...],
    Mapping[str, tuple[ber.Node, ...]],
]:
    """Return the form, the PKCS #10, and the pairs and attributes that came beside it."""
    content = message.content or b""
    if message.content_type == cms.PKI_DATA:
        pki = cmc.read_pki_data(content)
        return RequestForm.CMC, pki.pkcs10, pki.pairs, pki.attributes
    if message.content_type != cms.DATA:
        raise RequestAmbiguous(
            f"The signed message holds content of type {message.content_type}, not a request.",
            remedy="Send a PKCS #10 request, alone or inside PKCS #7 or CMC.",
        )
    kind = recognize.recognize(content)
    if kind is not Kind.PKCS10:
        raise RequestAmbiguous(
            f"The signed message holds {kind.value} instead of one PKCS #10 request.",
            remedy="Send a PKCS #10 request, alone or inside PKCS #7 or CMC.",
        )
    return RequestForm.PKCS7, content, (), {}


def _with_message_facts(
    request: CertificationRequest,
    message: cms.SignedData,
    pairs: tuple[tuple[str, str], ...],
    added: Mapping[str, tuple[ber.Node, ...]],
) -> microsoft.MicrosoftFacts:
    """Add what stands outside the PKCS #10: client information and name-value pairs."""
    facts = request.microsoft
    signed_pairs = microsoft.read_name_value_pairs(
        [
            value
            for signer in message.signers
            for value in signer.signed_attributes.get(microsoft.NAME_VALUE_PAIR, ())
        ]
    )
    facts = facts.with_pairs((*_added_pairs(added), *pairs, *signed_pairs))
    if facts.client_info is None:
        client_info = microsoft.read_client_info(added.get(microsoft.CLIENT_INFO, ()))
        facts = replace(facts, client_info=client_info)
    return facts


def _added_pairs(added: Mapping[str, tuple[ber.Node, ...]]) -> tuple[tuple[str, str], ...]:
    return microsoft.read_name_value_pairs(added.get(microsoft.NAME_VALUE_PAIR, ()))


def _check_renewal_attribute(message: cms.SignedData, certificate: bytes | None) -> None:
    """The certificate that is to be renewed must come in the message as well."""
    if certificate is None:
        return
    if certificate not in {each.der for each in message.certificates}:
        raise RenewalAttributeInvalid(
            "The request names a certificate to renew, but that certificate is not in the signed "
            "message.",
            remedy=_RENEW_AGAIN,
        )


def _verify(message: cms.SignedData, request: CertificationRequest) -> _Proofs:
    """Verify every signer; one wrong signature refuses the whole message."""
    proofs = _Proofs()
    for signer in message.signers:
        if signer.proves_nothing:
            proofs.remarks.append("a signer of the message left no signature")
            continue
        certificate = message.certificate_of(signer)
        named = on_behalf.name_among(
            microsoft.read_name_value_pairs(
                signer.signed_attributes.get(microsoft.NAME_VALUE_PAIR, ())
            )
        )
        if certificate is not None:
            facts = cms.verify_signer(message, signer, cms.load_key(certificate))
            proofs.certificates.append(certificate.der)
            proofs.named.append(named)
            if facts.weak:
                proofs.weak.append(facts.algorithm)
        elif signer.key_identifier is not None and request.public_key is not None:
            # Windows signs a new request with its own key and names it by an identifier that need
            # not be the SHA-1 of the key: ms-facts section b.3.
            facts = cms.verify_signer(message, signer, request.public_key)
            proofs.own_key = facts
            proofs.named_by_own_key.append(named)
        else:
            raise SignatureInvalid(
                "The certificate that signed the message is not in it, so the signature cannot be "
                "verified.",
                remedy=_REMEDY,
            )
        if facts.weak:
            proofs.remarks.append(f"the message is signed with {facts.algorithm}, a broken hash")
    if proofs.own_key is None and not proofs.certificates:
        raise NoSigner("No signer of the message left a signature.", remedy=_REMEDY)
    return proofs


def _signer_certificate(proofs: _Proofs, renewed: bytes | None) -> bytes | None:
    """Return the certificate that signed; in a renewal it must be the old one.

    Raises:
        SignatureInvalid: a renewal that the old certificate did not sign.
    """
    if renewed is None:
        return proofs.certificates[0] if proofs.certificates else None
    if renewed not in proofs.certificates:
        raise SignatureInvalid(
            "The renewal is not signed by the certificate that it asks to renew.",
            remedy=_RENEW_AGAIN,
        )
    return renewed


def _proven(request: CertificationRequest, proofs: _Proofs) -> CertificationRequest:
    """Take the outer signature as proof of possession where the inner one is only a hash.

    Source: MS-WCCE 2.2.2.6.5: only in CMC, and only with a signer that is the request's own key.
    """
    if not request.has_null_signature:
        return request
    if proofs.own_key is None:
        raise SignatureInvalid(
            "The request carries a hash instead of a signature, and no signature of the message "
            "was made with its key.",
            remedy=_REMEDY,
        )
    return replace(request, signature=proofs.own_key, has_null_signature=False, unverifiable=None)
