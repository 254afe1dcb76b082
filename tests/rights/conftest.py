"""One site with its whole cast, for all tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.test.utils import override_settings

from tests.rights.scene import Scene, build
from tests.undone import undone

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="package")
def cast(django_db_setup: None, django_db_blocker: Any) -> Iterator[Scene]:
    """Everybody and what they have; passwords are hashed fast, nobody guesses one."""
    hashers = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with (
        django_db_blocker.unblock(),
        override_settings(PASSWORD_HASHERS=hashers),
        undone(),
    ):
        yield build()


@pytest.fixture
def scene(cast: Scene) -> Iterator[Scene]:
    """The same; what a test does is gone after it."""
    with undone():
        yield cast
