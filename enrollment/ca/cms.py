"""Signed messages around a request: PKCS #7 and CMS SignedData, read and verified.

Windows signs a renewal in ways that strict verifiers refuse: without signed attributes, with plain
rsaEncryption, with a signer that is only a subject key identifier. All of that is legal CMS and is
verified here.

Source: RFC 5652 sections 3 and 5; RFC 2315 section 9; MS-WCCE 2.2.2.6; ms-facts section (b).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

from enrollment.ca import ber, der, keys, signatures
from enrollment.ca.errors import (
    MalformedRequest,
    RequestTooLarge,
    SignatureInvalid,
    SignatureUnverifiable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

DATA: Final = "1.2.840.113549.1.7.1"
PKI_DATA: Final = "1.3.6.1.5.5.7.12.2"
_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
_CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
_NO_SIGNATURE: Final = "1.3.6.1.5.5.7.6.2"
_SUBJECT_KEY_IDENTIFIER: Final = b"\x06\x03\x55\x1d\x0e"
_KEY_ALGORITHMS: Final = frozenset(
    {"1.2.840.113549.1.1.1", "1.2.840.10045.2.1", "1.2.840.10040.4.1"}
)

MAX_CERTIFICATES: Final = 16
MAX_SIGNERS: Final = 8
_CONTEXT_0: Final = 0xA0
_CONTEXT_1: Final = 0xA1
_KEY_IDENTIFIER: Final = 0x80

_REMEDY: Final = "Sign the request again with its own tool and send the new file unchanged."


@dataclass(frozen=True, slots=True)
class IncludedCertificate:
    """A certificate that came in the message; nothing about it is trusted."""

    der: bytes
    issuer: bytes
    serial: bytes
    spki: bytes

    def has_key_identifier(self, identifier: bytes) -> bool:
        """Whether `identifier` names this key: by the extension, or as the SHA-1 of the key."""
        if _SUBJECT_KEY_IDENTIFIER in self.der and der.octet_string(identifier) in self.der:
            return True
        key_bits = ber.read(self.spki).children()[1].content[1:]
        return hashlib.sha1(key_bits, usedforsecurity=False).digest() == identifier


@dataclass(frozen=True, slots=True)
class Signer:
    """One SignerInfo.

    Attributes:
        issuer_and_serial: the name and number of the certificate that signed, or None.
        key_identifier: the identifier of the key that signed, or None.
        signed: the signed attributes as received, or None when there are none.
        attributes: the values of signed and unsigned attributes, by object identifier.
    """

    issuer_and_serial: tuple[bytes, bytes] | None
    key_identifier: bytes | None
    digest: tuple[str, hashes.HashAlgorithm] | None
    signed: ber.Node | None
    attributes: Mapping[str, tuple[ber.Node, ...]]
    algorithm: ber.Node
    signature: bytes

    @property
    def signed_attributes(self) -> Mapping[str, tuple[ber.Node, ...]]:
        """The attributes that the signature covers: nobody could change them on the way."""
        return read_attributes([self.signed]) if self.signed is not None else {}

    @property
    def proves_nothing(self) -> bool:
        """Whether this is the no-signature mark of RFC 5272 section 5.3.1."""
        return ber.object_identifier(self.algorithm.children()[0], "The algorithm") == _NO_SIGNATURE


@dataclass(frozen=True, slots=True)
class SignedData:
    """A signed message; `content` is None when there is none, as in a bag of certificates."""

    content_type: str
    content: bytes | None
    certificates: tuple[IncludedCertificate, ...]
    signers: tuple[Signer, ...]

    def certificate_of(self, signer: Signer) -> IncludedCertificate | None:
        """Find the certificate in the message that `signer` names."""
        if signer.issuer_and_serial is not None:
            issuer, serial = signer.issuer_and_serial
            same = [each for each in self.certificates if each.serial == serial]
            # Some programs re-encode the issuer's name; the signature decides in the end.
            exact = [each for each in same if each.issuer == issuer]
            return next(iter(exact or same), None)
        identifier = signer.key_identifier
        if identifier is None:
            return None
        return next(
            (each for each in self.certificates if each.has_key_identifier(identifier)), None
        )


def read_signed_data(octets: bytes) -> SignedData:
    """Read a ContentInfo that holds SignedData; nothing is verified yet.

    Raises:
        MalformedRequest: it is not well-formed.
        RequestTooLarge: too many certificates or signers.
    """
    content_type, wrapped = _children(ber.read(octets), 2, "The signed message")
    if ber.object_identifier(content_type, "The type of the message") != _SIGNED_DATA:
        raise MalformedRequest("The message is not signed.", remedy=_REMEDY)
    fields = _only(wrapped.expect(_CONTEXT_0, "The signed message")).children()
    if len(fields) < 4:  # noqa: PLR2004 - version, digests, content, signers
        raise MalformedRequest("The signed message is incomplete.", remedy=_REMEDY)
    inner = fields[2].expect(der.SEQUENCE, "The content of the message").children()
    if not inner:
        raise MalformedRequest("The content of the message is empty.", remedy=_REMEDY)
    certificates: tuple[IncludedCertificate, ...] = ()
    for field in fields[3:-1]:
        if field.tag == _CONTEXT_0:
            certificates = _certificates(field)
    signers = fields[-1].expect(der.SET, "The list of signers")
    return SignedData(
        ber.object_identifier(inner[0], "The type of the content"),
        _content(inner[1]) if len(inner) > 1 else None,
        certificates,
        tuple(_signer(node) for node in _bounded(signers, MAX_SIGNERS, "signers")),
    )


def _content(node: ber.Node) -> bytes:
    inner = _only(node.expect(_CONTEXT_0, "The content of the message"))
    if inner.tag & ~ber.CONSTRUCTED != der.OCTET_STRING:
        inner.expect(der.OCTET_STRING, "The content of the message")
    return ber.string_octets(inner)


def _children(node: ber.Node, count: int, what: str) -> list[ber.Node]:
    children = node.expect(der.SEQUENCE, what).children()
    if len(children) < count:
        raise MalformedRequest(f"{what} is incomplete.", remedy=_REMEDY)
    return children[:count]


def _only(node: ber.Node) -> ber.Node:
    inner = next(node.walk(), None)
    if inner is None:
        raise MalformedRequest("The signed message is empty.", remedy=_REMEDY)
    return inner


def _bounded(node: ber.Node, most: int, what: str) -> list[ber.Node]:
    children: list[ber.Node] = []
    for child in node.walk():
        if len(children) == most:
            raise RequestTooLarge(f"The message has more than {most} {what}.", remedy=_REMEDY)
        children.append(child)
    return children


def _certificates(node: ber.Node) -> tuple[IncludedCertificate, ...]:
    found = _bounded(node, MAX_CERTIFICATES, "certificates")
    return tuple(_certificate(each) for each in found if each.tag == der.SEQUENCE)


def _certificate(node: ber.Node) -> IncludedCertificate:
    what = "A certificate in the message"
    fields = next(node.walk(), node).expect(der.SEQUENCE, what).children()
    if fields and fields[0].tag == _CONTEXT_0:
        fields = fields[1:]
    if len(fields) < 6:  # noqa: PLR2004 - serial … SubjectPublicKeyInfo
        raise MalformedRequest(f"{what} is incomplete.", remedy=_REMEDY)
    keys.describe_public_key(fields[5].octets)
    return IncludedCertificate(
        node.octets, fields[2].octets, fields[0].content.lstrip(b"\x00"), fields[5].octets
    )


def _signer(node: ber.Node) -> Signer:
    _, sid, digest_node, *rest = _children(node, 3, "A signer") + node.children()[3:]
    signed = rest.pop(0) if rest and rest[0].tag == _CONTEXT_0 else None
    if len(rest) < 2:  # noqa: PLR2004 - algorithm and signature
        raise MalformedRequest("A signer is incomplete.", remedy=_REMEDY)
    algorithm = rest[0].expect(der.SEQUENCE, "The algorithm of a signer")
    if not algorithm.children():
        raise MalformedRequest("The algorithm of a signer is empty.", remedy=_REMEDY)
    unsigned = next((field for field in rest[2:] if field.tag == _CONTEXT_1), None)
    issuer_and_serial = key_identifier = None
    if sid.tag == der.SEQUENCE:
        issuer, serial = _children(sid, 2, "The name of a signer")
        issuer_and_serial = (issuer.octets, serial.content.lstrip(b"\x00"))
    elif sid.tag & ~ber.CONSTRUCTED == _KEY_IDENTIFIER:
        key_identifier = ber.string_octets(sid)
    else:
        raise MalformedRequest("A signer has no name.", remedy=_REMEDY)
    return Signer(
        issuer_and_serial,
        key_identifier,
        signatures.read_hash(digest_node, "The hash of a signer"),
        signed,
        read_attributes([each for each in (signed, unsigned) if each is not None]),
        algorithm,
        ber.string_octets(rest[1]),
    )


def read_attributes(lists: Sequence[ber.Node]) -> dict[str, tuple[ber.Node, ...]]:
    """Read lists of attributes into one mapping; equal ones are joined."""
    found: dict[str, tuple[ber.Node, ...]] = {}
    for listed in lists:
        for attribute in _bounded(listed, 64, "attributes"):
            oid_node, values = _children(attribute, 2, "An attribute of a signer")
            oid = ber.object_identifier(oid_node, "The type of an attribute")
            found[oid] = found.get(oid, ()) + tuple(values.walk())
    return found


def load_key(certificate: IncludedCertificate) -> PublicKeyTypes:
    """Return the key of a certificate in the message.

    Raises:
        SignatureUnverifiable: its kind is not known here, or it is damaged.
    """
    try:
        return x509.load_der_x509_certificate(certificate.der).public_key()
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        raise SignatureUnverifiable(
            "The certificate that signed the message has a key that this CA cannot use.",
            remedy="Send the request without the signature around it, as plain PKCS #10.",
        ) from None


def verify_signer(
    message: SignedData, signer: Signer, public_key: PublicKeyTypes
) -> signatures.SignatureFacts:
    """Verify one signature of the message and say how it was made.

    Raises:
        SignatureInvalid: content, attributes or signature were changed.
        SignatureUnverifiable: this CA cannot compute the algorithm.
    """
    content = message.content or b""
    algorithm = _algorithm(signer, public_key)
    reason = None
    for octets in _signed_octets(message.content_type, signer, content):
        try:
            reason = signatures.verify(
                public_key, algorithm, signer.signature, octets, what="The message"
            )
            break
        except SignatureInvalid as error:
            failure = error
    else:
        raise failure
    if reason is not None:
        raise SignatureUnverifiable(
            reason, remedy="Send the request without the signature around it, as plain PKCS #10."
        )
    return _with_digest(algorithm.facts, signer)


def _with_digest(facts: signatures.SignatureFacts, signer: Signer) -> signatures.SignatureFacts:
    """Mark a signature as weak whose attributes name the content by a broken hash."""
    if signer.signed is None or signer.digest is None or facts.weak:
        return facts
    if not signatures.is_weak(signer.digest[0]):
        return facts
    return replace(facts, algorithm=f"{facts.algorithm} over {signer.digest[0].upper()}", weak=True)


def _algorithm(signer: Signer, public_key: PublicKeyTypes) -> signatures.SignatureAlgorithm:
    """Windows names the key's algorithm only; the hash stands in digestAlgorithm then."""
    oid = ber.object_identifier(signer.algorithm.children()[0], "The algorithm of a signer")
    if oid in _KEY_ALGORITHMS and signer.digest is not None:
        combined = signatures.for_key(public_key, signer.digest[0])
        if combined is not None:
            return combined
    return signatures.read_algorithm(signer.algorithm)


