"""A whole site, served as in production, for tests that come in through the front door.

`live_site` is one site for the whole session: set up by the commands a newcomer types, with three
people in it, on free ports, in a folder of its own.
"""

import base64
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "correct horse battery"
# alice and bob may enroll; mallory is somebody, but in no group; the manager decides.
PEOPLE = {
    "alice": ("Enrollees",),
    "bob": ("Enrollees",),
    "mallory": (),
    "manager": ("Certificate Managers",),
}
# These would override the CA file that a client under test was given.
UNWANTED = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "DATABASE_URL")


def free_port() -> int:
    """Return a port nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def clean_environment(**values: str) -> dict[str, str]:
    """Return this process's environment without what would steer a site or a client."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in UNWANTED and not name.startswith(("CERTSRV_", "DJANGO_"))
    }
    return kept | values


@dataclass
class LiveSite:
    """A site in a folder of its own, its processes and its addresses."""

    home: Path
    settings: dict[str, str] = field(default_factory=dict)
    # As whom its processes run: `user`, `group` and so on, as `subprocess` takes them.
    run_as: dict[str, Any] = field(default_factory=dict)
    python: str = sys.executable
    http_port: int = field(default_factory=free_port)
    https_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The plain address, without a slash at the end."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def secure_url(self) -> str:
        """The TLS address, without a slash at the end."""
        return f"https://localhost:{self.https_port}"

    @property
    def ca_file(self) -> Path:
        """The CA certificate, PEM, for clients to trust."""
        return self.home / "trusted-ca.pem"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every command of this site."""
        return clean_environment(
            CERTSRV_HOME=str(self.home),
            CERTSRV_HTTP=f"127.0.0.1:{self.http_port}",
            CERTSRV_HTTPS=f"127.0.0.1:{self.https_port}",
            CERTSRV_WORKERS="1",
            CERTSRV_ADMIN_PASSWORD=PASSWORD,
            **self.settings,
        )

    def manage(self, *arguments: str) -> str:
        """Run a management command; return what it printed."""
        done = subprocess.run(
            [self.python, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            **self.run_as,
        )
        assert done.returncode == 0, f"manage.py {arguments}: {done.stdout}{done.stderr}"
        said: str = done.stdout
        return said

    def manage_all(self, *commands: tuple[str, ...]) -> str:
        """Run several commands one after the other in one process; return what they printed."""
        program = (
            "import json, sys, django; from django.core.management import call_command\n"
            "django.setup()\n"
            "for words in json.load(sys.stdin): call_command(*words)\n"
        )
        done = subprocess.run(
            [self.python, "-c", program],
            cwd=ROOT,
            env=self.environment | {"DJANGO_SETTINGS_MODULE": "certsrv.settings"},
            input=json.dumps(commands),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            **self.run_as,
        )
        assert done.returncode == 0, f"{commands}: {done.stdout}{done.stderr}"
        said: str = done.stdout
        return said

    def set_up(self) -> None:
        """Make the site and its people, as the tutorial does."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.manage("setup")
        password_file = self.home / "password"
        password_file.write_text(PASSWORD)
        for name, groups in PEOPLE.items():
            chosen = [word for group in groups for word in ("--group", group)]
            self.manage("user", "add", name, "--password-file", str(password_file), *chosen)

    def start(self) -> None:
        """Serve, and fetch the CA certificate that clients shall trust."""
        self.launch()
        pem = self.fetch("/certsrv/certnew.cer?ReqID=CACert&Renewal=-1&Enc=b64", name="alice")
        self.ca_file.write_bytes(pem)

    def launch(self) -> None:
        """Serve, and wait until the site says that it is ready."""
        log = (self.home / "serve.log").open("ab")
        self.process = subprocess.Popen(
            [self.python, "manage.py", "serve"],
            cwd=ROOT,
            env=self.environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **self.run_as,
        )
        log.close()
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        assert self.process is not None
        give_up = time.monotonic() + 60
        while time.monotonic() < give_up and self.process.poll() is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=5)
            with (
                contextlib.suppress(OSError, http.client.HTTPException),
                contextlib.closing(connection),
            ):
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    return
            time.sleep(0.05)
        pytest.fail(f"the site did not start: {self.log()}")

    def log(self) -> str:
        """Return what the server wrote."""
        return (self.home / "serve.log").read_text()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Stop the server; return its exit status."""
        assert self.process is not None
        self.process.send_signal(how)
        try:
            return self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise
        finally:
            self.process = None

    def fetch(self, path: str, *, name: str | None = None, data: bytes | None = None) -> bytes:
        """Ask over plain HTTP, signed in as `name` if there is one; return the body."""
        request = urllib.request.Request(self.url + path, data=data)  # noqa: S310  # our own address
        if name is not None:
            token = base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()
            request.add_header("Authorization", f"Basic {token}")
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # as above
            body: bytes = answer.read()
            return body


@pytest.fixture(scope="session")
def live_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSite]:
    """One site for all tests of the session that need a real one."""
    site = LiveSite(tmp_path_factory.mktemp("live"))
    site.set_up()
    site.start()
    yield site
    if site.process is not None:
        site.stop()
