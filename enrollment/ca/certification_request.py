"""A certification request as one value, and how a PKCS #10 becomes one.

Source: RFC 2986; RFC 2985 section 5.4; MS-WCCE 2.2.2.6.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

from enrollment.ca import (
    ber,
    der,
    extensions,
    keys,
    microsoft,
    pkcs10,
    pss_keys,
    signatures,
    subject,
    weakkeys,
)
from enrollment.ca.errors import KeyWeak, MalformedRequest, SignatureInvalid, SubjectInvalid
from enrollment.ca.keys import KeyKind, PublicKeyFacts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

    from enrollment.ca.extensions import RequestedExtension
    from enrollment.ca.microsoft import MicrosoftFacts
    from enrollment.ca.signatures import SignatureFacts

MAX_ALTERNATIVE_NAMES: Final = 500
CHALLENGE_PASSWORD: Final = "1.2.840.113549.1.9.7"  # noqa: S105 - an identifier
_STRINGS: Final = frozenset({bytes((der.UTF8_STRING,)), bytes((der.IA5_STRING,))})

_NOT_PROVEN: Final = "Nothing in the request proves possession of the private key."
_NEW_KEY: Final = "Make a new key and request again, for example RSA of 3072 bits or EC P-256."


class RequestForm(StrEnum):
    """What the PKCS #10 came in."""

    PKCS10 = "pkcs10"
    PKCS7 = "pkcs7"
    CMC = "cmc"


@dataclass(frozen=True, slots=True)
class CertificationRequest:
    """A request whose proof of possession was verified, unless `unverifiable` says why not.

    Attributes:
        der: the whole message as received: PKCS #10, or CMS around it.
        pkcs10_der: the inner PKCS #10 as received.
        subject_der: strict DER of the subject, string types kept.
        spki_der: strict DER of the SubjectPublicKeyInfo.
        public_key: None when the kind cannot be loaded; policy refuses by `key` then.
        challenge_password: one was sent; its value is never kept.
        signer_certificate: DER of the certificate that signed the CMS message, if one did.
        signer_certificates: DER of every certificate that did, each once.
        on_behalf_of: whom the signatures name as the one the certificate is for; empty for the
            sender. Who that is, and whether they may, is not decided here.
        weak_signers: by which broken algorithms certificates signed the message, in words.
        is_renewal: all marks of a renewal hold; whether the old certificate is ours is not
            decided here.
        has_null_signature: it carries the hash of its content instead of a signature, which
            proves nothing by itself; never true in what `parse_certification_request` returns.
        remarks: what was tolerated, in words.
        unverifiable: why the proof of possession cannot be checked here; policy refuses.
    """

    der: bytes
    form: RequestForm
    pkcs10_der: bytes
    subject: x509.Name
    subject_der: bytes
    spki_der: bytes
    public_key: PublicKeyTypes | None
    key: PublicKeyFacts
    signature: SignatureFacts
    subject_alternative_name: tuple[x509.GeneralName, ...]
    extensions: tuple[RequestedExtension, ...]
    key_usage: x509.KeyUsage | None
    challenge_password: bool
    microsoft: MicrosoftFacts
    signer_certificate: bytes | None = None
    signer_certificates: tuple[bytes, ...] = ()
    on_behalf_of: str = ""
    weak_signers: tuple[str, ...] = ()
    is_renewal: bool = False
    has_null_signature: bool = False
    remarks: tuple[str, ...] = ()
    unverifiable: str | None = None


