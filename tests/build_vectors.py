"""Make every vector in `tests/vectors`: requests as IIS, certreq, OpenSSL and others write them.

Run `python -m tests.build_vectors` to write them again; the keys beside them make the octets the
same each time, because RSA signatures of PKCS #1 version 1.5 have no chance in them. Keys, names
and encodings are our own. `python -m tests.build_vectors --new-keys` makes other keys.
"""

from __future__ import annotations

import base64
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from enrollment.ca import ber, der
from tests import messages, renewals

if TYPE_CHECKING:
    from collections.abc import Callable

VECTORS = Path(__file__).parent / "vectors"
KEYS = {"server": 2048, "renewed": 2048, "issuer": 2048, "iis4": 512}

HOST = "www.example.com"
NAMES = (HOST, "example.com")
_SUBJECT = (
    ("2.5.4.6", der.printable_string("NL")),
    ("2.5.4.8", der.utf8_string("Noord-Holland")),
    ("2.5.4.7", der.utf8_string("Amsterdam")),
    ("2.5.4.10", der.utf8_string("Example")),
    ("2.5.4.11", der.utf8_string("Web")),
    ("2.5.4.3", der.utf8_string(HOST)),
)
_SERVER_USAGE = messages.extension("2.5.29.15", bytes.fromhex("030204f0"), critical=True)
_SERVER_PURPOSE = messages.extension("2.5.29.37", der.sequence(der.oid("1.3.6.1.5.5.7.3.1")))
_OLD_IIS_PURPOSES = messages.extension(
    "1.2.840.113549.1.9.15",
    bytes.fromhex(
        "3035300e06082a864886f70d030202020080300e06082a864886f70d030402020080"
        "300706052b0e030207300a06082a864886f70d0307"
    ),
)


@cache
def key(name: str) -> rsa.RSAPrivateKey:
    """Return a key from its file."""
    loaded = load_pem_private_key((VECTORS / "keys" / f"{name}.pem").read_bytes(), None)
    assert isinstance(loaded, rsa.RSAPrivateKey)
    return loaded


@cache
def old_certificate() -> x509.Certificate:
    """Return the certificate that the renewals renew, by a CA that exists only here."""
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Vector CA")])
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key("server").public_key())
        .serial_number(0x1F00D)
        .not_valid_before(datetime(2025, 12, 1, tzinfo=UTC))
        .not_valid_after(datetime(2026, 12, 1, tzinfo=UTC))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in NAMES]), critical=False
        )
        .sign(key("issuer"), hashes.SHA256())
    )


def iis_request() -> bytes:
    """IIS 10 on Windows Server 2022: every attribute of Microsoft, names in subject and SAN."""
    return messages.pkcs10(
        key("server"),
        messages.name(*_SUBJECT),
        [
            messages.os_version(),
            messages.client_info(5, "WEB1.example.com", "EXAMPLE\\alice", "InetMgr.exe"),
            messages.provider(),
            messages.extension_request(
                _SERVER_USAGE, _SERVER_PURPOSE, _OLD_IIS_PURPOSES, messages.dns_names(*NAMES)
            ),
        ],
    )


def iis4_request() -> bytes:
    """Key Manager of IIS 4: 512 bits, MD5, no attributes at all."""
    subject = messages.name(
        *[(oid, der.printable_string(ber.read(value).content.decode())) for oid, value in _SUBJECT]
    )
    return messages.pkcs10(key("iis4"), subject, digest="md5")


def unsorted_request() -> bytes:
    """Attributes in the order they were thought of, as some VPN software writes them."""
    attributes = [
        messages.extension_request(messages.dns_names(*NAMES)),
        messages.attribute("1.2.840.113549.1.9.7", der.printable_string("challenge")),
    ]
    return messages.pkcs10(
        key("server"), messages.common_name(HOST), sorted(attributes, reverse=True), is_sorted=False
    )


def version_1_request() -> bytes:
    """Version 1, where the standard wants 0."""
    return messages.pkcs10(key("server"), messages.common_name(HOST), version=1)