def _signed_octets(content_type: str, signer: Signer, content: bytes) -> list[bytes]:
    """Return what may have been signed: as received, then as strict DER.

    "A separate encoding of the signedAttrs field is performed for message digest calculation …
    an EXPLICIT SET OF tag is used" -- RFC 5652 section 5.4

    Raises:
        SignatureInvalid: the signed attributes do not fit the content.
    """
    if signer.signed is None:
        return [content]
    _check_attributes(content_type, signer, content)
    strict = der.set_of(*(ber.canonical(each.octets) for each in signer.signed.walk()))
    received = der.tlv(der.SET, signer.signed.content)
    return [received] if received == strict else [received, strict]


def _check_attributes(content_type: str, signer: Signer, content: bytes) -> None:
    # Only what the signature covers: anybody adds an unsigned attribute.
    signed = signer.signed_attributes
    digests, types = signed.get(_MESSAGE_DIGEST, ()), signed.get(_CONTENT_TYPE, ())
    if len(digests) != 1 or signer.digest is None:
        raise SignatureInvalid(
            "The signature of the message names no hash of its content.", remedy=_REMEDY
        )
    computed = hashes.Hash(signer.digest[1])
    computed.update(content)
    if computed.finalize() != ber.string_octets(digests[0]):
        raise SignatureInvalid(
            "The content of the message was changed after it was signed.", remedy=_REMEDY
        )
    # "A content-type attribute" is mandatory, and "MUST have a single attribute value"
    # -- RFC 5652 sections 5.3 and 11.1
    named = [ber.object_identifier(each, "The signed content type") for each in types]
    if named != [content_type]:
        raise SignatureInvalid(
            "The signature was made for another type of content, or does not say for which.",
            remedy=_REMEDY,
        )
