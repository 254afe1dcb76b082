"""The roll-over from one key of the CA to the next: where each key stands.

Every view of a page reads this, so nothing here counts further than `key_use.CEILING`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from enrollment.models import (
    Authority,
    CertificateRevocationList,
    CrossCertificate,
    RetiredKey,
)
from enrollment.services import authority, crl_rows, cross, key_use

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.services.key_use import Left


class Stage(Enum):
    """Where a key stands in its life."""

    CURRENT = "issues"
    NEEDED = "needed"
    CLOSING = "last list due"
    FREE = "can go"
    ENDED = "ended"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class KeyGeneration:
    """One key of the CA, its certificates, and what hangs on it.

    `certificates` are the CA certificates of the key, the newest first; `crosses` are the bridges
    that it signed.
    """

    certificates: tuple[Authority, ...]
    stage: Stage
    left: Left
    ends: datetime
    newest_list: CertificateRevocationList | None
    crosses: tuple[CrossCertificate, ...]
    retired: RetiredKey | None = None

    @property
    def newest(self) -> Authority:
        """The newest CA certificate of the key."""
        return self.certificates[0]

    @property
    def key_index(self) -> int:
        """The number by which the key is called."""
        return self.newest.key_index


def generations(now: datetime) -> list[KeyGeneration]:
    """Return where each key of the CA stands, the newest key first."""
    certificates: dict[int, list[Authority]] = {}
    for row in Authority.objects.order_by("-index"):
        certificates.setdefault(row.key_index, []).append(row)
    crosses = cross.finished()
    retired = {row.key_index: row for row in RetiredKey.objects.all()}
    current = next(iter(certificates), None)
    found = []
    for key_index, rows in certificates.items():
        left = key_use.left(key_index, now)
        ends = authority.issuer_of(rows[0]).not_after
        found.append(
            KeyGeneration(
                certificates=tuple(rows),
                stage=_stage(key_index, left, now, ends=ends, is_current=key_index == current),
                left=left,
                ends=ends,
                newest_list=crl_rows.newest_list(key_index),
                crosses=tuple(row for row in crosses if row.issuing.key_index == key_index),
                retired=retired.get(key_index),
            )
        )
    return found


def _stage(key_index: int, left: Left, now: datetime, *, ends: datetime, is_current: bool) -> Stage:
    if is_current:
        return Stage.CURRENT
    if key_use.is_retired(key_index):
        return Stage.RETIRED
    if ends <= now:
        return Stage.ENDED
    if left.last_ends is not None:
        return Stage.NEEDED
    return Stage.FREE if key_use.is_at_rest(key_index, now) else Stage.CLOSING
