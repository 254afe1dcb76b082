"""Names for object identifiers, so that a refusal can say what was met.

Only names: what an algorithm is good for is decided in `signatures`, `keys` and `policy`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_DILITHIUM: Final = {
    f"1.3.6.1.4.1.2.267.{scheme}.{kind}": f"{label} (round 3, before the standard)"
    for scheme, suffix in ((7, ""), (11, "-AES"))
    for kind, label in (
        ("4.4", f"Dilithium2{suffix}"),
        ("6.5", f"Dilithium3{suffix}"),
        ("8.7", f"Dilithium5{suffix}"),
    )
}
_EXPERIMENTAL: Final = {
    "1.3.9999.3.1": "Falcon-512 (experimental)",
    "1.3.9999.3.2": "P-256 with Falcon-512 (experimental)",
    "1.3.9999.3.3": "RSA 3072 with Falcon-512 (experimental)",
    "1.3.9999.3.4": "Falcon-1024 (experimental)",
    "1.3.9999.3.5": "P-521 with Falcon-1024 (experimental)",
    "1.3.9999.3.6": "Falcon-512 (experimental)",
    "1.3.9999.3.9": "Falcon-1024 (experimental)",
    "1.3.9999.3.11": "Falcon-512 (experimental)",
    "1.3.9999.3.14": "Falcon-1024 (experimental)",
    "1.3.9999.6.4.1": "SPHINCS+-SHA-256-128f (experimental)",
    "1.3.9999.6.7.1": "SPHINCS+-SHAKE-256-128f (experimental)",
    "1.3.9999.6.7.5": "P-256 with SPHINCS+-SHAKE (experimental)",
    "1.3.9999.6.7.16": "SPHINCS+-SHAKE-128s (experimental)",
}
_COMPOSITE_ARC: Final = "2.16.840.1.114027.80.8.1."
_COMPOSITE_PKIX: Final = range(37, 55)

_SLH_DSA: Final = {
    f"2.16.840.1.101.3.4.3.{20 + number}": f"SLH-DSA-{family}-{size}"
    for number, (family, size) in enumerate(
        (family, size)
        for family in ("SHA2", "SHAKE")
        for size in ("128s", "128f", "192s", "192f", "256s", "256f")
    )
}

ALGORITHMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "1.2.840.113549.1.1.1": "RSA",
        "1.2.840.113549.1.1.2": "MD2 with RSA",
        "1.2.840.113549.1.1.3": "MD4 with RSA",
        "1.3.14.3.2.2": "MD4 with RSA",
        "1.3.14.3.2.4": "MD4 with RSA",
        "1.3.36.3.3.1.2": "RIPEMD-160 with RSA",
        "1.3.36.3.3.1.3": "RIPEMD-128 with RSA",
        "1.2.840.10046.2.1": "Diffie-Hellman (X9.42)",
        "1.2.840.113549.1.3.1": "Diffie-Hellman (PKCS #3)",
        "1.3.6.1.5.5.7.6.2": "no signature",
        "1.3.6.1.5.5.7.6.3": "Diffie-Hellman proof of possession (SHA-1)",
        "1.3.6.1.5.5.7.6.4": "Diffie-Hellman proof of possession",
        "1.3.6.1.5.5.7.6.30": "RSASSA-PSS with SHAKE128",
        "1.3.6.1.5.5.7.6.31": "RSASSA-PSS with SHAKE256",
        "1.3.6.1.5.5.7.6.32": "ECDSA with SHAKE128",
        "1.3.6.1.5.5.7.6.33": "ECDSA with SHAKE256",
        "1.3.101.110": "X25519",
        "1.3.101.111": "X448",
        "1.2.643.2.2.19": "GOST R 34.10-2001",
        "1.2.643.2.2.20": "GOST R 34.10-94",
        "1.2.643.2.2.3": "GOST R 34.11-94 with GOST R 34.10-2001",
        "1.2.643.2.2.4": "GOST R 34.11-94 with GOST R 34.10-94",
        "1.2.643.7.1.1.1.1": "GOST R 34.10-2012 (256 bits)",
        "1.2.643.7.1.1.1.2": "GOST R 34.10-2012 (512 bits)",
        "1.2.643.7.1.1.3.2": "GOST R 34.10-2012 with Streebog-256",
        "1.2.643.7.1.1.3.3": "GOST R 34.10-2012 with Streebog-512",
        "1.2.804.2.1.1.1.1.3.1.1": "DSTU 4145",
        "1.2.156.10197.1.501": "SM2 with SM3",
        "0.4.0.127.0.7.1.1.4.1.1": "plain ECDSA with SHA-1 (BSI TR-03111)",
        "0.4.0.127.0.7.1.1.4.1.2": "plain ECDSA with SHA-224 (BSI TR-03111)",
        "0.4.0.127.0.7.1.1.4.1.3": "plain ECDSA with SHA-256 (BSI TR-03111)",
        "0.4.0.127.0.7.1.1.4.1.4": "plain ECDSA with SHA-384 (BSI TR-03111)",
        "0.4.0.127.0.7.1.1.4.1.5": "plain ECDSA with SHA-512 (BSI TR-03111)",
        "1.2.840.113549.1.9.16.3.17": "HSS/LMS",
        "1.3.6.1.5.5.7.6.34": "XMSS",
        "1.3.6.1.5.5.7.6.35": "XMSS^MT",
        "2.16.840.1.101.3.4.3.32": "HashML-DSA-44 with SHA-512",
        "2.16.840.1.101.3.4.3.33": "HashML-DSA-65 with SHA-512",
        "2.16.840.1.101.3.4.3.34": "HashML-DSA-87 with SHA-512",
        "2.16.840.1.101.3.4.4.1": "ML-KEM-512",
        "2.16.840.1.101.3.4.4.2": "ML-KEM-768",
        "2.16.840.1.101.3.4.4.3": "ML-KEM-1024",
        **_SLH_DSA,
        **_DILITHIUM,
        **_EXPERIMENTAL,
    }
)

CURVES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "1.2.840.10045.3.1.1": "P-192",
        "1.3.132.0.33": "P-224",
        "1.3.132.0.10": "secp256k1",
        "1.3.132.0.8": "secp160r1",
        "1.3.132.0.9": "secp160k1",
        "1.3.132.0.30": "secp160r2",
        "1.3.132.0.31": "secp192k1",
        "1.3.132.0.32": "secp224k1",
        "1.3.132.0.1": "sect163k1",
        "1.3.132.0.15": "sect163r2",
        "1.3.132.0.26": "sect233k1",
        "1.3.132.0.27": "sect233r1",
        "1.3.132.0.16": "sect283k1",
        "1.3.132.0.17": "sect283r1",
        "1.3.132.0.36": "sect409k1",
        "1.3.132.0.37": "sect409r1",
        "1.3.132.0.38": "sect571k1",
        "1.3.132.0.39": "sect571r1",
        "1.2.250.1.223.101.256.1": "FRP256v1",
        "1.2.156.10197.1.301": "SM2",
        **{
            f"1.3.36.3.3.2.8.1.1.{2 * index + 1 + twist}": f"brainpoolP{bits}{'rt'[twist]}1"
            for index, bits in enumerate((160, 192, 224, 256, 320, 384, 512))
            for twist in (0, 1)
        },
    }
)

EXTENSIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "2.5.29.9": "subject directory attributes",
        "2.5.29.14": "subject key identifier",
        "2.5.29.15": "key usage",
        "2.5.29.16": "private key usage period",
        "2.5.29.17": "subject alternative name",
        "2.5.29.18": "issuer alternative name",
        "2.5.29.19": "basic constraints",
        "2.5.29.30": "name constraints",
        "2.5.29.31": "CRL distribution points",
        "2.5.29.32": "certificate policies",
        "2.5.29.33": "policy mappings",
        "2.5.29.35": "authority key identifier",
        "2.5.29.36": "policy constraints",
        "2.5.29.37": "extended key usage",
        "2.5.29.46": "freshest CRL",
        "2.5.29.54": "inhibit any policy",
        "1.2.840.113549.1.9.15": "S/MIME capabilities",
        "1.3.6.1.5.5.7.1.1": "authority information access",
        "1.3.6.1.5.5.7.1.11": "subject information access",
        "1.3.6.1.5.5.7.1.3": "qualified certificate statements",
        "1.3.6.1.5.5.7.1.24": "TLS feature (OCSP must-staple)",
        "1.3.6.1.5.5.7.48.1.5": "OCSP no check",
        "1.3.6.1.4.1.11129.2.4.2": "signed certificate timestamps",
        "1.3.6.1.4.1.11129.2.4.3": "certificate transparency poison",
        "1.3.6.1.4.1.311.20.2": "Microsoft certificate template name",
        "1.3.6.1.4.1.311.21.7": "Microsoft certificate template",
        "1.3.6.1.4.1.311.21.10": "Microsoft application policies",
        "1.3.6.1.4.1.311.21.11": "Microsoft application policy mappings",
        "1.3.6.1.4.1.311.21.12": "Microsoft application policy constraints",
        "1.3.6.1.4.1.311.21.1": "Microsoft CA version",
        "1.3.6.1.4.1.311.21.2": "Microsoft previous CA certificate hash",
        "1.3.6.1.4.1.311.21.22": "Microsoft cross-CA version",
        "1.3.6.1.4.1.311.25.2": "Microsoft security identifier (SID)",
        "1.3.6.1.4.1.311.10.9.1": "Microsoft cross-certificate distribution points",
        "1.3.6.1.4.1.311.84.1.1": "ASP.NET development marker",
        "2.16.840.1.113730.1.1": "Netscape certificate type",
        "2.16.840.1.113730.1.4": "Netscape CA revocation address",
        "2.16.840.1.113730.1.12": "Netscape server name",
        "2.16.840.1.113730.1.13": "Netscape comment",
        "1.3.6.1.4.1.41482.3.3": "YubiKey firmware version",
        "1.3.6.1.4.1.41482.3.7": "YubiKey serial number",
        "1.3.6.1.4.1.41482.3.8": "YubiKey PIN and touch policy",
        "1.3.6.1.4.1.41482.3.11": "YubiKey attestation certificate",
    }
)

PURPOSES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "1.3.6.1.5.5.7.3.1": "server authentication",
        "1.3.6.1.5.5.7.3.2": "client authentication",
        "1.3.6.1.5.5.7.3.3": "code signing",
        "1.3.6.1.5.5.7.3.4": "secure e-mail",
        "1.3.6.1.5.5.7.3.8": "time stamping",
        "1.3.6.1.5.5.7.3.9": "OCSP signing",
        "1.3.6.1.4.1.311.20.2.2": "smart card logon",
        "1.3.6.1.5.2.3.5": "Kerberos KDC",
        "1.3.6.1.5.5.7.3.17": "IPsec IKE",
        "2.5.29.37.0": "any purpose",
        "1.3.6.1.4.1.311.10.3.4": "encrypting file system",
        "1.3.6.1.4.1.311.10.3.4.1": "EFS recovery",
        "1.3.6.1.4.1.311.20.2.1": "enrollment agent",
    }
)


def name(oid: str) -> str:
    """Name an algorithm or a curve; an unknown one is given by its number."""
    known = ALGORITHMS.get(oid) or CURVES.get(oid)
    if known is not None:
        return known
    if oid.startswith(_COMPOSITE_ARC) or _is_pkix_composite(oid):
        return f"a composite of two algorithms ({oid})"
    return oid


def extension_name(oid: str) -> str:
    """Name an extension; an unknown one is given by its number."""
    return EXTENSIONS.get(oid, oid)


def purpose_name(oid: str) -> str:
    """Name an extended key usage; an unknown one is given by its number."""
    return PURPOSES.get(oid, oid)


def _is_pkix_composite(oid: str) -> bool:
    arc, _, last = oid.rpartition(".")
    return arc == "1.3.6.1.5.5.7.6" and int(last) in _COMPOSITE_PKIX
