"""The extensions that a request asks for.

They may come in the attribute of PKCS #9, in the older one of Microsoft, or in both; in one value
or in several. They are read from the octets here, and `cryptography` reads the content of those it
knows.

Source: RFC 2985 section 5.4.2; RFC 5280 section 4.2; MS-WCCE 2.2.2.7.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509

from enrollment.ca import ber, der, oids
from enrollment.ca.errors import MalformedRequest, RequestTooLarge

if TYPE_CHECKING:
    from collections.abc import Sequence

EXTENSION_REQUEST: Final = "1.2.840.113549.1.9.14"
MICROSOFT_EXTENSIONS: Final = "1.3.6.1.4.1.311.2.1.14"
ATTRIBUTES: Final = frozenset({EXTENSION_REQUEST, MICROSOFT_EXTENSIONS})

MAX_EXTENSIONS: Final = 64
_DECISIVE: Final = frozenset({"2.5.29.15", "2.5.29.17"})
_REMEDY: Final = "Correct the extensions in the program that made the request and request again."


@dataclass(frozen=True, slots=True)
class RequestedExtension:
    """One extension as asked for; `value` is the content of its OCTET STRING."""

    oid: str
    critical: bool
    value: bytes
    name: str


@dataclass(frozen=True, slots=True)
class RequestedExtensions:
    """All of them, and those that decide something in readable form."""

    all: tuple[RequestedExtension, ...]
    subject_alternative_name: tuple[x509.GeneralName, ...]
    key_usage: x509.KeyUsage | None
    remarks: tuple[str, ...]


NONE: Final = RequestedExtensions((), (), None, ())


def read_extensions(
    attribute_values: Sequence[ber.Node], request: x509.CertificateSigningRequest
) -> RequestedExtensions:
    """Read the values of both attributes that may carry extensions.

    Args:
        attribute_values: one node for each value of the attributes, each an `Extensions`.
        request: the same request as `cryptography` has loaded it.

    Raises:
        MalformedRequest: key usage or alternative names cannot be read, or an extension comes
            twice with different content.
    """
    if not attribute_values:
        return NONE
    found, remarks = _collect(attribute_values)
    if len(found) > MAX_EXTENSIONS:
        raise RequestTooLarge(
            f"The request asks for {len(found)} extensions; at most {MAX_EXTENSIONS} are read.",
            remedy=_REMEDY,
        )
    single = len(attribute_values) == 1 and not remarks
    parsed, unreadable = _parse(found, request if single else None)
    alternative: tuple[x509.GeneralName, ...] = ()
    usage: x509.KeyUsage | None = None
    for extension in parsed:
        if isinstance(extension.value, x509.SubjectAlternativeName):
            alternative = tuple(extension.value)
        elif isinstance(extension.value, x509.KeyUsage):
            usage = extension.value
    return RequestedExtensions(tuple(found), alternative, usage, (*remarks, *unreadable))


def _collect(
    attribute_values: Sequence[ber.Node],
) -> tuple[list[RequestedExtension], tuple[str, ...]]:
    """Merge the lists, dropping exact repetitions."""
    found: dict[str, RequestedExtension] = {}
    remarks: list[str] = []
    if len(attribute_values) > 1:
        remarks.append("extensions are asked for in more than one place")
    for value in attribute_values:
        for node in value.expect(der.SEQUENCE, "The list of extensions").walk():
            extension = _read_one(node)
            earlier = found.setdefault(extension.oid, extension)
            if earlier is extension:
                continue
            if earlier.value != extension.value:
                raise MalformedRequest(
                    f"The extension {extension.name} is asked for twice with different content.",
                    remedy=_REMEDY,
                )
            remarks.append(f"the extension {extension.name} is asked for twice")
    return list(found.values()), tuple(remarks)


def _read_one(node: ber.Node) -> RequestedExtension:
    parts = node.expect(der.SEQUENCE, "An extension").children()
    if len(parts) not in {2, 3}:
        raise MalformedRequest(
            f"An extension should have two or three parts but has {len(parts)}.", remedy=_REMEDY
        )
    oid = ber.object_identifier(parts[0], "The type of an extension")
    name = oids.extension_name(oid)
    critical = False
    if len(parts) == 3:  # noqa: PLR2004 - type, critical, value
        flag = parts[1].expect(der.BOOLEAN, f"The critical flag of the extension {name}")
        critical = any(flag.content)
    value = parts[-1]
    if value.tag & ~ber.CONSTRUCTED != der.OCTET_STRING:
        raise MalformedRequest(
            f"The content of the extension {name} should be OCTET STRING but is "
            f"{ber.tag_name(value.tag)}.",
            remedy=_REMEDY,
        )
    return RequestedExtension(oid, critical, ber.string_octets(value), name)


_UNREADABLE: Final = (
    ValueError,
    TypeError,
    x509.UnsupportedGeneralNameType,
    x509.DuplicateExtension,
)


def _parse(
    found: Sequence[RequestedExtension], request: x509.CertificateSigningRequest | None
) -> tuple[list[x509.Extension[x509.ExtensionType]], tuple[str, ...]]:
    """Let `cryptography` read the contents; on failure read them one by one.

    An extension that decides nothing here is not issued either, so an unreadable one is only
    remarked upon: the CA writes its own.
    """
    try:
        return list((request or _carrier(found)).extensions), ()
    except _UNREADABLE:
        pass
    readable: list[x509.Extension[x509.ExtensionType]] = []
    remarks: list[str] = []
    for extension in found:
        try:
            readable.extend(_carrier((extension,)).extensions)
        except _UNREADABLE as error:
            if extension.oid in _DECISIVE:
                raise _unreadable(extension, error) from None
            remarks.append(f"the extension {extension.name} cannot be read and is ignored")
    return readable, tuple(remarks)


def _unreadable(extension: RequestedExtension, error: Exception) -> MalformedRequest:
    reason = str(error).split("\n", 1)[0].split("ParseError", 1)[0].strip(" :")
    return MalformedRequest(
        f"The content of the extension {extension.name} cannot be read ({reason[:120]}).",
        remedy=_REMEDY,
    )


# A request around nothing but extensions, so that `cryptography` reads them one by one. The key in
# it is the base point of P-256, the signature is empty: neither is ever looked at.
# Source: SEC 2 section 2.4.2.
_CARRIER_KEY: Final = bytes.fromhex(
    "3039301306072a8648ce3d020106082a8648ce3d030107032200"
    "036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
)


def _carrier(extensions: Sequence[RequestedExtension]) -> x509.CertificateSigningRequest:
    listed = der.sequence(
        *(
            der.sequence(
                der.oid(extension.oid),
                der.boolean(True) if extension.critical else b"",  # noqa: FBT003 - the value itself
                der.octet_string(extension.value),
            )
            for extension in extensions
        )
    )
    attribute = der.sequence(der.oid(EXTENSION_REQUEST), der.set_of(listed))
    info = der.sequence(der.integer(0), der.sequence(), _CARRIER_KEY, der.explicit(0, attribute))
    algorithm = der.sequence(der.oid("1.2.840.10045.4.3.2"))
    return x509.load_der_x509_csr(der.sequence(info, algorithm, der.bit_string(b"")))
