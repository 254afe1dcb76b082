"""What Revoke, Hold and Release are for: selected certificates, or a whole set of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.urls import reverse

from enrollment.admin import chosen, links
from enrollment.admin.paging import capped_count
from enrollment.models import Certificate
from enrollment.services import manager_scopes
from enrollment.services.holdings import MOST_AT_ONCE, Holding, Of
from enrollment.services.manager_scopes import EVERYTHING, Remit

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet
    from django.http import HttpRequest

    from enrollment.ca.revocation import Act

_LONGEST: Final = 150


@dataclass(frozen=True, slots=True)
class Target:
    """Either ids, or a set and the newest certificate of it that was shown.

    Of a set only those change that the act can change and that were counted on the page before:
    what is issued meanwhile was seen by nobody. And of a set only those
    that the person may take back at all; of ids each, for the page says why one is left out.
    """

    act: Act
    ids: tuple[int, ...] = ()
    holding: Holding | None = None
    newest: int | None = None
    remit: Remit = EVERYTHING

    def rows(self, now: datetime) -> QuerySet[Certificate]:
        """Return the certificates, at most as many as are done in one go."""
        if self.holding is None:
            rows = Certificate.objects.filter(pk__in=self.ids).defer("der")
            return rows.order_by("pk")
        rows = self._open(self.holding, now)
        if self.newest is not None:
            rows = rows.filter(pk__lte=self.newest)
        return rows[:MOST_AT_ONCE]

    def left(self, now: datetime) -> int:
        """Count what else of the set the act could change, up to one more go."""
        if self.holding is None:
            return 0
        return capped_count(self._open(self.holding, now), MOST_AT_ONCE + 1)

    def _open(self, holding: Holding, now: datetime) -> QuerySet[Certificate]:
        return self.remit.of_certificates(holding.open_to(self.act, now))

    @property
    def address(self) -> str:
        """Where the certificates are seen afterwards."""
        if self.holding is not None and self.holding.of is Of.REQUESTER:
            return links.certificates_of(self.holding.value)
        if self.holding is not None:
            return links.certificates_with(self.holding.value)
        if len(self.ids) == 1:
            return links.certificate_page(self.ids[0])
        return reverse("admin:enrollment_certificate_changelist")


def of(request: HttpRequest, act: Act) -> Target:
    """Read what was selected or named on the page before."""
    for kind in Of:
        value = request.POST.get(kind.value, "")[:_LONGEST]
        if value:
            newest = chosen.number(request.POST.get("newest", ""))
            remit = manager_scopes.of(request.user)
            return Target(act, holding=Holding(kind, value), newest=newest, remit=remit)
    return Target(act, ids=tuple(chosen.ids(request, "certificate")))
