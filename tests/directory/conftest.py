"""One directory for all of these tests, emptied for each, and a site that asks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import Group

from enrollment.services.outside import connection, fresh
from enrollment.signin import accounts
from tests.directory.server import Server, make_server
from tests.signin.conftest import _fast_hashes, configure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


__all__ = ["_fast_hashes", "configure"]


@pytest.fixture(scope="session")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The directory, while the session lasts."""
    yield from make_server(tmp_path_factory.mktemp("directory"))


@pytest.fixture(autouse=True)
def forget() -> Callable[[], None]:
    """Forget what the process remembers of the directory, as time does."""

    def everything() -> None:
        accounts.verified.forget_all()
        fresh.recent.forget_all()
        fresh.paused.end_all()
        connection.resting.end_all()

    everything()
    return everything


@pytest.fixture
def directory(slapd: Server, db: None, configure: Callable[..., None]) -> Server:
    """An empty directory, and a site that asks it."""
    for name in ("Enrollees", "Certificate Managers", "CA Administrators"):
        Group.objects.create(name=name)
    if slapd.process is None:
        slapd.start()
    slapd.empty()
    configure(ldap=slapd.settings)
    return slapd
