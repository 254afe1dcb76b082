"""One provider for all of these tests, and a site that believes it."""

from __future__ import annotations

import dataclasses
import importlib.util
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.contrib.auth.models import Group

from enrollment.conf_oidc import Oidc
from enrollment.environment import Secret
from enrollment.services.outside import fresh, provider
from tests.live import clean_environment, free_port
from tests.signin.conftest import _fast_hashes, configure
from tests.tools import missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.test import Client

__all__ = ["_fast_hashes", "configure"]

HOME = "/accounts/password/"
CALLBACK = "http://testserver/accounts/oidc/callback/"
CLIENT_ID = "certsrv: the site"
CLIENT_SECRET = "s&cret: 100%"
GROUPS = (("PKI Users", "Enrollees"), ("PKI Managers", "Certificate Managers"))


def settings_for(issuer: str, **values: Any) -> Oidc:
    """Return the settings of a site that believes this issuer."""
    return dataclasses.replace(
        Oidc(
            issuer=issuer,
            client_id=CLIENT_ID,
            client_secret=Secret("CERTSRV_OIDC_CLIENT_SECRET", CLIENT_SECRET, None),
            groups=GROUPS,
            session=timedelta(hours=1),
            programs=timedelta(days=7),
        ),
        **values,
    )


@dataclass
class Provider:
    """The provider, as somebody with a browser sees it."""

    folder: Path
    callback: str = CALLBACK
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def issuer(self) -> str:
        """What it calls itself."""
        return f"{self.url}/o"

    def start(self) -> None:
        """Run it until it answers."""
        client = (CLIENT_ID, CLIENT_SECRET, self.callback)
        words = (str(self.port), str(self.folder), self.issuer, *client)
        program = Path(__file__).parent / "provider_process.py"
        with (self.folder / "provider.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(program), *words],
                env=clean_environment(),
                stdout=log,
                stderr=log,
            )
        give_up = time.monotonic() + 30
        while time.monotonic() < give_up and self.process.poll() is None:
            try:
                requests.get(f"{self.url}/login", timeout=5)
            except requests.ConnectionError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError((self.folder / "provider.log").read_text())

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=10)

    def people(self, **groups: list[str]) -> None:
        """Say who there is, and in which groups."""
        requests.post(f"{self.url}/people", json=groups, timeout=5).raise_for_status()

    def sign_in(self, address: str, name: str) -> str:
        """Go where the site sends a browser, sign in there; return where one is sent back to."""
        with requests.Session() as browser:
            answer = browser.get(address, allow_redirects=False, timeout=5)
            while not answer.headers.get("Location", CALLBACK).startswith(CALLBACK):
                where = answer.headers["Location"]
                if where.startswith("/login"):
                    where += f"&as={name}"
                answer = browser.get(
                    f"{self.url}{where}" if where.startswith("/") else where,
                    allow_redirects=False,
                    timeout=5,
                )
            assert "Location" in answer.headers, answer.text
            return answer.headers["Location"]


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """The provider, while the session lasts."""
    if importlib.util.find_spec("oauth2_provider") is None:
        missing("the Python package django-oauth-toolkit is not installed")
    made = Provider(tmp_path_factory.mktemp("provider"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def forget() -> Callable[[], None]:
    """Forget what the process remembers of the provider, as time does."""

    def everything() -> None:
        provider.kept.forget_all()
        fresh.paused.end_all()
        fresh.recent.forget_all()

    everything()
    return everything


@pytest.fixture
def groups_here(db: None) -> None:
    """The groups of the site."""
    for name in ("Enrollees", "Certificate Managers", "CA Administrators"):
        Group.objects.create(name=name)


@pytest.fixture
def op(running: Provider, groups_here: None, configure: Callable[..., None]) -> Provider:
    """The provider with Alice in it, and a site that believes it."""
    running.people(alice=["PKI Users"], dave=["Staff"], admin=["PKI Managers"], Admin=["PKI Users"])
    configure(oidc=settings_for(running.issuer))
    return running


def begin(client: Client, target: str = HOME) -> tuple[str, dict[str, str]]:
    """Press the button; return where it leads, and what is asked there."""
    answer = client.get("/accounts/oidc/", {"next": target})
    assert answer.status_code == 302, answer.content
    asked = parse_qs(urlsplit(answer["Location"]).query)
    return answer["Location"], {name: values[0] for name, values in asked.items()}


def come_back(client: Client, address: str) -> Any:
    """Follow the browser's way back."""
    parts = urlsplit(address)
    return client.get(f"{parts.path}?{parts.query}")


def sign_in(client: Client, op: Provider, name: str, target: str = HOME) -> Any:
    """Sign somebody in; return the answer of the site."""
    return come_back(client, op.sign_in(begin(client, target)[0], name))
