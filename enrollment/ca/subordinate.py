"""A CA below another CA: the request it makes, and the answer it takes.

Source: ms-facts section (d.5), the order of a subordinate's extensions; RFC 5280 section 4.2.1.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from enrollment.ca import ca_path, der, names
from enrollment.ca.answer_errors import NameUnusable, OtherKey, OutsideValidity
from enrollment.ca.ca_limits import remarks
from enrollment.ca.composed_request import compose_request
from enrollment.ca.content import (
    CA_VERSION,
    PREVIOUS_CA_HASH,
    TEMPLATE_NAME,
    encode,
    extension,
    key_identifier,
)
from enrollment.ca.template import KeyUsage, key_usage_extension

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from enrollment.ca.issuer import SigningKey
    from enrollment.ca.root import Generation

_USAGES: Final = frozenset({KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_CERT_SIGN, KeyUsage.CRL_SIGN})
# With less, nothing useful can be issued.
_LEAST_LIFETIME: Final = timedelta(days=1)
_MOST_NAMED: Final = 4


@dataclass(frozen=True, slots=True)
class Awaited:
    """A request that waits for its certificate.

    Attributes:
        spki: DER of the key that the certificate must be for.
        subject: DER of the name that was asked for.
        keeps_name: the key has signed before, and what it signed names the CA so.
    """

    spki: bytes
    subject: bytes
    keeps_name: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A certificate that belongs to a request and can be installed.

    Attributes:
        certificate: DER.
        chain: DER of what is above it, nearest first, root last.
        common_name: what the CA is called now; empty where the certificate has none.
        remarks: what its operator should know, in sentences.
    """

    certificate: bytes
    chain: tuple[bytes, ...]
    common_name: str
    remarks: tuple[str, ...]


def subject_of(name: str) -> bytes:
    """Return the subject of a new CA in DER."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]).public_bytes()


def request(
    subject: bytes, key: SigningKey, *, is_enterprise: bool, generation: Generation
) -> bytes:
    """Return the PKCS #10 by which a CA asks for its certificate, in DER.

    It asks for everything a CA certificate holds, so that a parent which copies extensions needs to
    add its own key identifier and addresses only.

    Args:
        subject: a Name in DER.
        key: the CA's key, which signs the request.
        is_enterprise: whether the template name extension says ``SubCA``.
        generation: which certificate of the CA it will be.

    Raises:
        EnrollmentError: the name cannot stand in a certificate.
    """
    spki = key.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    version = generation.key_index << 16 | generation.index
    extensions = [extension(CA_VERSION, der.integer(version))]
    if generation.previous is not None:
        digest = hashlib.sha1(generation.previous, usedforsecurity=False).digest()
        extensions.append(extension(PREVIOUS_CA_HASH, der.octet_string(digest)))
    extensions.append(extension("2.5.29.14", der.octet_string(key_identifier(spki))))
    if is_enterprise:
        extensions.append(extension(TEMPLATE_NAME, der.bmp_string("SubCA")))
    extensions.append(encode(key_usage_extension(_USAGES), critical=True))
    extensions.append(encode(x509.BasicConstraints(ca=True, path_length=None), critical=True))
    return compose_request(subject, key, extensions).pkcs10_der


def for_keys(
    certificates: Sequence[x509.Certificate], awaited: Sequence[Awaited]
) -> tuple[x509.Certificate, Awaited]:
    """Return the certificate that answers one of the requests; of several the youngest.

    Raises:
        OtherKey: there is none; the sentence says what was found and what is wanted.
    """
    by_key = {each.spki: each for each in awaited}
    found = [each for each in certificates if ca_path.spki(each) in by_key]
    if not found:
        raise _other_key(certificates, awaited)
    youngest = max(found, key=lambda each: each.not_valid_before_utc)
    return youngest, by_key[ca_path.spki(youngest)]


def _other_key(certificates: Sequence[x509.Certificate], awaited: Sequence[Awaited]) -> OtherKey:
    found = "; ".join(
        f"{ca_path.called(each)} with {fingerprint(ca_path.spki(each))}"
        for each in certificates[:_MOST_NAMED]
    )
    wanted = " or ".join(fingerprint(each.spki) for each in awaited)
    return OtherKey(
        f"No certificate here is for the key of this CA's request. Found: {found}. Wanted: "
        f"{wanted}. (SHA-256 of the public key.)",
        remedy="Give the certificate that was issued for the newest ca-request.pem; a request that "
        "was made since then has another key.",
    )


def fingerprint(spki: bytes) -> str:
    """Return how a public key is told from others: the beginning of its SHA-256."""
    return f"key {hashlib.sha256(spki).hexdigest()[:16]}"


def judge(
    certificate: x509.Certificate,
    known: Sequence[x509.Certificate],
    awaited: Awaited,
    *,
    now: datetime,
) -> Answer:
    """See whether a certificate can become that of this CA, and find its chain.

    Args:
        certificate: the answer to `awaited`.
        known: what may stand above it, in any order.
        awaited: what was asked for.
        now: timezone-aware UTC.

    Raises:
        AnswerRefused: it cannot; a subclass names the fault.
    """
    _check_name(certificate, awaited)
    above = ca_path.path_to_root(certificate, known, now=now)
    path = (certificate, *above)
    ca_path.check_path(path, now=now)
    left = certificate.not_valid_after_utc - now
    if left < _LEAST_LIFETIME:
        raise OutsideValidity(
            f"{ca_path.called(certificate)} ends on "
            f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC, in less than a day: nothing "
            "useful can be issued below it.",
            remedy="Ask for it again with a longer validity (openssl x509 -req -days 1825).",
        )
    return Answer(
        certificate.public_bytes(Encoding.DER),
        tuple(each.public_bytes(Encoding.DER) for each in above),
        common_name(certificate),
        tuple(remarks(path, awaited.subject, now=now)),
    )


def common_name(certificate: x509.Certificate) -> str:
    """Return the last common name of the subject; empty where there is none."""
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return names.attribute_text(found[-1]) if found else ""


def _check_name(certificate: x509.Certificate, awaited: Awaited) -> None:
    """A parent may name a new CA as it likes, within what works.

    "The issuer field MUST contain a non-empty distinguished name" -- RFC 5280 section 4.1.2.4
    """
    if not certificate.subject.rdns:
        raise NameUnusable(
            "The certificate has an empty subject, so that nothing issued here could name its "
            "issuer.",
            remedy="Ask for it again with the subject of the request.",
        )
    if certificate.subject == certificate.issuer:
        raise NameUnusable(
            f"This CA and the one above it are both called {ca_path.called(certificate)}; programs "
            "then take one for the other.",
            remedy="Choose another name (CERTSRV_CA_NAME) and run 'python manage.py ca request' "
            "again: it makes a request with the same key under the new name.",
        )
    wanted = names.display(x509.Name.from_bytes(awaited.subject))
    if awaited.keeps_name and certificate.subject.public_bytes() != awaited.subject:
        raise NameUnusable(
            f"The certificate is for {ca_path.called(certificate)}, but this key has signed "
            f"certificates and lists in the name of '{wanted}'; under another name (or the same in "
            "another string type) it could no longer publish their lists.",
            remedy="Ask for it again with the subject of the request unchanged, or renew with a "
            "new key: python manage.py ca request --new-key",
        )
