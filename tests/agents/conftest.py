"""Carol hands out smart cards; Alice is one of those she does it for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.agents import asking
from tests.agents.asking import FOR_ALICE
from tests.conftest import person
from tests.services.conftest import _fast_hashes, configure

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from tests.agents.asking import Signature
    from tests.services.acts import Configure

__all__ = ["_fast_hashes", "configure"]


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
