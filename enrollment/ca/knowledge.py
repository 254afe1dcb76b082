"""What is known of a request beside the request itself, gathered before it is judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from enrollment.ca.name_policy import Holder
    from enrollment.ca.name_rules import NameRules
    from enrollment.ca.names import HeldName
    from enrollment.ca.requester import Requester
    from enrollment.ca.revocation import Reason


@dataclass(frozen=True, slots=True)
class Counts:
    """How many certificates were issued within the period of a template's limits."""

    requester: int = 0
    name: int = 0
    in_all: int = 0


@dataclass(frozen=True, slots=True)
class LostKey:
    """A certificate that was revoked because its key is in other hands."""

    serial_number: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What the database says about a request's names, gathered before deciding.

    `granted_before`: every name stands in a certificate that this requester was issued before by
    this template. `earlier_spki`: the key of the certificate that is renewed, DER. `lost_key`: the
    key of the request belongs to this certificate, and is in other hands. `name_grants`: what the
    requester's groups may ask for, None where no group is limited. `counts`: where the template has
    limits; of names, that of the one issued most often. `wildcards_over_others`: those of the
    request that stand for hosts which others have, by a certificate or by the directory.
    """

    holders: tuple[Holder, ...] = ()
    granted_before: bool = False
    earlier_spki: bytes | None = None
    lost_key: LostKey | None = None
    name_grants: tuple[NameRules, ...] | None = None
    counts: Counts = Counts()
    wildcards_over_others: frozenset[HeldName] = frozenset()

    def held_by_others(self, requester: Requester) -> tuple[Holder, ...]:
        """Return the holders that are not `requester`."""
        return tuple(holder for holder in self.holders if holder.requester != requester.name)
