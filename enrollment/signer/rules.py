"""What the signer signs, and with which key: everything else is refused with a sentence.

A key of the CA signs certificates whose content is committed in the database, and revocation lists
in the CA's name. A key that was made for an OCSP responder signs OCSP answers and the request for
its own certificate. Certificates of the CA itself are signed by commands, never by this process.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Final

from cryptography import x509

from enrollment import conf
from enrollment.keys import Signer
from enrollment.keys.reference import TokenReference, parse
from enrollment.keys.signer import spki
from enrollment.models import Authority, SigningRecord
from enrollment.signer.content import Content, Kind, UnknownContent, classify

RESPONDER_NAME: Final = re.compile(r"ocsp-[0-9]{1,6}")
_RESPONDER_KEY: Final = re.compile(r"(?:keys/)?ocsp-[0-9]{1,6}-[0-9a-f]{8}(?:\.pem)?")


class Refusal(Exception):
    """The signer does not do this; the text says why."""


def known(reference: str) -> list[Authority]:
    """Return the CA certificates of a key; none for a responder's key.

    Raises:
        Refusal: it is no key of this CA.
    """
    rows = list(Authority.objects.filter(key_reference=reference))
    if not rows and not _is_responder_key(reference):
        raise Refusal(f"{reference!r} is no key of this CA.")
    return rows


def _is_responder_key(reference: str) -> bool:
    place = parse(reference)
    if isinstance(place, TokenReference):
        of_ours = place.token == conf.current().token_name
        return of_ours and bool(_RESPONDER_KEY.fullmatch(place.label))
    return reference.startswith("keys/") and bool(_RESPONDER_KEY.fullmatch(reference))


def judge(reference: str, signer: Signer, message: bytes) -> Content:
    """Say what a content is, when this key may sign it.

    Raises:
        Refusal: it may not.
    """
    try:
        content = classify(message)
    except UnknownContent as error:
        raise Refusal(str(error)) from error
    rows = known(reference)
    rule = (_OF_THE_CA if rows else _OF_A_RESPONDER).get(content.kind)
    if rule is None:
        whose = "the CA" if rows else "an OCSP responder"
        raise Refusal(f"A key of {whose} never signs a {content.kind} here.")
    if content.algorithm and content.algorithm != signer.signature_algorithm:
        raise Refusal("The content names another signature algorithm than that of the key.")
    rule(content, message, rows, signer)
    return content


def _certificate(content: Content, message: bytes, rows: list[Authority], _: Signer) -> None:
    _in_the_name_of_the_ca(content, rows)
    digest = hashlib.sha256(message).hexdigest()
    committed = SigningRecord.objects.filter(
        serial_number=f"{content.serial_number:x}",
        digest=digest,
        state=SigningRecord.State.COMMITTED,
        authority__in=rows,
    ).first()
    if committed is None or bytes(committed.tbs) != message:
        raise Refusal(
            f"No committed record has the digest {digest}: this certificate was not decided."
        )


def _list(content: Content, _message: bytes, rows: list[Authority], _: Signer) -> None:
    _in_the_name_of_the_ca(content, rows)


def _in_the_name_of_the_ca(content: Content, rows: list[Authority]) -> None:
    names = (x509.load_der_x509_certificate(bytes(row.der)).subject.public_bytes() for row in rows)
    if content.issuer not in names:
        raise Refusal(f"The {content.kind} names another issuer than the CA of this key.")


def _own_request(content: Content, _message: bytes, _rows: list[Authority], signer: Signer) -> None:
    if content.spki != spki(signer.public_key):
        raise Refusal("The request is for another key than the one that shall sign it.")


def _answer(_content: Content, _message: bytes, _rows: list[Authority], _: Signer) -> None:
    """Every OCSP answer: what it says is the database's matter, and its life is short."""


_Rule = Callable[[Content, bytes, list[Authority], Signer], None]
_OF_THE_CA: Final[Mapping[Kind, _Rule]] = {Kind.CERTIFICATE: _certificate, Kind.LIST: _list}
_OF_A_RESPONDER: Final[Mapping[Kind, _Rule]] = {Kind.ANSWER: _answer, Kind.REQUEST: _own_request}
