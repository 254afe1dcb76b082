"""One site with its whole cast, for all tests of this folder."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from django.test.utils import override_settings

from enrollment import conf
from tests.rights.scene import Scene, build
from tests.undone import undone

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def _tokens_on() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CERTSRV_SIGN_IN", "basic,token")
        patch.setenv("CERTSRV_SECOND_FACTOR", "managers")
        conf.current.cache_clear()
        yield
    conf.current.cache_clear()


@pytest.fixture(scope="package")
def cast(django_db_setup: None, django_db_blocker: Any) -> Iterator[Scene]:
    """Everybody and what they have; passwords are hashed fast, nobody guesses one."""
    hashers = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with (
        _tokens_on(),
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
