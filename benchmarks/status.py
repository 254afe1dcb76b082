"""OCSP over HTTP: answers used again and answers just signed, beside an empty view."""

from __future__ import annotations

import base64
import os
import re
import statistics
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from benchmarks import client, http, site
from benchmarks.measure import table

if TYPE_CHECKING:
    from collections.abc import Sequence

_CERTIFICATES: Final = 200
_NONCES: Final = 2000
_ROUNDS: Final = 12
_SECONDS: Final = 1.5
_ISSUED: Final = re.compile(rb"certnew\.cer\?ReqID=(\d+)&")
_FLOOR: Final = "empty view"
_CA_CERTIFICATE: Final = "/CertEnroll/localhost_Example%20Issuing%20CA.crt"


def run() -> None:
    """Print the rates, each a share of the floor measured in the same round."""
    with site.running() as served:
        loads = _messages(served.port)
        shares: dict[str, list[tuple[float, float, float]]] = {name: [] for name in loads}
        wrong = dict.fromkeys(loads, 0)
        for _ in range(_ROUNDS):
            floor = 0.0
            for name, messages in loads.items():
                before = served.processor_seconds()
                load = client.run(served.port, messages, b"HTTP/1.1 200", seconds=_SECONDS)
                processor = (served.processor_seconds() - before) / len(load.times)
                floor = floor or load.per_second
                shares[name].append((load.per_second, load.per_second / floor, processor))
                wrong[name] += load.wrong
    print("## OCSP over HTTP, 2 workers, 8 connections from the same machine, responder P-256\n")
    floor_processor = statistics.median(each[2] for each in shares[_FLOOR])
    rows = []
    for name, rounds in shares.items():
        rate, share, processor = (statistics.median(column) for column in zip(*rounds, strict=True))
        rows.append(
            (
                name, f"{rate:,.0f}", f"{share:.0%}", f"{processor * 1e3:.2f}",
                f"{floor_processor / processor:.0%}", str(wrong[name]),
            )
        )  # fmt: skip
    head = (
        "request", "per second", "of the floor", "processor ms each", "the floor's, of it", "wrong",
    )  # fmt: skip
    print(table(head, rows))
    print()


def _messages(port: int) -> dict[str, Sequence[bytes]]:
    connection = client.Connection(port)
    ca = ca_certificate(connection)
    numbers = [_issue(connection, message) for message in http.submissions(_CERTIFICATES)]
    plain = [question(ca, number) for number in numbers]
    fresh = [
        question(ca, numbers[index % len(numbers)], nonce=os.urandom(32))
        for index in range(_NONCES)
    ]
    return {
        _FLOOR: [get("/empty")] * 8,
        "GET, answer kept": [get(f"/ocsp/{quote(_base64(der), safe='')}") for der in plain],
        "POST, answer kept": [post(der) for der in plain],
        "POST, answer just signed": [post(der) for der in fresh],
    }


def get(path: str) -> bytes:
    """Write a GET as relying parties do: without an account."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def post(der: bytes) -> bytes:
    """Write an OCSP request as a POST."""
    head = (
        "POST /ocsp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/ocsp-request\r\n"
        f"Content-Length: {len(der)}\r\n\r\n"
    )
    return head.encode() + der


def question(ca: x509.Certificate, serial_number: int, *, nonce: bytes | None = None) -> bytes:
    """Ask for one certificate of a CA; with SHA-1, as most clients still do."""
    key = x509.SubjectKeyIdentifier.from_public_key(ca.public_key()).digest
    name = hashes.Hash(hashes.SHA1())  # noqa: S303 - the client's choice
    name.update(ca.subject.public_bytes())
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
        name.finalize(), key, serial_number, hashes.SHA1()  # noqa: S303 - as above
    )  # fmt: skip
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(Encoding.DER)


def ca_certificate(connection: client.Connection) -> x509.Certificate:
    """Fetch the CA certificate of a site."""
    return x509.load_der_x509_certificate(_body(connection.ask(get(_CA_CERTIFICATE))))


def _issue(connection: client.Connection, message: bytes) -> int:
    found = _ISSUED.search(connection.ask(message))
    if found is None:
        raise RuntimeError("nothing was issued")
    path = f"/certsrv/certnew.cer?ReqID={found[1].decode()}&Enc=bin"
    return x509.load_der_x509_certificate(_body(connection.ask(client.get(path)))).serial_number


def _body(answer: bytes) -> bytes:
    return answer.split(b"\r\n\r\n", 1)[1]


def _base64(der: bytes) -> str:
    return base64.b64encode(der).decode()
