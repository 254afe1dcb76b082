"""A man in the middle: a server of his own that hands every message on to the site."""

from __future__ import annotations

import contextlib
import ssl
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

if TYPE_CHECKING:
    import http.client
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass
class Relay:
    """Where he listens, and what the site answered him."""

    url: str
    statuses: list[int] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    """One connection of a lured client, and one of his own to the site for it."""

    protocol_version = "HTTP/1.1"
    connect: Callable[[], http.client.HTTPConnection]
    relay: Relay

    def setup(self) -> None:
        super().setup()
        self.site = type(self).connect()

    def finish(self) -> None:
        self.site.close()
        super().finish()

    def do_GET(self) -> None:
        """Hand on what the client says, and back what the site answers."""
        said = {"Authorization": value} if (value := self.headers.get("Authorization")) else {}
        self.site.request("GET", self.path, headers=said)
        answer = self.site.getresponse()
        body = answer.read()
        self.relay.statuses.append(answer.status)
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() == "www-authenticate":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def own_certificate(folder: Path) -> Path:
    """Write a certificate that the lured client trusts, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    built = x509.CertificateBuilder(name, name, key.public_key(), 7, now, now + timedelta(days=1))
    built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)  # noqa: FBT003  # its signature
    path = folder / "middle.pem"
    pem = built.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    path.write_bytes(
        pem + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )  # fmt: skip
    return path


@contextlib.contextmanager
def in_the_middle(
    connect: Callable[[], http.client.HTTPConnection], certificate: Path | None
) -> Iterator[Relay]:
    """Stand there while the block runs, over TLS where there is a certificate."""

    class Answering(_Handler):
        pass

    Answering.connect = staticmethod(connect)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.daemon_threads = True
    server.block_on_close = False
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "https" if certificate is not None else "http"
    Answering.relay = Relay(f"{scheme}://localhost:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield Answering.relay
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
