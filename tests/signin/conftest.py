"""Accounts with known passwords, and settings a test may change."""

import dataclasses
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from enrollment import conf
from enrollment.signin import accounts
from tests.signin.people import PASSWORD


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
