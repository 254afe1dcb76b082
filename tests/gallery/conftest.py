"""Two sites: one with the gallery, one with a name that means no harm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.test import override_settings
from django.utils import timezone

from enrollment.services import setup
from tests.gallery import scene
from tests.gallery.values import GALLERY, HARMLESS
from tests.undone import undone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.gallery.scene import Scene

_QUICK = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="package")
def served(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A site as set-up leaves it."""
    with django_db_blocker.unblock(), undone(), override_settings(PASSWORD_HASHERS=_QUICK):
        setup.run_setup(now=timezone.now())
        yield


@pytest.fixture(scope="package")
def harmless(served: None) -> Scene:
    """The same pages with a name that is only a name, and with one that nobody may have."""
    with undone():
        values = {"harmless": HARMLESS, "refused": f"{HARMLESS}\x01", "address": "urn:zq7"}
        return scene.built(values)


@pytest.fixture(scope="package")
def hostile(served: None) -> Iterator[Scene]:
    """The gallery; it stays for tests that read it by command."""
    with undone():
        yield scene.built(GALLERY)
