"""A certificate to ask for. Nobody signs in here: no slow password hashes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.ocsp import questions
from tests.ocsp.questions import Issuer

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from pytest_django import Settings

    from enrollment.models import Certificate


@pytest.fixture(autouse=True)
def _fast_hashes(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def row(alice: User) -> Certificate:
    """A certificate of Alice."""
    return questions.issue(alice)


@pytest.fixture
def serial(row: Certificate) -> int:
    """Its serial number."""
    return int(row.serial_number, 16)


@pytest.fixture
def issuer(row: Certificate) -> Issuer:
    """Its issuer."""
    return Issuer.of(row.authority)
