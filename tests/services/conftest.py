"""A site whose settings a test may change, and people as the services know them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from enrollment import conf
from enrollment.services import authority, directory, setup
from tests.services import above

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from django.contrib.auth.models import User
    from pytest_django import Settings

    from enrollment.ca.policy import Requester
    from enrollment.models import Authority
    from enrollment.services.setup import SetupReport
    from tests.services.acts import Configure


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Configure]:
    """Change settings for one test: `configure(CERTSRV_CA_TYPE="standalone")`."""

    def change(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        conf.current.cache_clear()
        _forget_addresses()

    yield change
    monkeypatch.undo()
    conf.current.cache_clear()
    _forget_addresses()


def _forget_addresses() -> None:
    """Issuers are kept with their addresses, which come from the settings."""
    authority._issuer.cache_clear()  # noqa: SLF001 - rows and settings never change otherwise


@pytest.fixture(autouse=True)
def _fast_hashes(settings: Settings) -> None:
    """Nobody signs in here; a slow password hash for each of the cast would cost a minute."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def requester(alice: User) -> Requester:
    """Alice, as the services know her."""
    return directory.requester_of(alice)


@pytest.fixture
def stranger(charlie: User) -> Requester:
    """Charlie, as the services know him."""
    return directory.requester_of(charlie)


@pytest.fixture
def waiting(db: None, configure: Configure, tmp_path: Path) -> SetupReport:
    """A site that was set up below another CA, and waits for its certificate."""
    configure(CERTSRV_CA_ROLE="subordinate", CERTSRV_HOME=str(tmp_path))
    return setup.run_setup(now=timezone.now())


@pytest.fixture
def below(waiting: SetupReport) -> Authority:
    """The CA, installed below a root."""
    assert waiting.waiting is not None
    return above.install(above.sign(above.root(), waiting.waiting), above.root()).row
