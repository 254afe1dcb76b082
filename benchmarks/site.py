"""A site of its own for a measurement: set up, served, and taken away again."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parent.parent
PASSWORD: Final = "correct horse battery"  # noqa: S105 - of a site that lives for a minute
AUTHORIZATION: Final = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
_START_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Site:
    """A running site."""

    port: int
    process: int
    start_seconds: float

    def worker_memory(self) -> list[float]:
        """Resident memory of each worker, in MiB."""
        return [_resident(child) for child in self._workers()]

    def processor_seconds(self) -> float:
        """Processor time that the workers have used so far; neighbors hardly change it."""
        return sum(_used(child) for child in self._workers())

    def _workers(self) -> list[int]:
        children = Path(f"/proc/{self.process}/task/{self.process}/children").read_text()
        return [int(child) for child in children.split()]


def _resident(process: int) -> float:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def _used(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # user and system


def environment(home: str, port: int, *, workers: int, ca_key: str) -> dict[str, str]:
    """Give the environment of a site with one plain listener."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
        "PYTHONPATH": str(ROOT),
        "CERTSRV_HOME": home,
        "CERTSRV_HTTP": f"127.0.0.1:{port}",
        "CERTSRV_HTTPS": "",
        "CERTSRV_ADMIN_PASSWORD": PASSWORD,
        "CERTSRV_CA_KEY": ca_key,
        "CERTSRV_WORKERS": str(workers),
        "CERTSRV_SIGN_IN": "basic,token",
    }


@contextlib.contextmanager
def running(*, workers: int = 2, ca_key: str = "rsa:3072") -> Iterator[Site]:
    """Set up a site in a temporary folder and serve it as `make run` would."""
    with tempfile.TemporaryDirectory(prefix="certsrv-bench-") as home:
        port = free_port()
        variables = environment(home, port, workers=workers, ca_key=ca_key)
        manage("setup", variables)
        with serving(port, variables) as served:
            yield served


@contextlib.contextmanager
def serving(port: int, variables: dict[str, str]) -> Iterator[Site]:
    """Serve a site that is set up."""
    start = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "manage.py", "serve"],
        cwd=ROOT,
        env=variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(port, server)
        yield Site(port, server.pid, time.perf_counter() - start)
    finally:
        server.terminate()
        server.wait(timeout=30)


def manage(command: str, variables: dict[str, str]) -> None:
    """Run a management command of a site."""
    subprocess.run(
        [sys.executable, "manage.py", command],
        cwd=ROOT,
        env=variables,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def measured_apart(module: str, *, ca_key: str) -> dict[str, float]:
    """Run a module in a process of its own on a new site, and read what it prints last as JSON.

    Django is set up once per process.
    """
    with tempfile.TemporaryDirectory(prefix="certsrv-bench-") as home:
        variables = environment(home, 1, workers=1, ca_key=ca_key)
        manage("setup", variables)
        answer = subprocess.run(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env=variables,
            check=True,
            stdout=subprocess.PIPE,
        )
    found: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return found


def free_port() -> int:
    """Return a port nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    """Wait until the first address answers, which is when a person could use the site."""
    deadline = time.perf_counter() + _START_SECONDS
    while time.perf_counter() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with {server.returncode}")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                connection.sendall(b"GET /empty HTTP/1.1\r\nHost: localhost\r\n\r\n")
                if connection.recv(12) == b"HTTP/1.1 200":
                    return
        except OSError:
            pass
        time.sleep(0.01)
    raise RuntimeError("the server did not answer")