def indefinite(octets: bytes) -> bytes:
    """Write every constructed value with indefinite length."""
    node = ber.read(octets)
    if not node.constructed:
        return octets
    inner = b"".join(indefinite(child.octets) for child in node.children())
    return bytes((node.tag, 0x80)) + inner + b"\x00\x00"


def ber_request() -> bytes:
    """Indefinite lengths throughout, signed as such."""
    info = indefinite(
        der.sequence(
            der.integer(0),
            messages.common_name(HOST),
            messages.spki(key("server")),
            der.explicit(0, messages.extension_request(messages.dns_names(*NAMES))),
        )
    )
    signature = der.bit_string(messages.sign(key("server"), info))
    algorithm = messages.signature_algorithm(key("server"))
    return b"\x30\x80" + info + algorithm + signature + b"\x00\x00"


def windows_renewal() -> bytes:
    """A renewal by Windows: PKCS #7 without signed attributes."""
    return renewals.windows_renewal(
        old_certificate(), key("server"), key("renewed"), san=NAMES, template="WebServer"
    )


def openssl_renewal() -> bytes:
    """A new request signed with the old certificate by `openssl cms -sign`."""
    return renewals.openssl_cms_renewal(old_certificate(), key("server"), key("renewed"), san=NAMES)


def certreq_cmc() -> bytes:
    """A new request by certreq: CMC, signed by its own key."""
    return renewals.certreq_cmc(
        key("server"), subject=messages.name(*_SUBJECT), san=NAMES, template="WebServer"
    )


def quoted(octets: bytes) -> bytes:
    """Put a request into a mail that was answered."""
    lines = renewals.pem(octets, "CERTIFICATE REQUEST").decode().splitlines()
    body = "\r\n".join(f"> {line}" for line in lines)
    return f"Hello,\r\n\r\nhere it is:\r\n\r\n{body}\r\n\r\nRegards, Bob\r\n".encode()


def one_line(octets: bytes) -> bytes:
    """Remove every newline, as scripts do before they encode a form."""
    return renewals.pem(octets, "CERTIFICATE REQUEST").replace(b"\r\n", b"")


FILES: dict[str, Callable[[], bytes]] = {
    "iis10-new-certificate-request.txt": lambda: renewals.pem(iis_request()),
    "iis10-utf-16.txt": lambda: renewals.pem(iis_request()).decode().encode("utf-16"),
    "iis10-quoted-in-mail.txt": lambda: quoted(iis_request()),
    "iis10-one-line.txt": lambda: one_line(iis_request()),
    "iis10-no-armor.txt": lambda: base64.b64encode(iis_request()),
    "iis4-md5-512.txt": lambda: renewals.pem(iis4_request()),
    "windows-pkcs7-renewal.p7b": lambda: renewals.pem(windows_renewal()),
    "openssl-cms-renewal.p7b": lambda: renewals.pem(openssl_renewal(), "CMS"),
    "certreq-cmc.req": lambda: renewals.pem(certreq_cmc()),
    "unsorted-attributes.csr": lambda: renewals.pem(unsorted_request(), "CERTIFICATE REQUEST"),
    "version-1.csr": lambda: renewals.pem(version_1_request(), "CERTIFICATE REQUEST"),
    "indefinite-lengths.der": ber_request,
}


def new_keys() -> None:
    """Make other keys; 512 bits is more than `cryptography` makes, so OpenSSL does."""
    (VECTORS / "keys").mkdir(parents=True, exist_ok=True)
    for name, bits in KEYS.items():
        path = VECTORS / "keys" / f"{name}.pem"
        subprocess.run(["openssl", "genrsa", "-out", str(path), str(bits)], check=True)


def main(arguments: list[str]) -> None:
    """Write every vector."""
    if "--new-keys" in arguments:
        new_keys()
    for file_name, build in FILES.items():
        (VECTORS / file_name).write_bytes(build())


if __name__ == "__main__":
    main(sys.argv[1:])
