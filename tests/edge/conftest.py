"""Settings that a test may change, accounts with known passwords, and a client from outside."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from enrollment import conf
from enrollment.conf_clients import Clients
from tests.edge.outside import outside
from tests.live import LiveSite, live_site
from tests.signin.conftest import _fast_hashes, _nothing_remembered, carol, configure

__all__ = ["_fast_hashes", "_nothing_remembered", "carol", "configure", "live_site"]


@pytest.fixture
def client() -> Client:
    """A program on another machine."""
    return outside()


@pytest.fixture
def limit(configure: Callable[..., None]) -> Callable[..., None]:
    """Set limits for one test."""

    def change(*, clients: Clients | None = None, **values: Any) -> None:
        settings = conf.current()
        changed = dataclasses.replace(settings.web.limits, **values)
        configure(
            web=dataclasses.replace(settings.web, limits=changed),
            clients=clients or settings.clients,
        )

    return change


@pytest.fixture(scope="session")
def edge_home(tmp_path_factory: pytest.TempPathFactory) -> LiveSite:
    """A site of these tests' own, set up and not served: some serve it in ways of their own."""
    site = LiveSite(tmp_path_factory.mktemp("edge"), {"CERTSRV_CA_KEY": "ec:p256"})
    site.manage("setup")
    return site
