"""A site that loses its newest days, as a restored backup does."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from django.db import transaction
from django.utils import timezone

from enrollment.services import audit, audit_log
from enrollment.services.backup.reconcile import Sources, reconcile
from enrollment.services.backup.report import Report, Restorer
from tests.backup.sites import Backed, key_pair, new_site
from tests.services.conftest import _fast_hashes, configure, requester

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from enrollment.services.setup import SetupReport

__all__ = ["_fast_hashes", "configure", "requester"]


@dataclass
class Disaster:
    """What happens in its block is lost to the database, and stands in the log."""

    log: Path
    after: list[dict[str, Any]] = field(default_factory=list)

    @contextmanager
    def lost(self) -> Iterator[None]:
        """Do things that the backup does not know."""
        before = transaction.savepoint()
        yield
        lines = list(audit.export())
        self.log.write_text("".join(f"{audit_log.text_of(line)}\n" for line in lines))
        transaction.savepoint_rollback(before)

    def restore(self, *logs: Path, now: datetime | None = None, **sources: Any) -> Report:
        """Do what a restore does once the files are in place; by default it has the log."""
        by = Restorer("shell:root", now or timezone.now())
        return reconcile(Sources(logs or (self.log,), **sources), by)


@pytest.fixture
def disaster(site: SetupReport, tmp_path: Path) -> Disaster:
    """A site to which it happens."""
    return Disaster(tmp_path / "audit.jsonl")


@pytest.fixture(scope="module")
def backed(tmp_path_factory: pytest.TempPathFactory) -> Backed:
    folder = tmp_path_factory.mktemp("backed")
    site = new_site(folder / "home")
    recipient, identity = key_pair(folder)
    archive = folder / "site.backup"
    site.manage("backup", "create", str(archive), "--recipient", recipient)
    return Backed(site, archive, recipient, ("--identity-file", identity))
