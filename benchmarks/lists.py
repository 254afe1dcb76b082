"""Lists of 10,000 to 1,000,000 entries, and one revocation more among a million."""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.x509 import ocsp

from benchmarks import client, filled, site, status
from benchmarks.measure import table

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIZES: Final = (10_000, 100_000, 1_000_000)
_ROUNDS: Final = 3
_DOWNLOADS: Final = 10
_LIST: Final = "/CertEnroll/Example%20Issuing%20CA.crl"
_PATIENCE_SECONDS: Final = 60


def run() -> None:
    """Print what lists cost, made and served, and how soon a revocation is known."""
    rows = []
    served: list[str] = []
    for size in _SIZES:
        with _filled_home(size) as (home, serials):
            rows.append(_published(home, size))
            if size == _SIZES[-1]:
                served = _served(home, serials)
    print(
        "## Lists, CA RSA 3072, SQLite: read, built, signed, stored and written into the folder\n"
    )
    head = (
        "entries", "size", "cryptography alone, s", "published, s", "ratio",
        "cryptography alone, processor s", "published, processor s", "ratio",
        "peak of the process", "of cryptography alone",
    )  # fmt: skip
    print(table(head, rows))
    print()
    print("\n".join(f"- {line}" for line in served))
    print()


@contextlib.contextmanager
def _filled_home(size: int) -> Iterator[tuple[Path, list[str]]]:
    """Make a site whose certificates are all revoked but the last ten."""
    with tempfile.TemporaryDirectory(prefix="certsrv-bench-") as folder:
        home = Path(folder)
        site.manage("setup", _environment(home))
        yield home, filled.fill(home, size + 10, size)


def _environment(home: Path, port: int = 1) -> dict[str, str]:
    return site.environment(str(home), port, workers=2, ca_key="rsa:3072")


def _act(home: Path, *words: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.acts", *words],
        cwd=site.ROOT, env=_environment(home), check=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _published(home: Path, size: int) -> tuple[str, ...]:
    """Measure both in turns, so that a slow moment of the machine meets both."""
    floors, ours = [], []
    for _ in range(_ROUNDS):
        floors.append(_act(home, "alone"))
        ours.append(_act(home, "publish"))
    octets = (home / "published" / "CertEnroll" / "Example Issuing CA.crl").stat().st_size
    return (
        f"{size:,}",
        f"{octets / 1e6:.1f} MB",
        *(f"{_median(acts, 'seconds'):.2f}" for acts in (floors, ours)),
        f"{_ratio(floors, ours, 'seconds'):.2f}",
        *(f"{_median(acts, 'processor'):.2f}" for acts in (floors, ours)),
        f"{_ratio(floors, ours, 'processor'):.2f}",
        f"{max(one['mib'] for one in ours):.0f} MiB",
        f"{max(one['mib'] for one in floors):.0f} MiB",
    )


def _median(acts: list[dict[str, Any]], what: str) -> float:
    return statistics.median(float(act[what]) for act in acts)


def _ratio(floors: list[dict[str, Any]], ours: list[dict[str, Any]], what: str) -> float:
    return statistics.median(
        float(one[what] / floor[what]) for floor, one in zip(floors, ours, strict=True)
    )


def _served(home: Path, serials: list[str]) -> list[str]:
    """Download a long list again and again; then revoke one certificate more."""
    port = site.free_port()
    with site.serving(port, _environment(home, port)) as served:
        connection = client.Connection(port)
        first = _timed(connection, client.get(_LIST))
        before = served.worker_memory()
        again = [_timed(connection, client.get(_LIST)) for _ in range(_DOWNLOADS)]
        after = served.worker_memory()
        heads = [
            _timed(connection, client.get(_LIST).replace(b"GET", b"HEAD", 1), body=False)
            for _ in range(_DOWNLOADS)
        ]
        lines = [
            f"download of the list of a million: {first:.2f} s at first (its digest is checked), "
            f"then {statistics.median(again):.2f} s (median of {_DOWNLOADS})",
            f"HEAD: {statistics.median(heads) * 1e3:.1f} ms",
            "memory of the workers before and after these downloads: "
            + ", ".join(f"{a:.0f} → {b:.0f} MiB" for a, b in zip(before, after, strict=True)),
        ]
        seen, returned = zip(*(_revoked(home, port, serial) for serial in serials[:5]), strict=True)
        return [
            *lines,
            f"one revocation among a million: OCSP says so after {max(seen) * 1e3:.0f} ms, and the "
            f"lists are published after {max(returned) * 1e3:.0f} ms (the longest of {len(seen)})",
        ]


def _timed(connection: client.Connection, message: bytes, *, body: bool = True) -> float:
    start = time.perf_counter()
    connection.ask(message, body=body)
    return time.perf_counter() - start


def _revoked(home: Path, port: int, serial: str) -> tuple[float, float]:
    """Revoke in another process; return after which time OCSP says so, and when all was done."""
    connection = client.Connection(port)
    question = status.question(status.ca_certificate(connection), int(serial, 16))
    message = status.post(question)
    if _state(connection, message) is not ocsp.OCSPCertStatus.GOOD:
        raise RuntimeError("the certificate is revoked already")
    done: list[dict[str, Any]] = []
    act = threading.Thread(target=lambda: done.append(_act(home, "revoke", serial)))
    act.start()
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while _state(connection, message) is not ocsp.OCSPCertStatus.REVOKED:
        if time.monotonic() > give_up:
            raise RuntimeError("the revocation was never told")
        time.sleep(0.001)
    seen = time.time()
    act.join()
    return seen - done[0]["begin"], done[0]["seconds"]


def _state(connection: client.Connection, message: bytes) -> ocsp.OCSPCertStatus:
    body = connection.ask(message).split(b"\r\n\r\n", 1)[1]
    answer = ocsp.load_der_ocsp_response(body)
    if answer.extensions and any(
        isinstance(extension.value, x509.OCSPNonce) for extension in answer.extensions
    ):
        raise RuntimeError("an answer with a nonce that was not sent")
    return answer.certificate_status
