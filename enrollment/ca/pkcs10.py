"""The parts of a PKCS #10 request, cut out of the octets as they were received.

Signatures are verified over these octets, not over a rewriting of them. Where the encoding is not
strict DER, a strict copy is made beside it for `cryptography` to load.

Source: RFC 2986 section 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography import x509

from enrollment.ca import ber, der, subject
from enrollment.ca.errors import MalformedRequest, RequestTooLarge, SubjectInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_ATTRIBUTES: Final = 64
MAX_VALUES: Final = 256
_ATTRIBUTES_TAG: Final = 0xA0
_ANY_ALGORITHM: Final = der.sequence(der.oid("1.2.840.10045.4.3.2"))
_REMEDY: Final = "Make the request again with its own tool, without changing the file afterwards."


@dataclass(frozen=True, slots=True)
class Parts:
    """The pieces of one request.

    Attributes:
        info: what is signed, as received.
        attributes: the values of each attribute, by object identifier.
        loaded: the request, or its strict copy, as `cryptography` reads it.
        remarks: what was mended or tolerated.
    """

    info: bytes
    subject: x509.Name
    subject_der: bytes
    spki_der: bytes
    attributes: Mapping[str, tuple[ber.Node, ...]]
    algorithm: ber.Node
    signature: bytes
    loaded: x509.CertificateSigningRequest
    remarks: tuple[str, ...]


def load(octets: bytes) -> x509.CertificateSigningRequest | None:
    """Load strict DER; None when it is anything else."""
    try:
        return x509.load_der_x509_csr(octets)
    except (ValueError, x509.InvalidVersion):
        return None


def split(octets: bytes, loaded: x509.CertificateSigningRequest | None = None) -> Parts:
    """Cut a request into its parts.

    Args:
        octets: exactly one request.
        loaded: what `load` made of the same octets, where the caller has asked already.

    Raises:
        MalformedRequest: it is not a PKCS #10; the detail names the field at fault.
    """
    fields = _fields(ber.read(octets))
    attributes = _attributes(fields.attributes)
    loaded = loaded or load(octets)
    name = subject.load_name(loaded, fields.subject.octets) if loaded is not None else None
    if loaded is None or name is None:
        return _mended(fields, attributes)
    return Parts(
        fields.info.octets,
        name,
        fields.subject.octets,
        fields.spki.octets,
        attributes,
        fields.algorithm,
        _signature_octets(fields.signature),
        loaded,
        (),
    )


class _Fields(NamedTuple):
    """The fields of RFC 2986, each where it stands."""

    info: ber.Node
    algorithm: ber.Node
    signature: ber.Node
    version: ber.Node
    subject: ber.Node
    spki: ber.Node
    attributes: ber.Node | None


def _fields(outer: ber.Node) -> _Fields:
    info, algorithm, signature = _exactly(outer, 3, "The request")
    inside = info.expect(der.SEQUENCE, "The request information").children()
    if len(inside) not in {3, 4}:
        raise MalformedRequest(
            f"The request information should have four parts but has {len(inside)}.",
            remedy=_REMEDY,
        )
    version, subject_node, spki, *rest = inside
    version.expect(der.INTEGER, "The version of the request")
    return _Fields(
        info, algorithm, signature, version, subject_node, spki, rest[0] if rest else None
    )


def _exactly(node: ber.Node, count: int, what: str) -> list[ber.Node]:
    children = node.expect(der.SEQUENCE, what).children()
    if len(children) != count:
        raise MalformedRequest(
            f"{what} should have {count} parts but has {len(children)}.", remedy=_REMEDY
        )
    return children


def _signature_octets(node: ber.Node) -> bytes:
    if node.tag & ~ber.CONSTRUCTED != der.BIT_STRING:
        node.expect(der.BIT_STRING, "The signature")
    strict = ber.read(ber.canonical(node.octets)) if node.constructed else node
    if strict.content[:1] not in {b"", b"\x00"}:
        raise MalformedRequest("The signature has unused bits, as none has.", remedy=_REMEDY)
    return strict.content[1:]


def _attributes(node: ber.Node | None) -> dict[str, tuple[ber.Node, ...]]:
    """Read the attributes; equal ones are joined, an empty one keeps its name."""
    found: dict[str, tuple[ber.Node, ...]] = {}
    if node is None:
        return found
    node.expect(_ATTRIBUTES_TAG, "The list of attributes")
    for count, attribute in enumerate(node.walk()):
        if count == MAX_ATTRIBUTES:
            raise RequestTooLarge(
                f"The request has more than {MAX_ATTRIBUTES} attributes.", remedy=_REMEDY
            )
        oid_node, values_node = _exactly(attribute, 2, "An attribute of the request")
        oid = ber.object_identifier(oid_node, "The type of an attribute")
        values = tuple(values_node.expect(der.SET, f"The values of attribute {oid}").walk())
        if len(values) > MAX_VALUES:
            raise RequestTooLarge(
                f"The attribute {oid} has more than {MAX_VALUES} values.", remedy=_REMEDY
            )
        found[oid] = found.get(oid, ()) + values
    return found


def _mended(fields: _Fields, attributes: Mapping[str, tuple[ber.Node, ...]]) -> Parts:
    """Load a strict copy of a request that is BER, or DER with a known fault."""
    subject_der, remarks_on_name = subject.strict_name(fields.subject)
    encoded = _encoded(fields.attributes)
    remarks = (*_remarks_on(fields, encoded), *remarks_on_name)
    spki_der = ber.canonical(fields.spki.octets)
    listed = der.explicit(0, b"".join(sorted(encoded)))
    info = der.sequence(der.integer(0), subject_der, spki_der, listed)
    # Only names, key and attributes are taken from the copy; the real algorithm, which may carry
    # parameters that `cryptography` refuses, is read and verified elsewhere.
    try:
        loaded = x509.load_der_x509_csr(der.sequence(info, _ANY_ALGORITHM, der.bit_string(b"")))
    except ValueError as error:
        raise MalformedRequest(
            f"The request is not well-formed ({_words(error)}).", remedy=_REMEDY
        ) from None
    name = subject.load_name(loaded, subject_der)
    if name is None:
        raise SubjectInvalid("The subject cannot be read.", remedy=_REMEDY)
    return Parts(
        fields.info.octets,
        name,
        subject_der,
        spki_der,
        attributes,
        fields.algorithm,
        _signature_octets(fields.signature),
        loaded,
        remarks or ("the encoding is not strict DER, or an algorithm has odd parameters",),
    )


def _encoded(attributes: ber.Node | None) -> list[bytes]:
    """Return the attributes as strict DER, in the order they came."""
    return (
        [ber.canonical(each.octets) for each in attributes.walk()] if attributes is not None else []
    )


def _remarks_on(fields: _Fields, encoded: list[bytes]) -> list[str]:
    remarks = []
    number = int.from_bytes(fields.version.content[:8], "big", signed=True)
    if number != 0:
        remarks.append(f"the version is {number + 1} instead of 1")
    if fields.attributes is None:
        remarks.append("the list of attributes is missing")
    if encoded != sorted(encoded):
        remarks.append("the attributes are not sorted as DER wants")
    if any(node is not None and node.indefinite for node in fields):
        remarks.append("the encoding is BER with indefinite lengths")
    return remarks


def _words(error: ValueError) -> str:
    """Keep of a parser's message what a person can use."""
    message = str(error)
    kind, found, rest = message.partition("kind: ")
    return rest.partition(",")[0].partition(" }")[0] if found else kind[:80]
