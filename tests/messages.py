"""Requests as real programs write them, octet by octet: PKCS #10, PKCS #7 and CMC.

`cryptography` builds only clean requests. These builders write what Windows, old browsers and
appliances write, and what nobody should. Everything is ours: keys, names and encodings.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from enrollment.ca import der

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

MICROSOFT = "1.3.6.1.4.1.311."
EXTENSION_REQUEST = "1.2.840.113549.1.9.14"
MICROSOFT_EXTENSIONS = MICROSOFT + "2.1.14"
DATA = "1.2.840.113549.1.7.1"
SIGNED_DATA = "1.2.840.113549.1.7.2"
PKI_DATA = "1.3.6.1.5.5.7.12.2"
SCHANNEL = "Microsoft RSA SChannel Cryptographic Provider"

RSA_KEY = der.sequence(der.oid("1.2.840.113549.1.1.1"), der.null())
_DIGESTS = {
    "md5": ("1.2.840.113549.2.5", hashes.MD5()),  # noqa: S303 - what IIS 4 wrote
    "sha1": ("1.3.14.3.2.26", hashes.SHA1()),  # noqa: S303 - what IIS 5 wrote
    "sha256": ("2.16.840.1.101.3.4.2.1", hashes.SHA256()),
    "sha384": ("2.16.840.1.101.3.4.2.2", hashes.SHA384()),
}
_RSA_SIGNATURES = {
    "md5": "1.2.840.113549.1.1.4",
    "sha1": "1.2.840.113549.1.1.5",
    "sha256": "1.2.840.113549.1.1.11",
    "sha384": "1.2.840.113549.1.1.12",
}
_EC_SIGNATURES = {
    "sha1": "1.2.840.10045.4.1",
    "sha256": "1.2.840.10045.4.3.2",
    "sha384": "1.2.840.10045.4.3.3",
}


def spki(private_key: PrivateKeyTypes) -> bytes:
    """Return the SubjectPublicKeyInfo of a key."""
    public_key = private_key.public_key()
    return public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def sign(private_key: PrivateKeyTypes, message: bytes, digest: str = "sha256") -> bytes:
    """Sign as RSA PKCS #1 version 1.5 or ECDSA."""
    algorithm = _DIGESTS[digest][1]
    if isinstance(private_key, rsa.RSAPrivateKey):
        return private_key.sign(message, padding.PKCS1v15(), algorithm)
    assert isinstance(private_key, ec.EllipticCurvePrivateKey)
    return private_key.sign(message, ec.ECDSA(algorithm))


def signature_algorithm(private_key: PrivateKeyTypes, digest: str = "sha256") -> bytes:
    """Return the AlgorithmIdentifier that belongs to `sign`."""
    if isinstance(private_key, rsa.RSAPrivateKey):
        return der.sequence(der.oid(_RSA_SIGNATURES[digest]), der.null())
    return der.sequence(der.oid(_EC_SIGNATURES[digest]))


def digest_algorithm(digest: str) -> bytes:
    """Return the AlgorithmIdentifier of a hash."""
    return der.sequence(der.oid(_DIGESTS[digest][0]), der.null())


def name(*parts: tuple[str, bytes]) -> bytes:
    """Return a Name; each part is a type and an encoded value."""
    return der.sequence(*(der.set_of(der.sequence(der.oid(oid), value)) for oid, value in parts))


def common_name(value: str) -> bytes:
    """Return a Name with one common name."""
    return name(("2.5.4.3", der.utf8_string(value)))


def attribute(oid: str, *values: bytes) -> bytes:
    """Return an attribute with its values in the order given."""
    return der.sequence(der.oid(oid), der.tlv(der.SET, *values))


def pkcs10(  # noqa: PLR0913 - a builder: one keyword for each thing to spoil
    private_key: PrivateKeyTypes,
    subject: bytes,
    attributes: Sequence[bytes] = (),
    *,
    digest: str = "sha256",
    version: int = 0,
    is_sorted: bool = True,
    public_key: bytes | None = None,
    algorithm: bytes | None = None,
    signature: bytes | None = None,
) -> bytes:
    """Return a PKCS #10 request; each keyword spoils one thing, and the signature still fits."""
    listed = sorted(attributes) if is_sorted else list(attributes)
    info = der.sequence(
        der.integer(version),
        subject,
        public_key or spki(private_key),
        der.explicit(0, b"".join(listed)),
    )
    return der.sequence(
        info,
        algorithm or signature_algorithm(private_key, digest),
        der.bit_string(sign(private_key, info, digest) if signature is None else signature),
    )


def null_signed_pkcs10(
    private_key: PrivateKeyTypes, subject: bytes, attributes: Sequence[bytes] = ()
) -> bytes:
    """Return a request that carries the hash of its content instead of a signature."""
    info = der.sequence(
        der.integer(0), subject, spki(private_key), der.explicit(0, b"".join(sorted(attributes)))
    )
    return der.sequence(
        info, digest_algorithm("sha256"), der.bit_string(hashlib.sha256(info).digest())
    )


def extension(oid: str, value: bytes, *, critical: bool = False) -> bytes:
    """Return an Extension around an encoded value."""
    flag = der.boolean(True) if critical else b""  # noqa: FBT003 - the value itself
    return der.sequence(der.oid(oid), flag, der.octet_string(value))


def dns_names(*names: str) -> bytes:
    """Return a subject alternative name extension."""
    value = der.sequence(*(der.implicit(2, each.encode()) for each in names))
    return extension("2.5.29.17", value)


