"""A certificate or a request, field by field, in words.

What the reviewer compares is made here: the left column from the request, the right one from the
octets that approval would sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from enrollment.admin.wording import grouped
from enrollment.ca import algorithms, der, encode, keys, names, oids, relying_party

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

_LONGEST: Final = 2_000
_MOST_NAMES: Final = 200
_MOST_OCTETS: Final = 64

_KEY_USAGES: Final = (
    ("digital_signature", "digital signature"),
    ("content_commitment", "content commitment"),
    ("key_encipherment", "key encipherment"),
    ("data_encipherment", "data encipherment"),
    ("key_agreement", "key agreement"),
    ("key_cert_sign", "certificate signing"),
    ("crl_sign", "CRL signing"),
)

_PURPOSES: Final = {x509.ObjectIdentifier(oid): name for oid, name in oids.PURPOSES.items()}


@dataclass(frozen=True, slots=True)
class Fact:
    """One labelled thing; `lines` because names and extensions come in many."""

    label: str
    lines: tuple[str, ...]
    is_code: bool = False


def key_words(key: CertificatePublicKeyTypes) -> str:
    """Name a public key as people do: ``RSA 3072``, ``EC P-256``."""
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}"
    return type(key).__name__.replace("PublicKey", "")


def name_words(name: x509.GeneralName) -> str:  # noqa: PLR0911 - one for each kind
    """Write one alternative name with its kind in front."""
    match name:
        case x509.DNSName():
            return f"DNS {names.visible(name.value)}"
        case x509.RFC822Name():
            return f"e-mail {names.visible(name.value)}"
        case x509.IPAddress():
            return f"IP {name.value}"
        case x509.UniformResourceIdentifier():
            return f"URI {names.visible(name.value)}"
        case x509.DirectoryName():
            return f"directory name {subject_words(name.value)}"
        case x509.OtherName():
            upn = names.upn_of(name)
            if upn is not None:
                return f"UPN {names.visible(upn)}"
            return f"other name {name.type_id.dotted_string} {octets_words(name.value)}"
        case _:
            return names.visible(str(name))


def certificate_facts(certificate: x509.Certificate) -> list[Fact]:
    """Return everything a certificate says, the important first."""
    facts = [
        Fact("Subject", (subject_words(certificate.subject),)),
        Fact("Issuer", (subject_words(certificate.issuer),)),
        Fact("Serial number", (grouped(f"{certificate.serial_number:032x}"),), is_code=True),
        Fact("Valid from", (f"{certificate.not_valid_before_utc:%Y-%m-%d %H:%M:%S} UTC",)),
        Fact("Valid until", (f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M:%S} UTC",)),
        Fact("Key", (_key_of(certificate),)),
        Fact("Signed with", (signature_words(certificate),)),
    ]
    return facts + extension_facts(certificate)


def extension_facts(holder: x509.Certificate | x509.CertificateSigningRequest) -> list[Fact]:
    """Return the extensions of a certificate or request; an unreadable set is said to be so."""
    try:
        extensions = list(holder.extensions)
    except relying_party.UNREADABLE as error:
        return [Fact("Extensions", (f"cannot be read: {error}",))]
    return [extension_fact(extension) for extension in extensions]


def extension_fact(extension: x509.Extension[x509.ExtensionType]) -> Fact:
    """Put one extension into words."""
    label = extension_label(extension.oid)
    lines = _extension_lines(extension.value)
    if extension.critical:
        lines = (*lines, "(critical)")
    return Fact(label, lines, is_code=isinstance(extension.value, _CODES))


def extension_label(oid: x509.ObjectIdentifier) -> str:
    """Name an extension; an unknown one by its number."""
    name = oids.extension_name(oid.dotted_string)
    return name[:1].upper() + name[1:]


def subject_words(name: x509.Name) -> str:
    """Write a distinguished name, most specific part first, cut at a length nobody reads."""
    text = names.display(name) or "(empty)"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def purposes(usage: Iterable[x509.ObjectIdentifier]) -> tuple[str, ...]:
    """Name extended key usages; an unknown one by its number."""
    return tuple(_PURPOSES.get(oid, oid.dotted_string) for oid in usage)


def key_usage_words(usage: x509.KeyUsage) -> tuple[str, ...]:
    """Name the bits that are set."""
    return tuple(words for attribute, words in _KEY_USAGES if getattr(usage, attribute))


# Microsoft writes the name of a template as a bare BMPString.
_TEMPLATE_NAME = "1.3.6.1.4.1.311.20.2"
_CODES = (x509.SubjectKeyIdentifier, x509.AuthorityKeyIdentifier, x509.UnrecognizedExtension)


def _extension_lines(value: x509.ExtensionType) -> tuple[str, ...]:  # noqa: C901, PLR0911 - a table
    match value:
        case x509.SubjectAlternativeName():
            return _names(value)
        case x509.KeyUsage():
            return key_usage_words(value)
        case x509.ExtendedKeyUsage():
            return purposes(value)
        case x509.BasicConstraints():
            return (_constraints(value),)
        case x509.SubjectKeyIdentifier():
            return (grouped(value.digest.hex()),)
        case x509.AuthorityKeyIdentifier():
            return (grouped((value.key_identifier or b"").hex()),)
        case x509.CRLDistributionPoints():
            return tuple(name_words(name) for point in value for name in point.full_name or ())
        case x509.AuthorityInformationAccess():
            return tuple(name_words(entry.access_location) for entry in value)
        case x509.MSCertificateTemplate():
            return (_template(value),)
        case x509.UnrecognizedExtension() if value.oid.dotted_string == _TEMPLATE_NAME:
            return (names.visible(value.value[2:].decode("utf-16-be", errors="replace")),)
        case x509.UnrecognizedExtension():
            return (octets_words(value.value),)
        case _:
            return (str(value)[:_LONGEST],)


def _names(value: x509.SubjectAlternativeName) -> tuple[str, ...]:
    found = list(value)
    shown = tuple(name_words(name) for name in found[:_MOST_NAMES])
    hidden = len(found) - len(shown)
    return (*shown, f"and {hidden} more") if hidden else shown


def _constraints(value: x509.BasicConstraints) -> str:
    if not value.ca:
        return "not a CA"
    if value.path_length is None:
        return "a CA, any number of CAs below"
    return f"a CA, at most {value.path_length} CAs below"


def _template(value: x509.MSCertificateTemplate) -> str:
    version = f"{value.major_version or 0}.{value.minor_version or 0}"
    return f"{value.template_id.dotted_string}, version {version}"


def _key_of(certificate: x509.Certificate) -> str:
    try:
        return key_words(certificate.public_key())
    except (ValueError, TypeError):
        return f"algorithm {certificate.public_key_algorithm_oid.dotted_string}"


def signature_words(certificate: x509.Certificate) -> str:
    """Name the algorithm of a certificate's signature."""
    dotted = certificate.signature_algorithm_oid.dotted_string
    for algorithm in algorithms.ALL:
        if der.oid(dotted) in algorithm.identifier:
            return algorithm.name
    return oids.name(dotted)


def octets_words(octets: bytes) -> str:
    """Show octets that mean nothing to us, cut short."""
    shown = grouped(octets[:_MOST_OCTETS].hex())
    return f"{shown} …" if len(octets) > _MOST_OCTETS else shown


def thumbprints(certificate: x509.Certificate) -> list[Fact]:
    """Return both thumbprints, and that of the key, grouped."""
    der = certificate.public_bytes(Encoding.DER)
    return [
        Fact("Thumbprint (SHA-1)", (grouped(encode.thumbprint(der)),), is_code=True),
        Fact("Thumbprint (SHA-256)", (grouped(encode.thumbprint_sha256(der)),), is_code=True),
        Fact(
            "Key (SHA-256)",
            (grouped(keys.spki_sha256(certificate.public_key())),),
            is_code=True,
        ),
    ]


def purpose_number(words: str) -> str | None:
    """Return the number of an extended key usage that is written as we show it."""
    wanted = words.strip().casefold()
    for oid, name in _PURPOSES.items():
        if name.casefold() == wanted:
            return oid.dotted_string
    return None
