"""Certificate Management over CMS: the one PKCS #10 in a full PKI request, and what goes with it.

Source: RFC 5272 sections 3.2 and 6; MS-WCCE 2.2.2.6.3, 2.2.2.8.1; ms-facts section b.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from enrollment.ca import ber, der, microsoft
from enrollment.ca.cms import read_attributes
from enrollment.ca.errors import MalformedRequest, RequestAmbiguous, RequestTooLarge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_REGISTRATION_INFO: Final = "1.3.6.1.5.5.7.7.18"
# Nonces and identifiers want nothing done that a web page could do.
_HARMLESS: Final = frozenset(
    {
        "1.3.6.1.5.5.7.7.2",  # identification
        "1.3.6.1.5.5.7.7.5",  # transaction id
        "1.3.6.1.5.5.7.7.6",  # sender nonce
        _REGISTRATION_INFO,
        microsoft.CMC_ADD_ATTRIBUTES,
    }
)
MAX_CONTROLS: Final = 64
_TAGGED_PKCS10: Final = 0xA0
_REMEDY: Final = "Send exactly one PKCS #10 request in the message, or the PKCS #10 alone."


@dataclass(frozen=True, slots=True)
class PKIData:
    """A full PKI request with its single PKCS #10.

    Attributes:
        attributes: what Microsoft's control adds to the request, by object identifier.
        pairs: the registration information.
        ignored_controls: object identifiers of controls that nothing here acts on.
    """

    pkcs10: bytes
    attributes: Mapping[str, tuple[ber.Node, ...]]
    pairs: tuple[tuple[str, str], ...]
    ignored_controls: tuple[str, ...]


def read_pki_data(octets: bytes) -> PKIData:
    """Read PKIData.

    Raises:
        RequestAmbiguous: it does not hold exactly one request, or one that is not PKCS #10.
        MalformedRequest: it is not PKIData.
    """
    fields = ber.read(octets).expect(der.SEQUENCE, "The CMC request").children()
    if len(fields) < 2:  # noqa: PLR2004 - controls and requests
        raise MalformedRequest("The CMC request is incomplete.", remedy=_REMEDY)
    pkcs10 = _one_pkcs10(fields[1].expect(der.SEQUENCE, "The list of requests").children())
    attributes: dict[str, tuple[ber.Node, ...]] = {}
    pairs: tuple[tuple[str, str], ...] = ()
    ignored: list[str] = []
    # All of them, and all values: whoever reads another one than we do must not read another name.
    for control in _controls(fields[0]):
        oid, values = _control(control)
        if oid == microsoft.CMC_ADD_ATTRIBUTES:
            for name, added in _all_added(values):
                attributes[name] = attributes.get(name, ()) + added
        elif oid == _REGISTRATION_INFO:
            for value in values:
                pairs += microsoft.read_registration_info(ber.string_octets(value))
        elif oid not in _HARMLESS:
            ignored.append(oid)
    return PKIData(pkcs10, attributes, pairs, tuple(ignored))


def _one_pkcs10(requests: list[ber.Node]) -> bytes:
    if len(requests) != 1:
        raise RequestAmbiguous(
            f"The CMC message holds {len(requests) or 'no'} certification requests instead of one.",
            remedy=_REMEDY,
        )
    tagged = requests[0]
    parts = tagged.children() if tagged.tag == _TAGGED_PKCS10 else []
    if len(parts) != 2 or parts[1].tag != der.SEQUENCE:  # noqa: PLR2004 - number and request
        raise RequestAmbiguous(
            "The CMC message holds a request that is not PKCS #10 (CRMF, for example).",
            remedy=_REMEDY,
        )
    return parts[1].octets


def _controls(node: ber.Node) -> list[ber.Node]:
    found = node.expect(der.SEQUENCE, "The list of controls").children()
    if len(found) > MAX_CONTROLS:
        raise RequestTooLarge(
            f"The CMC message has more than {MAX_CONTROLS} controls.", remedy=_REMEDY
        )
    return found


def _all_added(values: list[ber.Node]) -> Iterator[tuple[str, tuple[ber.Node, ...]]]:
    for value in values:
        yield from _added_attributes(value).items()


def _control(node: ber.Node) -> tuple[str, list[ber.Node]]:
    parts = node.expect(der.SEQUENCE, "A CMC control").children()
    if len(parts) != 3:  # noqa: PLR2004 - number, type, values
        raise MalformedRequest("A CMC control is damaged.", remedy=_REMEDY)
    oid = ber.object_identifier(parts[1], "The type of a CMC control")
    return oid, parts[2].expect(der.SET, "The values of a CMC control").children()


def _added_attributes(value: ber.Node) -> dict[str, tuple[ber.Node, ...]]:
    parts = value.expect(der.SEQUENCE, "The CMC control for attributes").children()
    if len(parts) != 3:  # noqa: PLR2004 - data reference, request references, attributes
        raise MalformedRequest("The CMC control for attributes is damaged.", remedy=_REMEDY)
    return read_attributes([parts[2].expect(der.SET, "The attributes of a CMC control")])
