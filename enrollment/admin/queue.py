"""The front page: requests that wait for a person, the longest waiting first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.db.models import Q
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from enrollment.admin import access, chosen, warnings
from enrollment.admin.paging import CEILING, capped_count
from enrollment.admin.wording import first_names, length
from enrollment.ca import lookalikes
from enrollment.ca.disposition import Disposition
from enrollment.models import Certificate, EnrollmentRequest, Template
from enrollment.services import approvals, manager_scopes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

    from enrollment.admin.site import DeskSite

PAGE: Final = 50
_SOON: Final = timedelta(days=30)
_REMEMBERED: Final = "desk.queue"


@dataclass(frozen=True, slots=True)
class Entry:
    """One waiting request as the list shows it."""

    row: EnrollmentRequest
    names: str
    template: str
    age: str
    warnings: tuple[str, ...]
    approvals: str
    address: str
    requester_address: str


@dataclass(frozen=True, slots=True)
class Queue:
    """One page of the queue; `next_after` is the key the following page starts behind."""

    entries: tuple[Entry, ...]
    next_after: int | None
    is_first: bool
    size: int = PAGE


@dataclass(frozen=True, slots=True)
class Count:
    """One number at the top of the page, and the list behind it."""

    label: str
    value: str
    address: str = ""


class QueueFilter(forms.Form):
    """What part of the queue to show; remembered until it is cleared."""

    template = forms.ChoiceField(label="Template", required=False)
    requester = forms.CharField(label="Requester", required=False, max_length=150)
    name = forms.CharField(label="Name contains", required=False, max_length=255)

    def __init__(self, data: dict[str, str]) -> None:
        super().__init__(data, auto_id="filter_%s", label_suffix="")
        offered = Template.objects.filter(Q(published=True) | Q(name=data.get("template", "")))
        names = offered.order_by("display_name").values_list("name", "display_name")
        self.fields["template"].choices = [("", "any"), *names]  # type: ignore[attr-defined]  # a choice field

    @property
    def is_active(self) -> bool:
        """Whether anything is filtered out."""
        return self.is_valid() and any(self.cleaned_data.values())

    def narrow(self, rows: QuerySet[EnrollmentRequest]) -> QuerySet[EnrollmentRequest]:
        """Keep the rows that fit; a filter that makes no sense keeps all."""
        if not self.is_valid():
            return rows
        wanted = self.cleaned_data
        if wanted["template"]:
            rows = rows.filter(template_name=wanted["template"])
        if wanted["requester"]:
            rows = rows.filter(requester=wanted["requester"])
        if wanted["name"]:
            rows = rows.filter(names__icontains=wanted["name"])
        return rows


def page(request: HttpRequest, site: DeskSite) -> HttpResponse:
    """Answer the desk's front page."""
    if not access.may_see_queue(request.user):
        links = site.each_context(request)["desk_links"]
        return redirect(links[0].address)
    if request.GET.get("clear"):
        request.session.pop(_REMEMBERED, None)
        return redirect("admin:index")
    filters = _filter_of(request)
    now = timezone.now()
    waiting = EnrollmentRequest.objects.filter(disposition=Disposition.UNDER_SUBMISSION.value)
    may_review = access.may_review(request.user)
    # Who only reads sees everything; a limited manager's day is what they may decide.
    remit = manager_scopes.of(request.user) if may_review else manager_scopes.EVERYTHING
    waiting = remit.of_requests(waiting)
    context = {
        **site.each_context(request),
        "title": "Queue",
        "is_queue": True,
        "queue": _read(filters.narrow(waiting), _after(request), now),
        "counts": _counts(waiting, now),
        "filters": filters,
        "may_review": may_review,
        "remit": remit,
    }
    return render(request, "admin/index.html", context)


def _filter_of(request: HttpRequest) -> QueueFilter:
    """Return the filter of this address, or else the one that was set last."""
    asked = {name: request.GET[name] for name in QueueFilter.base_fields if name in request.GET}
    if asked:
        filters = QueueFilter(asked)
        if filters.is_valid():
            request.session[_REMEMBERED] = asked
        return filters
    return QueueFilter(request.session.get(_REMEMBERED, {}))


def _after(request: HttpRequest) -> int:
    return chosen.number(request.GET.get("after", "")) or 0


def _read(rows: QuerySet[EnrollmentRequest], after: int, now: datetime) -> Queue:
    found = list(rows.filter(pk__gt=after).order_by("pk").defer("raw")[: PAGE + 1])
    shown = found[:PAGE]
    return Queue(
        entries=tuple(_entries(shown, now)),
        next_after=shown[-1].pk if len(found) > PAGE else None,
        is_first=after == 0,
    )


def _entries(rows: Sequence[EnrollmentRequest], now: datetime) -> list[Entry]:
    minded, given = warnings.of(rows, now), approvals.told(rows)
    titles = dict(Template.objects.values_list("name", "display_name"))
    history = reverse("admin:enrollment_enrollmentrequest_changelist")
    return [
        Entry(
            row=row,
            names=names_of(row),
            template=titles.get(row.template_name, row.template_name) or "none",
            age=length(now - row.submitted_at),
            warnings=minded[row.pk],
            approvals=given.get(row.pk, ""),
            address=reverse("admin:enrollment_enrollmentrequest_change", args=[row.pk]),
            requester_address=f"{history}?{urlencode({'requester': row.requester})}",
        )
        for row in rows
    ]


def names_of(row: EnrollmentRequest) -> str:
    """Return the first names of a request, or its subject where it has none."""
    values = [_as_written(name, row) for name in dict.fromkeys(warnings.values_of(row))]
    return first_names(map(lookalikes.told, values), lookalikes.told(row.subject))


def _as_written(name: str, row: EnrollmentRequest) -> str:
    """Return a name with the capitals of the subject; names are compared without them."""
    written = re.search(rf"(?<==){re.escape(name)}(?=[,+]|$)", row.subject, re.IGNORECASE)
    return written[0] if written else name


def _counts(waiting: QuerySet[EnrollmentRequest], now: datetime) -> list[Count]:
    """Count what fits into one glance; each is an index range, cut at the ceiling."""
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    certificates = reverse("admin:enrollment_certificate_changelist")
    issued = Certificate.objects.filter(issued_at__gte=midnight)
    ending = Certificate.objects.filter(
        not_after__gte=now, not_after__lt=now + _SOON, revoked_at=None
    )
    return [
        Count("waiting", _number(waiting)),
        Count("issued today", _number(issued), f"{certificates}?issued=today"),
        Count("end within 30 days", _number(ending), f"{certificates}?ends=30"),
    ]


def _number(rows: QuerySet[Any]) -> str:
    count = capped_count(rows)
    return f"{CEILING:,}+" if count >= CEILING else f"{count:,}"
