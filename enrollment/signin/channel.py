"""The TLS connection beneath a request: what binds credentials to it, and who is at its other end.

Source: RFC 5929 section 4 (tls-server-end-point).
"""

import ssl
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from django.http import HttpRequest

_SOCKET: Final = "gunicorn.socket"
_PREFIX: Final = b"tls-server-end-point:"


def tls_socket(request: HttpRequest) -> ssl.SSLSocket | None:
    """Return the connection that a request came over, when it is one of our TLS listener."""
    found = request.META.get(_SOCKET)
    return found if isinstance(found, ssl.SSLSocket) else None


def client_certificate(request: HttpRequest) -> bytes | None:
    """Return the certificate, DER, whose key the other end of our TLS listener has proven."""
    connection = tls_socket(request)
    return connection.getpeercert(binary_form=True) if connection is not None else None


def end_point_binding(request: HttpRequest) -> bytes | None:
    """Return the channel binding of the TLS connection, as GSS-API and NTLM take it.

    None when there is no TLS here, or when the certificate's signature has no hash of its own, for
    which the binding is not defined (EdDSA, ML-DSA).
    """
    connection = tls_socket(request)
    served: bytes | None = getattr(getattr(connection, "context", None), "served", None)
    return None if served is None else binding_of(served)


def binding_of(certificate: bytes) -> bytes | None:
    """Return the binding to a server certificate in DER."""
    parsed = x509.load_der_x509_certificate(certificate)
    try:
        algorithm = parsed.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return None
    if algorithm is None:
        return None
    if isinstance(algorithm, hashes.MD5 | hashes.SHA1):
        algorithm = hashes.SHA256()
    digest = hashes.Hash(algorithm)
    digest.update(parsed.public_bytes(Encoding.DER))
    return _PREFIX + digest.finalize()
