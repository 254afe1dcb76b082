"""Accounts with known passwords, and settings a test may change."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from enrollment import conf
from enrollment.conf_clients import Clients
from enrollment.models import Certificate
from enrollment.signin import accounts
from tests.other_ca import OtherCA, other_ca
from tests.signin.people import PASSWORD
from tests.signin.shown import METHODS, NETWORKS, issue


@pytest.fixture(autouse=True)
def _fast_hashes(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    accounts.verified.forget_all()


@pytest.fixture
def carol(db: None) -> User:  # asks for the database
    """An account without any rights but to be somebody."""
    return User.objects.create_user("carol", password=PASSWORD)


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Change settings for one test."""

    def change(**values: object) -> None:
        changed = dataclasses.replace(conf.current(), **values)  # type: ignore[arg-type]  # whatever a test names
        monkeypatch.setattr(conf, "current", lambda: changed)

    return change


@pytest.fixture
def trust(site: object, tmp_path: Path, configure: Callable[..., None]) -> Callable[..., None]:
    """Name other CAs, as the operator does."""

    def name(pem: bytes) -> None:
        file = tmp_path / "cas.pem"
        file.write_bytes(pem)
        configure(sign_in=METHODS, clients=Clients(proxies=NETWORKS, ca_file=str(file)))

    return name


@pytest.fixture
def other(trust: Callable[..., None]) -> OtherCA:
    """Another CA that is trusted."""
    found = other_ca()
    trust(found.pem)
    return found


@pytest.fixture
def own(client: Client, alice: User) -> Certificate:
    """Alice's own certificate, by the template for people."""
    return issue(client, alice)
