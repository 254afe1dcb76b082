"""The extensions of a certificate, as AD CS writes them and in its order.

What a request asks for is read in `extensions`; what a certificate carries is composed here.

Source: ms-facts sections (a.2) and (d.5); RFC 5280 section 4.2; RFC 8813 (key usage of EC keys).
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from cryptography import x509

from enrollment.ca import der, errors
from enrollment.ca.keys import KeyKind
from enrollment.ca.template import CertificateTemplate, KeyUsage, key_usage_extension

if TYPE_CHECKING:
    from cryptography.x509 import ExtensionType

    from enrollment.ca.issuer import Issuer
    from enrollment.ca.naming import CertificateNames
    from enrollment.ca.request import CertificationRequest

TEMPLATE_NAME: Final = "1.3.6.1.4.1.311.20.2"
TEMPLATE_INFORMATION: Final = "1.3.6.1.4.1.311.21.7"
APPLICATION_POLICIES: Final = "1.3.6.1.4.1.311.21.10"
CA_VERSION: Final = "1.3.6.1.4.1.311.21.1"
PREVIOUS_CA_HASH: Final = "1.3.6.1.4.1.311.21.2"
CROSS_CA_VERSION: Final = "1.3.6.1.4.1.311.21.22"

# What binds a certificate for sign-in to one account of a directory, whatever its names become.
NTDS_SECURITY: Final = "1.3.6.1.4.1.311.25.2"
_CONTEXT_0: Final = 0xA0

_V2: Final = 2
_RSA_PSS: Final = "1.2.840.113549.1.1.10"
# What each kind of key can do at all; RSA can do everything.
_SIGNING_ONLY: Final = frozenset(
    {
        KeyUsage.DIGITAL_SIGNATURE,
        KeyUsage.CONTENT_COMMITMENT,
        KeyUsage.KEY_CERT_SIGN,
        KeyUsage.CRL_SIGN,
    }
)
_EC_USAGES: Final = _SIGNING_ONLY | {KeyUsage.KEY_AGREEMENT}
_EC_KINDS: Final = frozenset({KeyKind.EC_P256, KeyKind.EC_P384, KeyKind.EC_P521})
# encipher_only and decipher_only may only be read beside key agreement; no template has them.
_READABLE_USAGES: Final = tuple(usage for usage in KeyUsage if not usage.value.endswith("_only"))


def extension(oid: str, value: bytes, *, critical: bool = False) -> bytes:
    """Encode one Extension (RFC 5280 section 4.1)."""
    flag = der.boolean(True) if critical else b""  # noqa: FBT003 - the value itself
    return der.sequence(der.oid(oid), flag, der.octet_string(value))


def encode(value: ExtensionType, *, critical: bool = False) -> bytes:
    """Encode an extension that `cryptography` knows."""
    return extension(value.oid.dotted_string, value.public_bytes(), critical=critical)


def leaf_extensions(
    request: CertificationRequest,
    template: CertificateTemplate,
    issuer: Issuer,
    names: CertificateNames,
) -> bytes:
    """Return the whole `extensions` field, [3] included.

    The template decides. From the request come the key whose identifier is computed here and,
    where allowed, a narrower key usage; `names` says whose names these are.

    Raises:
        KeyKindNotAllowed: the kind of key can do nothing the template is for.
    """
    requested = request.key_usage if template.key_usage_narrowing else None
    parts = [
        _template_part(template, _ability(request), requested),
        extension("2.5.29.14", der.octet_string(key_identifier(request.spki_der))),
        issuer_part(issuer, addresses=template.include_revocation_addresses),
    ]
    if names.alternative_names:
        # "If the subject field contains an empty sequence, then the issuing CA MUST include a
        # subjectAltName extension that is marked as critical" -- RFC 5280 section 4.1.2.6
        parts.append(
            encode(
                x509.SubjectAlternativeName(names.alternative_names),
                critical=template.san_critical or not names.subject.rdns,
            )
        )
    if names.sid:
        parts.append(extension(NTDS_SECURITY, _security_identifier(names.sid)))
    return der.explicit(3, der.sequence(*parts))


def _security_identifier(sid: str) -> bytes:
    """Encode a security identifier as AD CS does since KB5014754 (ms-facts section a.2)."""
    inner = der.explicit(0, der.octet_string(sid.encode("ascii")))
    return der.sequence(der.tlv(_CONTEXT_0, der.oid(f"{NTDS_SECURITY}.1"), inner))


def _ability(request: CertificationRequest) -> KeyKind:
    """Return the kind that says what the key can do: an RSA-PSS key only signs (RFC 4055 1.2)."""
    return KeyKind.OTHER if request.key.algorithm == _RSA_PSS else request.key.kind


@lru_cache(maxsize=256)
def _template_part(
    template: CertificateTemplate, kind: KeyKind, requested: x509.KeyUsage | None
) -> bytes:
    """Everything that is the same for all requests of one template and kind of key."""
    is_v2 = template.schema_version >= _V2
    parts = []
    if template.name:
        parts.append(_template_information(template) if is_v2 else _template_name(template.name))
    if template.extended_key_usages:
        usages = [x509.ObjectIdentifier(oid) for oid in template.extended_key_usages]
        parts.append(encode(x509.ExtendedKeyUsage(usages)))
    usages_of_key = _key_usages(template, kind, requested)
    parts.append(encode(key_usage_extension(usages_of_key), critical=template.key_usage_critical))
    if template.is_ca:
        constraints = x509.BasicConstraints(ca=True, path_length=template.path_length)
        parts.append(encode(constraints, critical=True))
    if is_v2 and template.extended_key_usages:
        policies = (der.sequence(der.oid(oid)) for oid in template.extended_key_usages)
        parts.append(extension(APPLICATION_POLICIES, der.sequence(*policies)))
    if template.include_ocsp_no_check:
        parts.append(encode(x509.OCSPNoCheck()))
    return b"".join(parts)


def _key_usages(
    template: CertificateTemplate, kind: KeyKind, requested: x509.KeyUsage | None
) -> frozenset[KeyUsage]:
    """Return what the template grants and a key of this kind can do."""
    usages = template.key_usages
    if kind is not KeyKind.RSA:
        usages &= _EC_USAGES if kind in _EC_KINDS else _SIGNING_ONLY
    if not usages and kind in _EC_KINDS and KeyUsage.KEY_ENCIPHERMENT in template.key_usages:
        usages = frozenset({KeyUsage.KEY_AGREEMENT})
    if not usages:
        raise errors.KeyKindNotAllowed(
            f"A key of kind {kind.value} cannot do what template '{template.display_name}' is for.",
            remedy="Make an RSA key and request again.",
        )
    if requested is None:
        return usages
    asked = frozenset(usage for usage in _READABLE_USAGES if getattr(requested, usage.value))
    return (usages & asked) or usages


def _template_name(name: str) -> bytes:
    return extension(TEMPLATE_NAME, der.bmp_string(name))


def _template_information(template: CertificateTemplate) -> bytes:
    return extension(
        TEMPLATE_INFORMATION,
        der.sequence(
            der.oid(template.oid),
            der.integer(template.major_version),
            der.integer(template.minor_version),
        ),
    )


def key_identifier(spki: bytes) -> bytes:
    """Return SHA-1 of the key bits (RFC 5280 section 4.2.1.2, method 1).

    Args:
        spki: SubjectPublicKeyInfo in strict DER.
    """
    return hashlib.sha1(key_bits(spki), usedforsecurity=False).digest()


def key_bits(spki: bytes) -> bytes:
    """Return the key bits of a SubjectPublicKeyInfo: what key hashes are made of.

    Args:
        spki: in strict DER.
    """
    # SEQUENCE { AlgorithmIdentifier, BIT STRING }: skip the first element; the bits follow the
    # header of the second and its octet of unused bits.
    algorithm, after_algorithm = _content(spki, _content(spki, 0)[0])
    bits, end = _content(spki, algorithm + after_algorithm)
    return spki[bits + 1 : bits + end]


def _content(data: bytes, offset: int) -> tuple[int, int]:
    """Return where the content of the element at `offset` starts and how long it is."""
    first = data[offset + 1]
    if first < 0x80:  # noqa: PLR2004 - short form
        return offset + 2, first
    start = offset + 2 + (first & 0x7F)
    return start, int.from_bytes(data[offset + 2 : start], "big")


@lru_cache(maxsize=64)
def issuer_part(issuer: Issuer, *, addresses: bool) -> bytes:
    """AKI, CDP and AIA: the same for everything one CA certificate issues."""
    parts = [
        encode(
            x509.AuthorityKeyIdentifier(
                key_identifier=issuer.key_identifier,
                authority_cert_issuer=None,
                authority_cert_serial_number=None,
            )
        )
    ]
    if addresses and issuer.crl_addresses:
        # One distribution point that holds every address, not one point each
        # (MS-WCCE 3.2.1.4.2.1.4.7).
        addresses_of_crl = [x509.UniformResourceIdentifier(url) for url in issuer.crl_addresses]
        point = x509.DistributionPoint(addresses_of_crl, None, None, None)
        parts.append(encode(x509.CRLDistributionPoints([point])))
    if addresses and issuer.certificate_addresses:
        access = x509.oid.AuthorityInformationAccessOID
        descriptions = [
            x509.AccessDescription(access.CA_ISSUERS, x509.UniformResourceIdentifier(url))
            for url in issuer.certificate_addresses
        ] + [
            x509.AccessDescription(access.OCSP, x509.UniformResourceIdentifier(url))
            for url in issuer.ocsp_addresses
        ]
        parts.append(encode(x509.AuthorityInformationAccess(descriptions)))
    return b"".join(parts)