def extension_request(*extensions: bytes, oid: str = EXTENSION_REQUEST) -> bytes:
    """Return the attribute that asks for extensions."""
    return attribute(oid, der.sequence(*extensions))


def os_version(version: str = "10.0.20348.2") -> bytes:
    """Return the OS version as Windows writes it."""
    return attribute(MICROSOFT + "13.2.3", der.ia5_string(version))


def provider(provider_name: str = SCHANNEL, *, key_spec: int = 1) -> bytes:
    """Return the provider attribute as Windows has written it since Vista."""
    return attribute(
        MICROSOFT + "13.2.2",
        der.sequence(der.integer(key_spec), der.bmp_string(provider_name), der.bit_string(b"")),
    )


def client_info(
    client_id: int = 9,
    machine: str = "web1.example.com",
    user: str = "EXAMPLE\\alice",
    process: str = "certreq.exe",
) -> bytes:
    """Return the client information attribute."""
    texts = (der.utf8_string(text) for text in (machine, user, process))
    return attribute(MICROSOFT + "21.20", der.sequence(der.integer(client_id), *texts))


def name_value_pair(pair_name: str, value: str) -> bytes:
    """Return one pair, as the value of an attribute."""
    return der.sequence(der.bmp_string(pair_name), der.bmp_string(value))


def template_name(template: str) -> bytes:
    """Return the extension that names a version 1 template."""
    return extension(MICROSOFT + "20.2", der.bmp_string(template))


def renewal_certificate(certificate: x509.Certificate) -> bytes:
    """Return the attribute that holds the certificate to be renewed."""
    return attribute(MICROSOFT + "13.1", certificate.public_bytes(Encoding.DER))


def signer_info(  # noqa: PLR0913 - the parts of a SignerInfo
    private_key: PrivateKeyTypes,
    content: bytes,
    *,
    certificate: x509.Certificate | None = None,
    key_identifier: bytes = b"",
    content_type: str = DATA,
    digest: str = "sha256",
    with_signed_attributes: bool = True,
    extra_signed: Sequence[bytes] = (),
    unsigned: Sequence[bytes] = (),
    algorithm: bytes | None = None,
    is_sorted: bool = True,
) -> bytes:
    """Return a SignerInfo by `certificate`, or by the key identifier when there is none."""
    if certificate is not None:
        serial = der.integer(certificate.serial_number)
        sid = der.sequence(certificate.issuer.public_bytes(), serial)
    else:
        sid = der.implicit(0, key_identifier)
    signed = b""
    message = content
    if with_signed_attributes:
        hashed = hashes.Hash(_DIGESTS[digest][1])
        hashed.update(content)
        attributes = sorted(
            [
                attribute("1.2.840.113549.1.9.3", der.oid(content_type)),
                attribute("1.2.840.113549.1.9.4", der.octet_string(hashed.finalize())),
                *extra_signed,
            ]
        )
        if not is_sorted:
            attributes.reverse()
        message = der.tlv(der.SET, *attributes)
        signed = der.explicit(0, b"".join(attributes))
    return der.sequence(
        der.integer(1 if certificate is not None else 3),
        sid,
        digest_algorithm(digest),
        signed,
        algorithm or signature_algorithm(private_key, digest),
        der.octet_string(sign(private_key, message, digest)),
        der.explicit(1, b"".join(unsigned)) if unsigned else b"",
    )


def signed_data(
    content: bytes | None,
    signers: Sequence[bytes],
    certificates: Sequence[x509.Certificate] = (),
    *,
    content_type: str = DATA,
    version: int = 1,
) -> bytes:
    """Return a ContentInfo with SignedData around `content`."""
    included = b"".join(each.public_bytes(Encoding.DER) for each in certificates)
    wrapped = der.explicit(0, der.octet_string(content)) if content is not None else b""
    return der.sequence(
        der.oid(SIGNED_DATA),
        der.explicit(
            0,
            der.sequence(
                der.integer(version),
                der.set_of(digest_algorithm("sha256")) if signers else der.set_of(),
                der.sequence(der.oid(content_type), wrapped),
                der.explicit(0, included) if included else b"",
                der.set_of(*signers),
            ),
        ),
    )


def pki_data(
    *requests: bytes,
    added: Sequence[bytes] = (),
    registration_info: str | Sequence[str] | None = None,
    tag: int = 0,
) -> bytes:
    """Return PKIData with Microsoft's control, as certreq writes it."""
    controls = []
    if added:
        value = der.sequence(der.integer(0), der.sequence(der.integer(1)), der.set_of(*added))
        controls.append(_control(2, MICROSOFT + "10.10.1", value))
    told = [registration_info] if isinstance(registration_info, str) else registration_info or []
    for number, each in enumerate(told, start=3):
        text = der.octet_string(each.encode())
        controls.append(_control(number, "1.3.6.1.5.5.7.7.18", text))
    tagged = [der.explicit(tag, der.integer(1) + each) for each in requests]
    return der.sequence(
        der.sequence(*controls), der.sequence(*tagged), der.sequence(), der.sequence()
    )


def _control(number: int, oid: str, value: bytes) -> bytes:
    return der.sequence(der.integer(number), der.oid(oid), der.set_of(value))


def key_identifier(private_key: PrivateKeyTypes) -> bytes:
    """Return the SHA-1 identifier of a key."""
    return x509.SubjectKeyIdentifier.from_public_key(private_key.public_key()).digest  # type: ignore[arg-type]  # RSA or EC