def read_pkcs10(
    octets: bytes,
    remarks: tuple[str, ...] = (),
    *,
    null_signature_allowed: bool = False,
    loaded: x509.CertificateSigningRequest | None = None,
) -> CertificationRequest:
    """Read one PKCS #10 and verify its own signature.

    Args:
        octets: exactly one request.
        remarks: what was tolerated before this point.
        null_signature_allowed: the caller has another proof of possession to look at.
        loaded: the same octets, where the caller has loaded them already.

    Raises:
        EnrollmentError: a subclass that says what is wrong.
    """
    parts = pkcs10.split(octets, loaded)
    key = keys.describe_public_key(parts.spki_der)
    public_key = _load_key(parts, key)
    algorithm = signatures.read_algorithm(parts.algorithm)
    subject.check_name(parts.subject)
    requested = extensions.read_extensions(
        [
            value
            for oid in parts.attributes.keys() & extensions.ATTRIBUTES
            for value in parts.attributes[oid]
        ],
        parts.loaded,
    )
    _check_alternative_names(requested.subject_alternative_name)
    facts = microsoft.read_facts(parts.attributes, requested.all)
    is_null = null_signature_allowed and _is_null_signature(parts, algorithm)
    return CertificationRequest(
        der=octets,
        form=RequestForm.PKCS10,
        pkcs10_der=octets,
        subject=parts.subject,
        subject_der=parts.subject_der,
        spki_der=parts.spki_der,
        public_key=public_key,
        key=key,
        signature=algorithm.facts,
        subject_alternative_name=requested.subject_alternative_name,
        extensions=requested.all,
        key_usage=requested.key_usage,
        challenge_password=CHALLENGE_PASSWORD in parts.attributes,
        microsoft=facts,
        remarks=(*remarks, *parts.remarks, *requested.remarks),
        has_null_signature=is_null,
        unverifiable=_NOT_PROVEN if is_null else _prove(parts, key, public_key, algorithm),
    )


def _is_null_signature(parts: pkcs10.Parts, algorithm: signatures.SignatureAlgorithm) -> bool:
    """Whether the hash of the content stands where a signature should be.

    Source: MS-WCCE 2.2.2.6.5.
    """
    digest = signatures.hash_of(algorithm.facts.oid)
    if digest is None:
        return False
    computed = hashes.Hash(digest)
    computed.update(parts.info)
    return computed.finalize() == parts.signature


def _load_key(parts: pkcs10.Parts, key: PublicKeyFacts) -> PublicKeyTypes | None:
    """Let `cryptography` load the key; None when it does not know the kind.

    Raises:
        KeyWeak: an RSA key with numbers that no library computes with.
        MalformedRequest: the key is damaged, or its point is not on the curve.
    """
    if key.kind is KeyKind.OTHER and key.algorithm != keys.EC_KEY:
        return None
    try:
        return parts.loaded.public_key()
    except UnsupportedAlgorithm:
        return None
    except ValueError:
        if key.kind is KeyKind.OTHER:
            return None
    if key.kind is KeyKind.RSA:
        modulus, exponent = keys.rsa_numbers(parts.spki_der)
        reason = weakkeys.rsa_weakness(modulus, exponent)
        if reason is not None:
            raise KeyWeak(f"The key is not safe to use: {reason}.", remedy=_NEW_KEY)
    raise MalformedRequest(
        f"The public key ({key.name}) is damaged: its numbers do not form a key of that kind.",
        remedy=_NEW_KEY,
    )


def _prove(
    parts: pkcs10.Parts,
    key: PublicKeyFacts,
    public_key: PublicKeyTypes | None,
    algorithm: signatures.SignatureAlgorithm,
) -> str | None:
    """Verify possession of the private key; return why that is impossible here, or None."""
    if signatures.hash_of(algorithm.facts.oid) is not None:
        raise SignatureInvalid(
            "The request carries a hash instead of a signature, which proves nothing.",
            remedy="Make the request again with the program that holds the private key.",
        )
    if public_key is None:
        return (
            f"The key of the request is {key.name} and it is signed with "
            f"{algorithm.facts.algorithm}; this CA cannot verify that."
        )
    pss_keys.check(parts.spki_der, algorithm)
    return signatures.verify(public_key, algorithm, parts.signature, parts.info)


def _check_alternative_names(names: tuple[x509.GeneralName, ...]) -> None:
    if len(names) > MAX_ALTERNATIVE_NAMES:
        raise SubjectInvalid(
            f"The request holds {len(names):,} alternative names; at most "
            f"{MAX_ALTERNATIVE_NAMES} are read.",
            remedy="Split the names over several requests.",
        )
    texts = (text for name in names for text in _texts(name))
    subject.check_values(texts, "The subject alternative name")


def _texts(name: x509.GeneralName) -> Iterator[str]:
    """Give what is text in a name: of a directory name each value, of another name a string."""
    if isinstance(name, x509.DirectoryName):
        yield from (part.value for part in name.value if isinstance(part.value, str))
    elif isinstance(name, x509.OtherName):
        if name.value[:1] in _STRINGS:
            yield ber.read(name.value).content.decode(errors="replace")
    elif isinstance(name.value, str):
        yield name.value
