"""DER, PEM and PKCS #7 out, octet for octet as the clients of `/certsrv` want them."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import TYPE_CHECKING, Final

from enrollment.ca import der

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_COLUMNS: Final = 64
# Of a long list: a thousand whole lines.
_PIECE: Final = 1000 * _COLUMNS * 3 // 4

_DATA: Final = der.oid("1.2.840.113549.1.7.1")
_SIGNED_DATA: Final = der.oid("1.2.840.113549.1.7.2")
_SIGNED_DATA_VERSION: Final = 1
_CERTIFICATES: Final = 0


def pem(certificate: bytes) -> str:
    """Armor one certificate.

    CRLF after every line, the END line included, 64 columns, and nothing before or after: some
    clients cut the base64 out by counting line ends.

    Source: certsrv-contract rule 6 and section 1.8; RFC 7468 section 5.1.
    """
    return _armor(certificate, "CERTIFICATE")


def pem_request(request: bytes) -> str:
    """Armor one certification request (RFC 7468 section 7)."""
    return _armor(request, "CERTIFICATE REQUEST")


def pem_crl(crl: bytes) -> str:
    """Armor one certificate revocation list (RFC 7468 section 6)."""
    return _armor(crl, "X509 CRL")


def pem_crl_pieces(read: Callable[[int], bytes]) -> Iterator[bytes]:
    """Armor a list that is too long to be held, as `pem_crl` would.

    Args:
        read: gives as many of the next octets of its DER as it is asked for, at the end fewer.
    """
    yield b"-----BEGIN X509 CRL-----\r\n"
    while piece := read(_PIECE):
        text = b64encode(piece)
        starts = range(0, len(text), _COLUMNS)
        yield b"".join(text[start : start + _COLUMNS] + b"\r\n" for start in starts)
    yield b"-----END X509 CRL-----\r\n"


def pem_crl_size(size: int) -> int:
    """Return how many octets `pem_crl_pieces` makes of a list of `size` octets."""
    letters = 4 * -(-size // 3)
    lines = -(-letters // _COLUMNS)
    return letters + 2 * lines + len("-----BEGIN X509 CRL----------END X509 CRL-----\r\n\r\n")


def pem_pkcs7(message: bytes) -> str:
    """Armor a PKCS #7 chain under the label CERTIFICATE.

    RFC 7468 section 8 has the label PKCS7; AD CS writes CERTIFICATE, its clients look for that
    label, and OpenSSL reads both.

    Source: certsrv-contract rule 7 and section 1.9.
    """
    return _armor(message, "CERTIFICATE")


def pkcs7(certificates: Sequence[bytes]) -> bytes:
    """Put certificates into a SignedData without signers, in the order given.

    RFC 2315 section 6.6 makes `certificates` a SET OF, which DER would sort. Clients take the first
    one as the certificate they asked for, so the order is kept and this one set is BER.

    Args:
        certificates: DER, the requested certificate first and the root last.

    Source: RFC 2315 section 9.1; certsrv-contract rule 8.
    """
    signed_data = der.sequence(
        der.integer(_SIGNED_DATA_VERSION),
        der.set_of(),  # digestAlgorithms: nobody signed
        der.sequence(_DATA),  # contentInfo without content
        der.explicit(_CERTIFICATES, b"".join(certificates)),
        der.set_of(),  # signerInfos
    )
    return der.sequence(_SIGNED_DATA, der.explicit(0, signed_data))


def thumbprint(certificate: bytes) -> str:
    """SHA-1 of the DER in lower-case hexadecimal, as Windows shows and finds certificates."""
    return hashlib.sha1(certificate, usedforsecurity=False).hexdigest()


def thumbprint_sha256(certificate: bytes) -> str:
    """SHA-256 of the DER in lower-case hexadecimal."""
    return hashlib.sha256(certificate).hexdigest()


def pem_bundle(certificates: Iterable[bytes]) -> str:
    """Armor several certificates one after the other, as nginx and most Unix servers want them."""
    return "".join(pem(certificate) for certificate in certificates)


def _armor(content: bytes, label: str) -> str:
    text = b64encode(content).decode("ascii")
    lines = [text[start : start + _COLUMNS] for start in range(0, len(text), _COLUMNS)]
    return "\r\n".join((f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""))
