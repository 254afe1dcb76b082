"""What kind of content is to be signed, told from its outermost structure alone.

The four kinds begin differently, so octets of one kind can never be read as another: a certificate
with its version in [0] (RFC 5280 section 4.1), a list with version 1 and a time in the fourth place
(section 5.1), a request with version 0 (RFC 2986 section 4.1), an OCSP answer with its responder in
[1] or [2] (RFC 6960 section 4.2.1). Whatever is none of them is never signed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Final

from enrollment.ca import ber
from enrollment.ca.errors import EnrollmentError

if TYPE_CHECKING:
    from collections.abc import Sequence

_INTEGER: Final = 0x02
_SEQUENCE: Final = 0x30
_TIMES: Final = (0x17, 0x18)
_GENERALIZED_TIME: Final = 0x18
_VERSION_3: Final = bytes.fromhex("a003020102")
_LIST_VERSION: Final = bytes.fromhex("020101")
_REQUEST_VERSION: Final = bytes.fromhex("020100")
_BY_NAME_OR_KEY: Final = (0xA1, 0xA2)
# No kind has more members at its top.
_MOST_MEMBERS: Final = 10
_CERTIFICATE_TAGS: Final = (0xA0, _INTEGER, *(_SEQUENCE,) * 5, 0xA3)


class Kind(StrEnum):
    """What the signer signs."""

    CERTIFICATE = "certificate"
    LIST = "revocation list"
    ANSWER = "ocsp answer"
    REQUEST = "certification request"


@dataclass(frozen=True, slots=True)
class Content:
    """The facts that the rules look at; empty octets where a kind has no such field."""

    kind: Kind
    algorithm: bytes = b""
    issuer: bytes = b""
    serial_number: int = 0
    spki: bytes = b""


class UnknownContent(Exception):
    """It is nothing that is ever signed."""


def classify(message: bytes) -> Content:
    """Tell what a content is.

    Raises:
        UnknownContent: it is none of the four kinds.
    """
    try:
        outer = ber.read(message).expect(_SEQUENCE, "The content")
        members = list(islice(outer.walk(), _MOST_MEMBERS + 1))
    except EnrollmentError as error:
        raise UnknownContent("The content is no DER structure.") from error
    if outer.end != len(message) or any(node.indefinite for node in (outer, *members)):
        raise UnknownContent("The content is not one whole DER structure.")
    for recognize in (_certificate, _list, _request, _answer):
        found = recognize(members)
        if found is not None:
            return found
    raise UnknownContent(
        "The content is no certificate, revocation list, OCSP answer or certification request."
    )


def _certificate(members: Sequence[ber.Node]) -> Content | None:
    if tuple(node.tag for node in members) != _CERTIFICATE_TAGS:
        return None
    version, serial_number, algorithm, issuer = members[:4]
    if version.octets != _VERSION_3:
        return None
    return Content(
        Kind.CERTIFICATE,
        algorithm.octets,
        issuer.octets,
        int.from_bytes(serial_number.content, signed=True),
        members[6].octets,
    )


def _list(members: Sequence[ber.Node]) -> Content | None:
    tags = [node.tag for node in members]
    if tags[:3] != [_INTEGER, _SEQUENCE, _SEQUENCE] or members[0].octets != _LIST_VERSION:
        return None
    if len(tags) not in (6, 7) or tags[3] not in _TIMES or tags[4] not in _TIMES:
        return None
    if tags[5:] not in ([0xA0], [_SEQUENCE, 0xA0]):
        return None
    return Content(Kind.LIST, members[1].octets, members[2].octets)


def _request(members: Sequence[ber.Node]) -> Content | None:
    tags = [node.tag for node in members]
    if tags != [_INTEGER, _SEQUENCE, _SEQUENCE, 0xA0]:
        return None
    if members[0].octets != _REQUEST_VERSION:
        return None
    return Content(Kind.REQUEST, spki=members[2].octets)


def _answer(members: Sequence[ber.Node]) -> Content | None:
    tags = [node.tag for node in members]
    if len(tags) not in (3, 4) or tags[0] not in _BY_NAME_OR_KEY:
        return None
    if tags[1:] not in ([_GENERALIZED_TIME, _SEQUENCE], [_GENERALIZED_TIME, _SEQUENCE, 0xA1]):
        return None
    return Content(Kind.ANSWER)
