"""The TLS side of the site: a context that follows its certificate as it is renewed."""

import ssl
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.db import DatabaseError

from enrollment.services.client_authorities import ClientAuthoritiesUnreadable
from enrollment.serving.sockets import PatientTLSSocket

# How old a look at the files may be. A renewed certificate is in use this soon after it is written.
LOOK_EVERY_SECONDS = 5.0
# Returns the CA certificates, DER, whose holders may show a certificate of theirs.
Authorities = Callable[[], tuple[bytes, ...]]
STRONG_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"


class ServerContext(ssl.SSLContext):
    """A context that knows the certificate it serves, which channel bindings are made of.

    `served` is DER.
    """

    served: bytes = b""


class CertificateFiles:
    """Gives out a TLS context for the certificate now in the files.

    Connections that are open keep the context they began with, so a renewal drops nobody.
    """

    def __init__(self, certificate: Path, key: Path, clients: Authorities | None = None) -> None:
        self._certificate = certificate
        self._key = key
        self._clients = clients
        self._lock = threading.Lock()
        self._looked_at = time.monotonic()
        self._seen = self._mark()
        self._context = self._make()

    def context(self) -> ServerContext:
        """Return the context to begin a connection with."""
        now = time.monotonic()
        if now - self._looked_at >= LOOK_EVERY_SECONDS:
            with self._lock:
                self._looked_at = now
                self._follow()
        return self._context

    def _follow(self) -> None:
        try:
            mark = self._mark()
            if mark != self._seen:
                self._context = self._make()
                self._seen = mark
        except (OSError, DatabaseError, ClientAuthoritiesUnreadable):
            # Certificate and key are two files: between the two writes they do not match. The
            # next look finds them whole; until then the old pair serves. (SSLError is an OSError.)
            return

    def _make(self) -> ServerContext:
        context = make_context(self._certificate, self._key)
        if self._clients is not None:
            ask_for_certificates(context, self._clients())
        return context

    def _mark(self) -> tuple[object, ...]:
        status = self._certificate.stat()
        clients = self._clients() if self._clients is not None else ()
        return status.st_mtime_ns, status.st_ino, clients


def ask_for_certificates(context: ssl.SSLContext, authorities: Sequence[bytes]) -> None:
    """Ask each client for a certificate of one of these; none is as good as one.

    Each stands for itself, whoever signed it: an issuing CA can be trusted without its root.
    """
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=b"".join(authorities))


def make_context(certificate: Path, key: Path) -> ServerContext:
    """Return a server context for TLS 1.2 and newer.

    Raises:
        ssl.SSLError: the certificate and the key do not belong together.
    """
    context = ServerContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A client's renegotiation costs us a handshake each time and gives nobody anything.
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        if error.reason != "CA_MD_TOO_WEAK":
            raise
        # OpenSSL before 3.5 does not know ML-DSA and takes the CA's signature for a weak one. Its
        # general level goes, and what it would have kept out is kept out by name.
        context.set_ciphers(f"{STRONG_CIPHERS}:@SECLEVEL=0")
        context.load_cert_chain(certificate, key)
    context.sslsocket_class = PatientTLSSocket
    context.served = _first_certificate(certificate)
    return context


def _first_certificate(path: Path) -> bytes:
    """Return the certificate that OpenSSL serves: the first of the file."""
    served, *_ = x509.load_pem_x509_certificates(path.read_bytes())
    return served.public_bytes(Encoding.DER)
