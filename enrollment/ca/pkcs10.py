"""The parts of a PKCS #10 request, cut out of the octets as they were received.

Signatures are verified over these octets, not over a rewriting of them. Where the encoding is not
strict DER, a strict copy is made beside it for `cryptography` to load.

Source: RFC 2986 section 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509

from enrollment.ca import ber, der, subject
from enrollment.ca.errors import MalformedRequest, RequestTooLarge

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
    outer = _exactly(ber.read(octets), 3, "The request")
    info, algorithm, signature = outer
    fields = info.expect(der.SEQUENCE, "The request information").children()
    if len(fields) not in {3, 4}:
        raise MalformedRequest(
            f"The request information should have four parts but has {len(fields)}.",
            remedy=_REMEDY,
        )
    version, name, spki = fields[:3]
    version.expect(der.INTEGER, "The version of the request")
    attributes_node = fields[3] if len(fields) == 4 else None  # noqa: PLR2004 - the fourth
    attributes = _attributes(attributes_node)
    loaded = loaded or load(octets)
    if loaded is None:
        return _mended(info, version, name, spki, attributes_node, algorithm, signature, attributes)
    return Parts(
        info.octets,
        name.octets,
        spki.octets,
        attributes,
        algorithm,
        _signature_octets(signature),
        loaded,
        (),
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


def _mended(  # noqa: PLR0913 - the fields of one record
    info: ber.Node,
    version: ber.Node,
    name: ber.Node,
    spki: ber.Node,
    attributes_node: ber.Node | None,
    algorithm: ber.Node,
    signature: ber.Node,
    attributes: Mapping[str, tuple[ber.Node, ...]],
) -> Parts:
    """Load a strict copy of a request that is BER, or DER with a known fault."""
    remarks = list(_remarks_on(info, version, attributes_node))
    subject_der, name_remarks = subject.strict_name(name)
    remarks.extend(name_remarks)
    spki_der = ber.canonical(spki.octets)
    encoded = sorted(
        ber.canonical(attribute.octets)
        for attribute in (attributes_node.walk() if attributes_node is not None else ())
    )
    strict_info = der.sequence(
        der.integer(0), subject_der, spki_der, der.explicit(0, b"".join(encoded))
    )
    # Only names, key and attributes are taken from the copy; the real algorithm, which may carry
    # parameters that `cryptography` refuses, is read and verified elsewhere.
    strict = der.sequence(strict_info, _ANY_ALGORITHM, der.bit_string(b""))
    try:
        loaded = x509.load_der_x509_csr(strict)
    except ValueError as error:
        raise MalformedRequest(
            f"The request is not well-formed ({_words(error)}).", remedy=_REMEDY
        ) from None
    if not remarks:
        remarks.append("the encoding is not strict DER or an algorithm has odd parameters")
    return Parts(
        info.octets,
        subject_der,
        spki_der,
        attributes,
        algorithm,
        _signature_octets(signature),
        loaded,
        tuple(remarks),
    )


def _remarks_on(info: ber.Node, version: ber.Node, attributes_node: ber.Node | None) -> list[str]:
    remarks = []
    number = int.from_bytes(version.content[:8], "big", signed=True)
    if number != 0:
        remarks.append(f"the version is {number + 1} instead of 1")
    if attributes_node is None:
        remarks.append("the list of attributes is missing")
    else:
        order = [ber.canonical(attribute.octets) for attribute in attributes_node.walk()]
        if order != sorted(order):
            remarks.append("the attributes are not sorted as DER wants")
    if info.indefinite or (attributes_node is not None and attributes_node.indefinite):
        remarks.append("the encoding is BER with indefinite lengths")
    return remarks


def _words(error: ValueError) -> str:
    """Keep of a parser's message what a person can use."""
    message = str(error)
    kind, found, rest = message.partition("kind: ")
    return rest.partition(",")[0].partition(" }")[0] if found else kind[:80]
