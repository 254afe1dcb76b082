"""What a piece of ASN.1 is, judged by its shape and never by its label.

People paste certificates, keys and chains into the request box. Each is recognised, so that the
answer can say what it was and what to paste instead.

Source: RFC 2986, RFC 5280, RFC 5652, RFC 7292, RFC 8017, RFC 5958, RFC 5915, RFC 4211, RFC 9810.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from enrollment.ca import ber, der
from enrollment.ca.errors import EnrollmentError, NotARequest, PrivateKeyPasted

if TYPE_CHECKING:
    from collections.abc import Callable


class Kind(Enum):
    """What octets can be; the value is how a person would say it."""

    PKCS10 = "a PKCS #10 certification request"
    SIGNED_DATA = "a signed message (PKCS #7 / CMS)"
    OTHER_CMS = "a PKCS #7 message that is not signed"
    CERTIFICATE = "a certificate"
    CRL = "a certificate revocation list (CRL)"
    SPKAC = "a signed public key and challenge (SPKAC, from the keygen element of old browsers)"
    PKCS12 = "a PKCS #12 file (.pfx), which holds a private key"
    PRIVATE_KEY = "a private key"
    ENCRYPTED_KEY = "an encrypted private key"
    PUBLIC_KEY = "a bare public key"
    CRMF = "a certificate request message in CRMF (RFC 4211)"
    CMP = "a CMP message (RFC 9810)"
    OCSP_REQUEST = "an OCSP request"
    OCSP_RESPONSE = "an OCSP response"
    UNKNOWN = "ASN.1 that is no certification request"


SECRETS: Final = frozenset({Kind.PKCS12, Kind.PRIVATE_KEY, Kind.ENCRYPTED_KEY})
REQUESTS: Final = frozenset({Kind.PKCS10, Kind.SIGNED_DATA})

_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
_CMS_ARC: Final = "1.2.840.113549.1.7."
_TIMES: Final = frozenset({der.UTC_TIME, der.GENERALIZED_TIME})
_INT, _SEQ, _OID, _BITS, _OCTETS = (
    der.INTEGER,
    der.SEQUENCE,
    der.OBJECT_IDENTIFIER,
    der.BIT_STRING,
    der.OCTET_STRING,
)
_ENUMERATED: Final = 0x0A
_MAX_LOOKED_AT: Final = 12

_MAKE_REQUEST: Final = (
    "Make a request with 'openssl req -new -newkey rsa:3072 -nodes -keyout server.key -out "
    "server.csr' or 'certreq -new', and send the text from BEGIN to END CERTIFICATE REQUEST."
)
_REMEDIES: Final = {
    Kind.CERTIFICATE: "Send the certification request that was made with the key, not the "
    "certificate. " + _MAKE_REQUEST,
    Kind.CRL: _MAKE_REQUEST,
    Kind.SPKAC: "Browsers no longer make such requests, and this site does not take them. "
    + _MAKE_REQUEST,
    Kind.CRMF: "This page takes PKCS #10, and PKCS #7 or CMC around it. " + _MAKE_REQUEST,
    Kind.CMP: "This page takes PKCS #10, and PKCS #7 or CMC around it. " + _MAKE_REQUEST,
    Kind.PUBLIC_KEY: "A request also holds names and a signature. " + _MAKE_REQUEST,
}
_KEY_IS_BURNT: Final = (
    "Treat this key as known to others: delete it, make a new key, revoke any certificate that "
    "uses it, and send a request made with the new key. Never send a private key to anybody."
)


def refusal(kind: Kind) -> EnrollmentError:
    """Return the error that tells a sender what they sent instead of a request."""
    if kind in SECRETS:
        return private_key_refusal(kind.value)
    return NotARequest(
        f"This is {kind.value}, not a certification request.",
        remedy=_REMEDIES.get(kind, _MAKE_REQUEST),
    )


def private_key_refusal(what: str) -> PrivateKeyPasted:
    """Return the error for a key that has left its owner; `what` must not quote the paste."""
    return PrivateKeyPasted(
        f"The text contains {what}. It was not stored and not logged, but it has left your "
        "machine.",
        remedy=_KEY_IS_BURNT,
    )


def recognize(octets: bytes) -> Kind:
    """Say what the first value in `octets` is; never fails."""
    try:
        return _recognize(ber.read(octets))
    except EnrollmentError:
        return Kind.UNKNOWN


def _first(node: ber.Node, count: int = _MAX_LOOKED_AT) -> list[ber.Node]:
    """Return at most `count` children; a list without end is cut, not read."""
    children: list[ber.Node] = []
    if node.constructed:
        for child in node.walk():
            children.append(child)
            if len(children) == count:
                break
    return children


def _recognize(node: ber.Node) -> Kind:
    if node.tag != _SEQ:
        return Kind.UNKNOWN
    parts = _first(node)
    reader = _BY_FIRST_TAG.get(parts[0].tag) if parts else None
    return reader(parts) if reader else Kind.UNKNOWN


def _by_identifier(parts: list[ber.Node]) -> Kind:
    oid = ber.dotted(parts[0].content)
    if oid == _SIGNED_DATA:
        return Kind.SIGNED_DATA
    return Kind.OTHER_CMS if oid.startswith(_CMS_ARC) else Kind.UNKNOWN


def _by_integer(parts: list[ber.Node]) -> Kind:
    """An INTEGER first: keys, and PKCS #12."""
    tags = [part.tag for part in parts]
    if tags == [_INT, _INT]:
        return Kind.PUBLIC_KEY
    if all(tag == _INT for tag in tags[:6]) and len(tags) >= 6:  # noqa: PLR2004 - RSA 9, DSA 6
        return Kind.PRIVATE_KEY
    if tags[1:2] == [_OCTETS]:
        return Kind.PRIVATE_KEY
    if tags[1:2] == [_SEQ]:
        inside = _first(parts[1], 2)
        if inside and inside[0].tag == _OID:
            if ber.dotted(inside[0].content).startswith(_CMS_ARC):
                return Kind.PKCS12
            if tags[2:3] == [_OCTETS]:
                return Kind.PRIVATE_KEY
    return Kind.UNKNOWN


