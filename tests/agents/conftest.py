"""Carol hands out smart cards; Alice is one of those she does it for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from enrollment.services import setup
from tests.agents import asking
from tests.agents.asking import FOR_ALICE
from tests.conftest import person
from tests.services.conftest import _fast_hashes, configure
from tests.undone import undone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.contrib.auth.models import User

    from enrollment.services.setup import SetupReport
    from tests.agents.asking import Signature
    from tests.services.acts import Configure

__all__ = ["_fast_hashes", "configure"]


@pytest.fixture(scope="package")
def made(django_db_setup: None, django_db_blocker: Any) -> Iterator[SetupReport]:
    """One site for all tests of this folder: a CA and its templates take longer than a test."""
    with django_db_blocker.unblock(), undone():
        yield setup.run_setup(now=timezone.now())


@pytest.fixture
def site(made: SetupReport) -> Iterator[SetupReport]:
    """The same; what a test does is gone after it."""
    with undone():
        yield made


@pytest.fixture(autouse=True)
def _domain(configure: Configure) -> None:
    configure(CERTSRV_DOMAIN="EXAMPLE", CERTSRV_REALM="corp.example.com")


@pytest.fixture
def carol(alice: User) -> User:
    """Somebody who hands out smart cards, at a site where Alice may enroll."""
    return person("carol", "Enrollees")


@pytest.fixture
def agent(carol: User) -> Signature:
    """Carol's certificate as an agent; nothing was granted to her yet."""
    return replace(asking.certify(carol, 11), named=FOR_ALICE)


@pytest.fixture
def granted(agent: Signature, carol: User) -> Signature:
    """The same, with a grant for `User` and all enrollees."""
    asking.grant(carol)
    return agent
