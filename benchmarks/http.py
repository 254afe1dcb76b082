"""The site over HTTP: submissions beside an empty view on the same server."""

from __future__ import annotations

import random
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from benchmarks import client, phases, site
from benchmarks.measure import table

if TYPE_CHECKING:
    from collections.abc import Sequence

_KEYS: Final = 50
_REQUESTS: Final = 4000
_SECONDS: Final = 10.0
_FLOOR_SECONDS: Final = 4.0
_GARBAGE_POSTS: Final = 50
_GARBAGE_BYTES: Final = 64 * 1024
_ISSUED: Final = b"certnew.cer?ReqID="


def run() -> None:
    """Print what the site does per second, and what it needs."""
    messages = submissions(_REQUESTS)
    rows = []
    with site.running() as served:
        loads = {
            "empty view": _run(served, [client.get("/empty")] * 8, b"200", _FLOOR_SECONDS),
            "GET /certsrv/": _run(
                served, [client.get("/certsrv/")] * 8, b"</html>", _FLOOR_SECONDS
            ),
            "POST certfnsh.asp, issued": _run(served, messages, _ISSUED, _SECONDS),
        }
        garbage = _garbage(served.port)
        memory = served.worker_memory()
    floor = loads["empty view"][0].per_second
    for name, (load, processor) in loads.items():
        rows.append(
            (
                name,
                f"{load.per_second:,.0f}",
                f"{load.per_second / floor:.0%}",
                f"{load.share(0.5):.1f}",
                f"{load.share(0.99):.1f}",
                f"{processor * 1e3:.1f}",
                str(load.wrong),
            )
        )
    print("## HTTP, 2 workers, 8 connections from the same machine, CA RSA 3072, SQLite, lint on\n")
    head = (
        "request",
        "per second",
        "of the floor",
        "median ms",
        "99 % below ms",
        "processor ms each",
        "wrong",
    )
    print(table(head, rows))
    print()
    print(
        f"- 64 KiB of garbage refused in {garbage[0]:.1f} ms (median), {garbage[1]:.1f} ms at most"
    )
    print(f"- memory of the workers after the run: {', '.join(f'{mib:.0f} MiB' for mib in memory)}")
    print(f"- start of `serve` to the first answer: {served.start_seconds:.2f} s")
    print()
    phases.run()


def _run(
    served: site.Site, messages: Sequence[bytes], wanted: bytes, seconds: float
) -> tuple[client.Load, float]:
    """Load the site; also say how much processor time an answer cost its workers."""
    before = served.processor_seconds()
    load = client.run(served.port, messages, wanted, seconds=seconds)
    return load, (served.processor_seconds() - before) / len(load.times)


@lru_cache(maxsize=2)
def submissions(count: int) -> Sequence[bytes]:
    """Write posts of many requests, of many keys, each with names of its own."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(_KEYS)]
    return [_submission(keys[index % _KEYS], f"host{index}.example.com") for index in range(count)]


def request_pem(key: ec.EllipticCurvePrivateKey, host: str) -> str:
    """Make one request in PEM."""
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return request.public_bytes(Encoding.PEM).decode()


def _submission(key: ec.EllipticCurvePrivateKey, host: str) -> bytes:
    return client.post("/certsrv/certfnsh.asp", fields(request_pem(key, host)))


def fields(pem: str) -> dict[str, str]:
    """Give the form that the scripted clients send."""
    return {
        "Mode": "newreq",
        "CertRequest": pem,
        "CertAttrib": "CertificateTemplate:WebServer",
        "FriendlyType": "Saved-Request Certificate",
        "TargetStoreFlags": "0",
        "SaveCert": "yes",
    }


def _garbage(port: int) -> tuple[float, float]:
    """Post random base64 letters and return the median and the worst time in milliseconds."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    content = "".join(random.Random(1).choices(letters, k=_GARBAGE_BYTES))  # noqa: S311 - garbage
    message = client.post("/certsrv/certfnsh.asp", fields(content))
    connection = client.Connection(port)
    times = []
    for _ in range(_GARBAGE_POSTS):
        start = time.perf_counter()
        answer = connection.ask(message)
        times.append((time.perf_counter() - start) * 1e3)
        if _ISSUED in answer:
            raise RuntimeError("garbage was issued")
    return sorted(times)[len(times) // 2], max(times)
