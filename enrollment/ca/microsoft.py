"""What Microsoft's enrollment programs write beside the PKCS #10.

All of it was written by the requester's own machine: it is shown, it may choose a template, and it
is never identity.

Source: MS-WCCE 2.2.2.7; ms-facts section (a).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote

from enrollment.ca import ber, der
from enrollment.ca.errors import (
    KeyArchivalUnsupported,
    MalformedRequest,
    RenewalAttributeInvalid,
    RequestAmbiguous,
)
from enrollment.ca.recognize import Kind, recognize

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from enrollment.ca.extensions import RequestedExtension

_ARC: Final = "1.3.6.1.4.1.311."
OS_VERSION: Final = _ARC + "13.2.3"
CSP: Final = _ARC + "13.2.2"
NAME_VALUE_PAIR: Final = _ARC + "13.2.1"
RENEWAL_CERTIFICATE: Final = _ARC + "13.1"
CLIENT_INFO: Final = _ARC + "21.20"
TEMPLATE_NAME: Final = _ARC + "20.2"
TEMPLATE_INFORMATION: Final = _ARC + "21.7"
ARCHIVED_KEY: Final = _ARC + "21.13"
ENCRYPTED_KEY_HASH: Final = _ARC + "21.21"
CMC_ADD_ATTRIBUTES: Final = _ARC + "10.10.1"

MAX_PAIRS: Final = 256
MAX_TEXT: Final = 1_024
_REMEDY: Final = "Make the request again with its own tool, without changing the file afterwards."


class CryptographicProvider(NamedTuple):
    """Which provider holds the key; `key_spec` is 1 exchange, 2 signature, 0 CNG."""

    key_spec: int
    name: str


class ClientInfo(NamedTuple):
    """Which program asked, on which machine, for whom. Personal data."""

    client_id: int
    machine: str
    user: str
    process: str


class TemplateInformation(NamedTuple):
    """A template of version 2 or later, named by its object identifier."""

    oid: str
    major: int | None
    minor: int | None


@dataclass(frozen=True, slots=True)
class MicrosoftFacts:
    """Everything of Microsoft's in one request; what was not there is None or empty."""

    os_version: str | None = None
    csp: CryptographicProvider | None = None
    client_info: ClientInfo | None = None
    name_value_pairs: tuple[tuple[str, str], ...] = ()
    template_name: str | None = None
    template_information: TemplateInformation | None = None
    renewal_certificate: bytes | None = None

    def with_pairs(self, pairs: Iterable[tuple[str, str]]) -> MicrosoftFacts:
        """Return the facts with pairs from outside the PKCS #10 put after its own."""
        return replace(self, name_value_pairs=(*self.name_value_pairs, *pairs)[:MAX_PAIRS])


NOTHING: Final = MicrosoftFacts()


def read_facts(
    attributes: Mapping[str, Sequence[ber.Node]], extensions: Iterable[RequestedExtension]
) -> MicrosoftFacts:
    """Read Microsoft's attributes and template extensions.

    Args:
        attributes: the values of each attribute of the request, by object identifier.
        extensions: the extensions asked for.

    Raises:
        KeyArchivalUnsupported: a private key is sent along.
        RequestAmbiguous: OS version or provider is not single-valued.
        RenewalAttributeInvalid: the renewal attribute holds no certificate.
        MalformedRequest: a template extension cannot be read.
    """
    refuse_key_archival(attributes)
    name, information = None, None
    for extension in extensions:
        if extension.oid == TEMPLATE_NAME:
            name = _read_template_name(extension.value)
        elif extension.oid == TEMPLATE_INFORMATION:
            information = _read_template_information(extension.value)
    if not any(oid.startswith(_ARC) for oid in attributes):
        if name is None and information is None:
            return NOTHING
        return MicrosoftFacts(template_name=name, template_information=information)
    return MicrosoftFacts(
        os_version=_os_version(_single(attributes, OS_VERSION, "OS version")),
        csp=_provider(_single(attributes, CSP, "provider (CSP)")),
        client_info=_client_info(attributes.get(CLIENT_INFO, ())),
        name_value_pairs=read_name_value_pairs(attributes.get(NAME_VALUE_PAIR, ())),
        template_name=name,
        template_information=information,
        renewal_certificate=_renewal_certificate(attributes.get(RENEWAL_CERTIFICATE)),
    )


def refuse_key_archival(attributes: Iterable[str]) -> None:
    """Refuse a request that hands over its private key, encrypted or as a hash.

    Raises:
        KeyArchivalUnsupported: 0x8009400A.
    """
    if not {ARCHIVED_KEY, ENCRYPTED_KEY_HASH}.isdisjoint(attributes):
        raise KeyArchivalUnsupported(
            "The request hands over its private key for archival, and this CA keeps no private "
            "keys of others. The key was not stored.",
            remedy="Request again from a template or with settings that do not archive the key.",
        )