def _by_enumerated(parts: list[ber.Node]) -> Kind:
    known = len(parts) == 1 or parts[1].tag == 0xA0  # noqa: PLR2004 - [0] responseBytes
    return Kind.OCSP_RESPONSE if known else Kind.UNKNOWN


def _by_sequence(parts: list[ber.Node]) -> Kind:
    tags = [part.tag for part in parts]
    inside = _first(parts[0])
    inner = [child.tag for child in inside]
    if tags == [_SEQ, _SEQ, _BITS]:
        return _signed(inner)
    if inner[:1] == [_OID] and tags == [_SEQ, _BITS]:
        return Kind.PUBLIC_KEY
    if inner[:1] == [_OID] and tags == [_SEQ, _OCTETS]:
        return Kind.ENCRYPTED_KEY
    if inner[:1] == [_INT] and len(inner) > 1 and inner[1] & 0xC0 == 0x80:  # noqa: PLR2004 - class
        return Kind.CMP
    return _nested(inside, inner)


def _signed(inner: list[int]) -> Kind:
    """SEQUENCE { something, algorithm, BIT STRING }: judged by the something."""
    if inner == [_SEQ, der.IA5_STRING]:
        return Kind.SPKAC
    if inner[:1] == [0xA0] or inner[:5] == [_INT, _SEQ, _SEQ, _SEQ, _SEQ]:
        return Kind.CERTIFICATE
    if any(tag in _TIMES for tag in inner[2:4]):
        return Kind.CRL
    if inner[:3] == [_INT, _SEQ, _SEQ]:
        return Kind.PKCS10
    return Kind.UNKNOWN


def _nested(inside: list[ber.Node], inner: list[int]) -> Kind:
    """Lists of lists: CRMF and OCSP requests."""
    deeper = [child.tag for child in _first(inside[0])] if inner[:1] == [_SEQ] else []
    if deeper[:2] == [_INT, _SEQ]:
        return Kind.CRMF
    if inner[:1] == [_SEQ] and deeper[:1] == [_SEQ]:
        request = _first(_first(inside[0])[0])
        if request and [part.tag for part in _first(request[0])] == [_SEQ, _OCTETS, _OCTETS, _INT]:
            return Kind.OCSP_REQUEST
    return Kind.UNKNOWN


_BY_FIRST_TAG: Final[dict[int, Callable[[list[ber.Node]], Kind]]] = {
    _OID: _by_identifier,
    _INT: _by_integer,
    _ENUMERATED: _by_enumerated,
    _SEQ: _by_sequence,
}
