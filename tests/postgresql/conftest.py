"""Two nodes on one database, served as in production."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.live import LiveSite
from tests.postgres import Cluster, cluster
from tests.postgresql.driver import Driver

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["cluster"]


@dataclass
class Nodes:
    """Node a, node b, and processes of both that do what they are told."""

    a: LiveSite
    b: LiveSite
    drivers: dict[str, list[Driver]] = field(default_factory=dict)

    def process(self, name: str, number: int = 0) -> Driver:
        """Return a process of a node; the first call starts it."""
        site = {"a": self.a, "b": self.b}[name]
        started = self.drivers.setdefault(name, [])
        while len(started) <= number:
            started.append(Driver(site))
        return started[number]

    def processes(self, each: int = 1) -> list[Driver]:
        """Return so many processes of each node."""
        return [self.process(name, number) for number in range(each) for name in "ab"]

    def stop(self) -> None:
        """Stop servers and processes."""
        for driver in (driver for started in self.drivers.values() for driver in started):
            driver.stop()
        for site in (self.a, self.b):
            if site.process is not None:
                site.stop()


def node(home: Path, database: str, **settings: str) -> LiveSite:
    """Return a node that was not set up yet; all of a site have the same settings."""
    home.mkdir(parents=True)
    return LiveSite(
        home,
        settings={
            "DATABASE_URL": database,
            "CERTSRV_CA_KEY": "ec:p256",
            "CERTSRV_PUBLIC_URL": "http://ca.example.com",
            **settings,
        },
    )


def share(a: LiveSite, b: LiveSite) -> None:
    """Give the second node what docs/howto/postgresql.md says that nodes share."""
    (b.home / "keys").symlink_to(a.home / "keys")
    shutil.copy(a.home / "secret-key", b.home / "secret-key")


@pytest.fixture(scope="session")
def nodes(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Two nodes that share their keys, both serving."""
    folder = tmp_path_factory.mktemp("nodes")
    database = cluster.make(folder.name)
    pair = Nodes(node(folder / "a", database), node(folder / "b", database))
    try:
        pair.a.manage("setup")
        share(pair.a, pair.b)
        pair.process("a").do("people")
        pair.a.launch()
        pair.b.launch()
        yield pair
    finally:
        pair.stop()
