"""Clients of NTLM, good and bad, and connections to talk over without a server."""

from __future__ import annotations

import base64
import hmac
import os
import socket
import ssl
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from django.test import Client

from enrollment.services.nt_hash import nt_hash
from enrollment.serving.tls import ServerContext
from enrollment.signin.channel import binding_of
from enrollment.signin.ntlm.messages import SIGNATURE, Av, read_pairs
from enrollment.signin.ntlm.proof import binding_hash
from tests.signin.test_channel import certificate

if TYPE_CHECKING:
    from collections.abc import Iterable

PAGE: Final = "/certsrv/"
UNICODE: Final = 0x1
NTLM: Final = 0x200
MIC: Final = slice(72, 88)


def pack(kind: int, rest: bytes) -> bytes:
    return SIGNATURE + struct.pack("<I", kind) + rest


def negotiate(flags: int = UNICODE | NTLM | 0x4) -> bytes:
    return pack(1, struct.pack("<I", flags) + bytes(16))


def authenticate(
    nt: bytes, user: str, domain: str = "", *, lm: bytes = b"", flags: int = UNICODE
) -> bytes:
    """Return an AUTHENTICATE_MESSAGE whose MIC, if there is room for one, is zeros."""
    charset = "utf-16-le" if flags & UNICODE else "ascii"
    values = [lm, nt, domain.encode(charset), user.encode(charset), b"", b""]
    fields, at = b"", MIC.stop
    for value in values:
        fields += struct.pack("<HHI", len(value), len(value), at)
        at += len(value)
    return pack(3, fields + struct.pack("<I", flags)).ljust(MIC.stop, b"\0") + b"".join(values)


def target_info(challenge: bytes) -> bytes:
    length, _, offset = struct.unpack_from("<HHI", challenge, 40)
    return challenge[offset : offset + length]


def written(pairs: Iterable[tuple[int, bytes]]) -> bytes:
    every = b"".join(struct.pack("<HH", key, len(value)) + value for key, value in pairs)
    return every + bytes(4)


def md5(key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, content, "md5")


@dataclass
class Program:
    """A client that does everything right, but for what a test takes from it."""

    password: str
    user: str = "alice"
    domain: str = ""
    binding: bytes | None = None
    target: str | None = "HTTP/localhost:8443"
    signs: bool = True
    says_so: bool = True
    without: tuple[int, ...] = ()
    first: bytes = field(default_factory=negotiate)

    def answer(self, challenge: bytes) -> bytes:
        """Return the third message."""
        key = md5(
            nt_hash(self.password), (self.user.upper() + self.domain).encode("utf-16-le")
        )  # fmt: skip
        pairs = read_pairs(target_info(challenge))
        time = pairs.get(Av.TIMESTAMP, bytes(8))
        if self.says_so:
            pairs[Av.FLAGS] = (2).to_bytes(4, "little")
        if self.binding is not None:
            pairs[Av.CHANNEL_BINDINGS] = self.binding
        if self.target is not None:
            pairs[Av.TARGET_NAME] = self.target.encode("utf-16-le")
        kept = [(key, value) for key, value in pairs.items() if key not in self.without]
        blob = b"\1\1" + bytes(6) + time + os.urandom(8) + bytes(4) + written(kept) + bytes(4)
        proof = md5(key, challenge[24:32] + blob)
        message = authenticate(proof + blob, self.user, self.domain, lm=bytes(24))
        if not self.signs:
            return message
        mic = md5(md5(key, proof), self.first + challenge + message)
        return message[: MIC.start] + mic + message[MIC.stop :]


class Line:
    """A connection to a site in this process, over TLS to our listener or plain."""

    def __init__(self, der: bytes | None) -> None:
        ours, self._theirs = socket.socketpair()
        if der is not None:
            context = ServerContext(ssl.PROTOCOL_TLS_SERVER)
            context.served = der
            ours = context.wrap_socket(ours, server_side=True, do_handshake_on_connect=False)
        self.socket = ours
        self._client = Client()

    def ask(
        self,
        token: bytes | None = None,
        path: str = PAGE,
        *,
        scheme: str = "NTLM",
        headers: dict[str, str] | None = None,
        method: str = "GET",
        **environ: Any,
    ) -> Any:
        """Send one request, with a message of NTLM or without."""
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"{scheme} {base64.b64encode(token).decode()}"
        environ.setdefault("gunicorn.socket", self.socket)
        return self._client.generic(method, path, headers=sent, **environ)

    def challenge(self, first: bytes | None = None) -> bytes:
        """Begin an exchange; return what the site asks."""
        answer = self.ask(first or negotiate())
        assert answer.status_code == 401
        scheme, _, sent = answer["WWW-Authenticate"].partition(" ")
        assert scheme == "NTLM"
        return base64.b64decode(sent)

    def sign_in(self, program: Program, path: str = PAGE, **how: Any) -> Any:
        """Go through all of an exchange; return the answer of the site."""
        return self.ask(program.answer(self.challenge(program.first)), path, **how)

    def close(self) -> None:
        """Hang up."""
        self.socket.close()
        self._theirs.close()


def new_certificate() -> bytes:
    """Return the DER of a certificate that has a channel binding."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    return certificate(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())


def binding_to(der: bytes) -> bytes:
    """Return what a client says of a connection to a server with this certificate."""
    binding = binding_of(der)
    assert binding is not None
    return binding_hash(binding)
