"""What a certificate manager may decide and take back: everything, or only a part of it.

Microsoft calls the latter a restricted officer (CERTSRV_E_RESTRICTEDOFFICER). The limits are those
of the moment: the manager's rows and the requester's groups are read for every act.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.contrib.auth.models import User
from django.db.models import Q

from enrollment.ca import hresult
from enrollment.ca.names import visible
from enrollment.models import Certificate, EnrollmentRequest, ManagerScope

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.contrib.auth.models import AnonymousUser
    from django.db.models import QuerySet


@dataclass(frozen=True, slots=True)
class Scope:
    """One kind of request: of a template, of the members of a group, or of both together."""

    template: str = ""
    group_id: int | None = None
    group_name: str = ""

    def __str__(self) -> str:
        by = f" by template '{visible(self.template)}'" if self.template else ""
        if self.group_id is None:
            return f"what anybody asks for{by}"
        return f"what the members of '{visible(self.group_name)}' ask for{by}"

    def condition(self, account: str) -> Q:
        """Return what a row must fulfil; `account` is its path to whoever asked."""
        fits = Q()
        if self.template:
            fits &= Q(template_name=self.template)
        if self.group_id is not None:
            members = User.groups.through.objects.filter(group_id=self.group_id)
            fits &= Q(**{f"{account}__in": members.values("user_id")})
        return fits


@dataclass(frozen=True, slots=True)
class Remit:
    """All that one manager may decide; without scopes that is everything."""

    scopes: tuple[Scope, ...] = ()

    @property
    def is_limited(self) -> bool:
        """Whether anything lies beyond it."""
        return bool(self.scopes)

    @property
    def words(self) -> str:
        """What lies within, as in "You decide …"."""
        return " and ".join(str(scope) for scope in self.scopes) or "everything"

    def of_requests(self, rows: QuerySet[EnrollmentRequest]) -> QuerySet[EnrollmentRequest]:
        """Keep the requests that lie within."""
        return rows.filter(self._condition("account")) if self.is_limited else rows

    def of_certificates(self, rows: QuerySet[Certificate]) -> QuerySet[Certificate]:
        """Keep the certificates that lie within; the site's own belong to nobody's group."""
        return rows.filter(self._condition("request__account")) if self.is_limited else rows

    def has_request(self, row: EnrollmentRequest) -> bool:
        """Whether a request lies within, as the database has it now."""
        return not self.is_limited or (
            self.of_requests(EnrollmentRequest.objects.filter(pk=row.pk)).exists()
        )

    def certificates_among(self, rows: Iterable[Certificate]) -> frozenset[int]:
        """Return the keys of those certificates that lie within, with one query."""
        keys = [row.pk for row in rows]
        if not self.is_limited:
            return frozenset(keys)
        found = self.of_certificates(Certificate.objects.filter(pk__in=keys))
        return frozenset(found.order_by().values_list("pk", flat=True))

    def refusal(self, what: str) -> str:
        """Return the sentence for what lies beyond.

        Args:
            what: the request or certificate, as it stands in a sentence.
        """
        return (
            f"Your right as a certificate manager is limited to {self.words}; {what} is not "
            f"among it. Another certificate manager must decide. ({hresult.RESTRICTED_OFFICER:#x} "
            f"{hresult.TEXTS[hresult.RESTRICTED_OFFICER][0]})"
        )

    def _condition(self, account: str) -> Q:
        fits = Q(pk__in=())
        for scope in self.scopes:
            fits |= scope.condition(account)
        return fits


EVERYTHING: Final = Remit()


def of(user: User | AnonymousUser) -> Remit:
    """Return what `user` may decide, read now; whether they are a manager is asked elsewhere."""
    rows = ManagerScope.objects.filter(user=user) if user.pk else ManagerScope.objects.none()
    return Remit(
        tuple(
            Scope(
                row.template.name if row.template else "",
                row.requester_group_id,
                row.requester_group.name if row.requester_group else "",
            )
            for row in rows.select_related("template", "requester_group")
        )
    )


def written(user: User) -> list[str]:
    """Return the limits of a manager as the audit trail has them."""
    rows = ManagerScope.objects.filter(user_id=user.pk)
    return [str(row) for row in rows.select_related("template", "requester_group")]


__all__ = ["EVERYTHING", "Remit", "Scope", "of", "written"]