def _single(attributes: Mapping[str, Sequence[ber.Node]], oid: str, what: str) -> ber.Node | None:
    values = attributes.get(oid)
    if values is None:
        return None
    if len(values) != 1:
        # Source: MS-WCCE 3.2.1.4.2.1.4.1.1: else ERROR_INVALID_DATA.
        raise RequestAmbiguous(
            f"The attribute {what} must have one value but has {len(values)}.", remedy=_REMEDY
        )
    return values[0]


def _os_version(node: ber.Node | None) -> str | None:
    return None if node is None else text(node)


def _provider(node: ber.Node | None) -> CryptographicProvider | None:
    """Read the provider; AD CS ignores its content, so an odd one is no reason to refuse."""
    try:
        parts = node.children() if node is not None and node.tag == der.SEQUENCE else []
    except MalformedRequest:
        return None
    if len(parts) < 2:  # noqa: PLR2004 - key specification and name
        return None
    return CryptographicProvider(_small_integer(parts[0]), text(parts[1]))


def _client_info(values: Sequence[ber.Node]) -> ClientInfo | None:
    """Read the client information; AD CS ignores it, so an odd one is no reason to refuse."""
    for value in values:
        try:
            parts = value.children() if value.tag == der.SEQUENCE else []
        except MalformedRequest:
            continue
        if len(parts) == 4:  # noqa: PLR2004 - id, machine, user, process
            return ClientInfo(
                _small_integer(parts[0]), text(parts[1]), text(parts[2]), text(parts[3])
            )
    return None


read_client_info = _client_info


def read_name_value_pairs(values: Sequence[ber.Node]) -> tuple[tuple[str, str], ...]:
    """Read pairs in both forms: one pair for each value, or a list of pairs in one value.

    Raises:
        MalformedRequest: a value is neither.
    """
    pairs: list[tuple[str, str]] = []
    for value in values:
        parts = value.expect(der.SEQUENCE, "A name-value pair").children()
        nested = bool(parts) and parts[0].tag == der.SEQUENCE
        for group in [part.children() for part in parts] if nested else [parts]:
            if len(group) != 2:  # noqa: PLR2004 - a pair
                raise MalformedRequest("A name-value pair does not have two parts.", remedy=_REMEDY)
            pairs.append((text(group[0]), text(group[1])))
            if len(pairs) > MAX_PAIRS:
                raise MalformedRequest(
                    f"The request carries more than {MAX_PAIRS} name-value pairs.", remedy=_REMEDY
                )
    return tuple(pairs)


def read_registration_info(octets: bytes) -> tuple[tuple[str, str], ...]:
    """Read the `Name=Value&…` list of a CMC regInfo control.

    Source: MS-WCCE 2.2.2.6.3.
    """
    pairs: list[tuple[str, str]] = []
    listed = octets[: 16 * MAX_TEXT].decode("utf-8", "replace")
    for item in listed.split("&", MAX_PAIRS)[:MAX_PAIRS]:
        name, separator, value = item.partition("=")
        if separator and name.strip():
            pairs.append((unquote(name).strip(), unquote(value).strip()))
    return tuple(pairs)


def _read_template_name(value: bytes) -> str:
    """Read the name: a bare string, or one inside a SEQUENCE as MS-WCCE prints it."""
    node = ber.read(value)
    if node.tag == der.SEQUENCE:
        node = next(node.walk(), node)
    if node.tag not in _ENCODINGS:
        raise MalformedRequest(
            "The extension Microsoft certificate template name holds no text.", remedy=_REMEDY
        )
    return text(node)


def _read_template_information(value: bytes) -> TemplateInformation:
    what = "The extension Microsoft certificate template"
    parts = ber.read(value).expect(der.SEQUENCE, what).children()
    if not parts:
        raise MalformedRequest(f"{what} is empty.", remedy=_REMEDY)
    oid = ber.object_identifier(parts[0], what)
    versions = [_small_integer(part) for part in parts[1:3]]
    return TemplateInformation(oid, *(*versions, None, None)[:2])


def _renewal_certificate(values: Sequence[ber.Node] | None) -> bytes | None:
    if values is None:
        return None
    if len(values) != 1 or recognize(values[0].octets) is not Kind.CERTIFICATE:
        raise RenewalAttributeInvalid(
            "The renewal attribute of the request does not hold one certificate.",
            remedy="Start the renewal again from the certificate that is to be renewed.",
        )
    return values[0].octets


_ENCODINGS: Final = {
    0x0C: "utf-8",
    0x12: "latin-1",
    0x13: "latin-1",
    0x14: "latin-1",
    0x16: "latin-1",
    0x1A: "latin-1",
    0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}


def text(node: ber.Node) -> str:
    """Return the characters of any string type, at most `MAX_TEXT`, never failing."""
    encoding = _ENCODINGS.get(node.tag & ~ber.CONSTRUCTED, "latin-1")
    octets = node.content[: 4 * MAX_TEXT]
    return octets.decode(encoding, "replace")[:MAX_TEXT]


def _small_integer(node: ber.Node) -> int:
    """Read an INTEGER of at most eight octets; anything else is 0."""
    if node.tag != der.INTEGER or not 0 < len(node.content) <= 8:  # noqa: PLR2004 - bound
        return 0
    return int.from_bytes(node.content, "big", signed=True)
