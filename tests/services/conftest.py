"""A site whose settings a test may change, and people as the services know them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from enrollment import conf
from enrollment.services import authority, directory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.contrib.auth.models import User
    from pytest_django import Settings

    from enrollment.ca.policy import Requester
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
