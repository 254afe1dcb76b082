"""OCSP requests in, answers out.

`cryptography` reads and builds one certificate a message; clients may ask for several, so the
messages are read and composed here.

Source: RFC 6960; RFC 9654 (nonce); ms-facts section (g.2).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from enrollment.ca import ber, der
from enrollment.ca.errors import EnrollmentError
from enrollment.ca.revocation import Reason, Status

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from enrollment.ca.issuer import SigningKey

MAX_REQUEST_OCTETS: Final = 8192
MAX_CERTIFICATES: Final = 32
_MAX_SERIAL_OCTETS: Final = 64
_LEAST_NONCE: Final = 1
_LONGEST_NONCE: Final = 128
_ENUMERATED: Final = 0x0A
_CONTEXT_0, _CONTEXT_1, _CONTEXT_2 = 0xA0, 0xA1, 0xA2
_VERSION_1: Final = der.integer(0)
# TBSRequest: version, requestorName, requestList, requestExtensions.
_FIELDS: Final = {_CONTEXT_0, _CONTEXT_1, der.SEQUENCE, _CONTEXT_2}
_NONCE: Final = "1.3.6.1.5.5.7.48.1.2"
_ACCEPTABLE_RESPONSES: Final = "1.3.6.1.5.5.7.48.1.4"
# Whatever responses a client accepts, it must accept basic ones (RFC 6960 section 4.4.3).
_UNDERSTOOD: Final = {_NONCE, _ACCEPTABLE_RESPONSES}
_BASIC: Final = der.oid("1.3.6.1.5.5.7.48.1.1")

HASHES: Final = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}


class ResponseStatus(IntEnum):
    """OCSPResponseStatus, RFC 6960 section 4.2.1."""

    SUCCESSFUL = 0
    MALFORMED_REQUEST = 1
    INTERNAL_ERROR = 2
    TRY_LATER = 3
    SIGNATURE_REQUIRED = 5
    UNAUTHORIZED = 6


class RequestMalformed(Exception):
    """The octets are no OCSP request, or one beyond our bounds."""


@dataclass(frozen=True, slots=True)
class CertificateId:
    """Which certificate is meant; `octets` is the CertID as the client wrote it."""

    octets: bytes
    hash_oid: str
    issuer_name_hash: bytes
    issuer_key_hash: bytes
    serial_number: int


@dataclass(frozen=True, slots=True)
class StatusRequest:
    """What a client asks: some certificates, and perhaps a nonce to send back.

    `nonce` is the value of its extension, as the client wrote it.
    """

    certificates: tuple[CertificateId, ...]
    nonce: bytes | None = None


@dataclass(frozen=True, slots=True)
class SingleAnswer:
    """What we say of one certificate; `status` is None for one we never issued."""

    certificate: CertificateId
    status: Status | None


@dataclass(frozen=True, slots=True)
class Responder:
    """Who signs answers: the DER of a delegated certificate and the hash of its key."""

    certificate: bytes
    key_hash: bytes
    signature_algorithm: bytes


def issuer_hashes(name_der: bytes, key_bits: bytes) -> dict[str, tuple[bytes, bytes]]:
    """Return name hash and key hash of an issuer, for each hash a client may choose."""
    return {
        oid: (
            hashlib.new(name, name_der, usedforsecurity=False).digest(),
            hashlib.new(name, key_bits, usedforsecurity=False).digest(),
        )
        for oid, name in HASHES.items()
    }


def parse_request(data: bytes) -> StatusRequest:
    """Read an OCSPRequest. Neither its signature nor its sender's name are looked at.

    Raises:
        RequestMalformed: it is none, asks for no or more than `MAX_CERTIFICATES` certificates, has
            a critical extension that we do not know, or a nonce that is empty or longer than 128
            octets (RFC 9654 section 2.1).

    Source: RFC 6960 section 4.1.
    """
    if len(data) > MAX_REQUEST_OCTETS:
        raise RequestMalformed("longer than we read")
    try:
        return _parse(data)
    except (EnrollmentError, IndexError, ValueError) as error:
        raise RequestMalformed(str(error)) from error


def _parse(data: bytes) -> StatusRequest:
    outer = ber.read(data).expect(der.SEQUENCE, "The OCSP request")
    members = outer.children()[0].expect(der.SEQUENCE, "The request content").children()
    fields = {member.tag: member for member in members}
    if len(fields) < len(members) or not fields.keys() <= _FIELDS:
        raise ValueError("something stands in the request that belongs to none")
    if _CONTEXT_0 in fields and fields[_CONTEXT_0].content != _VERSION_1:
        raise ValueError("a version other than 1")
    asked = fields[der.SEQUENCE].children() if der.SEQUENCE in fields else []
    if not 0 < len(asked) <= MAX_CERTIFICATES:
        raise ValueError("asks for too many certificates, or for none")
    nonce = _extensions(fields[_CONTEXT_2]).get(_NONCE) if _CONTEXT_2 in fields else None
    if nonce is not None and not _LEAST_NONCE <= len(_inside(nonce)) <= _LONGEST_NONCE:
        raise ValueError("a nonce of impossible length")
    return StatusRequest(tuple(map(_asked_for, asked)), nonce)


def _asked_for(request: ber.Node) -> CertificateId:
    identity, *extensions = request.expect(der.SEQUENCE, "A single request").children()
    for node in extensions:
        _extensions(node.expect(_CONTEXT_0, "The extensions of a single request"))
    return _certificate_id(identity)


def _certificate_id(node: ber.Node) -> CertificateId:
    algorithm, name_hash, key_hash, serial = node.expect(der.SEQUENCE, "CertID").children()
    oid = ber.object_identifier(algorithm.children()[0], "The hash algorithm")
    serial.expect(der.INTEGER, "The serial number")
    if not 0 < len(serial.content) <= _MAX_SERIAL_OCTETS:
        raise ValueError("a serial number of impossible length")
    return CertificateId(
        octets=ber.canonical(node.octets),
        hash_oid=oid,
        issuer_name_hash=name_hash.expect(der.OCTET_STRING, "The name hash").content,
        issuer_key_hash=key_hash.expect(der.OCTET_STRING, "The key hash").content,
        serial_number=int.from_bytes(serial.content, "big", signed=True),
    )


def _extensions(tagged: ber.Node) -> dict[str, bytes]:
    """Return the values of the extensions, by their kind."""
    found: dict[str, bytes] = {}
    for extension in tagged.children()[0].expect(der.SEQUENCE, "The extensions").children():
        kind, *flag, value = extension.children()
        oid = ber.object_identifier(kind, "The extension")
        # "Unrecognized extensions MUST be ignored (unless they have the critical flag set and are
        # not understood)" -- RFC 6960 section 4.4
        if any(any(node.content) for node in flag) and oid not in _UNDERSTOOD:
            raise ValueError(f"a critical extension {oid} that we do not understand")
        found.setdefault(oid, value.expect(der.OCTET_STRING, "The extension's value").content)
    return found


def _inside(nonce: bytes) -> bytes:
    """Return the nonce itself.

    RFC 9654: an OCTET STRING inside the OCTET STRING of every extension. Before RFC 8954 said so,
    clients also put the bare octets there.
    """
    try:
        inner = ber.read(nonce)
    except EnrollmentError:
        return nonce
    is_wrapped = inner.tag == der.OCTET_STRING and inner.end == len(nonce)
    return inner.content if is_wrapped else nonce


def error_response(status: ResponseStatus) -> bytes:
    """Return a response that carries nothing but its status."""
    return der.sequence(der.tlv(_ENUMERATED, bytes((status.value,))))


def build_response(  # noqa: PLR0913 - all that an answer says
    answers: Sequence[SingleAnswer],
    responder: Responder,
    key: SigningKey,
    *,
    this_update: datetime,
    next_update: datetime,
    nonce: bytes | None = None,
) -> bytes:
    """Compose and sign a successful response.

    Args:
        answers: in the order asked.
        responder: whose certificate travels along.
        key: the private half of that certificate.
        this_update: when the statuses were looked up; also producedAt.
        next_update: until when the answer may be used.
        nonce: the value of the request's extension; never one that was not sent.

    Source: RFC 6960 section 4.2.1.
    """
    extensions = b""
    if nonce is not None:
        value = der.sequence(der.oid(_NONCE), der.octet_string(nonce))
        extensions = der.explicit(1, der.sequence(value))
    data = der.sequence(
        der.explicit(2, der.octet_string(responder.key_hash)),
        _time(this_update),
        der.sequence(*(_single(answer, this_update, next_update) for answer in answers)),
        extensions,
    )
    basic = der.sequence(
        data,
        responder.signature_algorithm,
        der.bit_string(key.sign(data)),
        der.explicit(0, der.sequence(responder.certificate)),
    )
    return der.sequence(
        der.tlv(_ENUMERATED, bytes((ResponseStatus.SUCCESSFUL.value,))),
        der.explicit(0, der.sequence(_BASIC, der.octet_string(basic))),
    )


def _single(answer: SingleAnswer, this_update: datetime, next_update: datetime) -> bytes:
    return der.sequence(
        answer.certificate.octets,
        _status(answer.status),
        _time(this_update),
        der.explicit(0, _time(next_update)),
    )


def _status(status: Status | None) -> bytes:
    if status is None:
        return der.implicit(2, b"")
    if status.revoked_at is None:
        return der.implicit(0, b"")
    reason = b""
    if status.reason is not None and status.reason is not Reason.UNSPECIFIED:
        code = der.tlv(_ENUMERATED, bytes((status.reason.value,)))
        reason = der.explicit(0, code)
    return der.explicit(1, _time(status.revoked_at) + reason)


def _time(moment: datetime) -> bytes:
    return der.tlv(der.GENERALIZED_TIME, f"{moment:%Y%m%d%H%M%SZ}".encode("ascii"))
