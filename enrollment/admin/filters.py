"""Filters of the lists; each narrows by an index, and none asks a large table for its values."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin
from django.db.models import Q
from django.utils import timezone

from enrollment.ca.disposition import Disposition
from enrollment.models import SecondFactor, Template
from enrollment.services import second_factor

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
    from django.contrib.auth.models import User
    from django.db.models import QuerySet
    from django.http import HttpRequest

_DAYS: Final = {"7": "within 7 days", "30": "within 30 days", "90": "within 90 days"}


class EndFilter(admin.SimpleListFilter):
    """When certificates end."""

    title = "end"
    parameter_name = "ends"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [*_DAYS.items(), ("valid", "valid now"), ("ended", "ended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value, now = self.value(), timezone.now()
        if value in _DAYS:
            end = now + timedelta(days=int(value))
            return queryset.filter(not_after__gte=now, not_after__lt=end, revoked_at=None)
        if value == "valid":
            return queryset.filter(not_after__gte=now, revoked_at=None)
        if value == "ended":
            return queryset.filter(not_after__lt=now)
        return queryset


class IssuedFilter(admin.SimpleListFilter):
    """When certificates were issued."""

    title = "issued"
    parameter_name = "issued"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [("today", "today"), ("7", "in the last 7 days"), ("30", "in the last 30 days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value, now = self.value(), timezone.now()
        if value == "today":
            midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
            return queryset.filter(issued_at__gte=midnight)
        if value in ("7", "30"):
            return queryset.filter(issued_at__gte=now - timedelta(days=int(value)))
        return queryset


class TemplateFilter(admin.SimpleListFilter):
    """Which template; the choices are the templates, not what millions of rows hold."""

    title = "template"
    parameter_name = "template"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        # The 28 that were never offered would bury the few that are in use.
        used = Q(published=True) | Q(name=self.used_parameters.get("template", ""))
        rows = Template.objects.filter(used).order_by("display_name")
        return list(rows.values_list("name", "display_name"))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(template_name=value) if value else queryset


class DispositionFilter(admin.SimpleListFilter):
    """Where requests stand."""

    title = "state"
    parameter_name = "state"
    _words: Final = {
        "waiting": ("waiting", Disposition.UNDER_SUBMISSION),
        "issued": ("issued", Disposition.ISSUED),
        "denied": ("denied", Disposition.DENIED),
        "error": ("error", Disposition.ERROR),
        "revoked": ("revoked", Disposition.REVOKED),
        "incomplete": ("incomplete", Disposition.INCOMPLETE),
    }

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [(key, label) for key, (label, _) in self._words.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self._words.get(self.value() or "")
        return queryset.filter(disposition=chosen[1].value) if chosen else queryset


class FactorFilter(admin.SimpleListFilter):
    """Who has a second factor, and who should."""

    title = "second factor"
    parameter_name = "factor"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [("lacking", "needed, and missing"), ("any", "set up"), ("none", "none")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        match self.value():
            case "lacking":
                return queryset.filter(pk__in=second_factor.lacking().values("pk"))
            case "any":
                return queryset.filter(pk__in=SecondFactor.objects.values("user"))
            case "none":
                return queryset.exclude(pk__in=SecondFactor.objects.values("user"))
        return queryset


class ExactFilter(admin.SimpleListFilter):
    """A filter that only a link sets: one requester, one object of the audit trail."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Django's signature
        self._only = ""
        super().__init__(*args, **kwargs)

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        self._only = request.GET.get(self.parameter_name or "", "")[:150]
        return [(self._only, self._only)] if self._only else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(**{self.parameter_name or "": value}) if value else queryset


class RequesterFilter(ExactFilter):
    """Who asked."""

    title = "requester"
    parameter_name = "requester"


class AgentFilter(ExactFilter):
    """Which enrollment agent asked on behalf of others."""

    title = "enrollment agent"
    parameter_name = "agent"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        # The index holds only what agents asked for, and is used where the query says the same.
        return queryset.exclude(agent="").filter(agent=value) if value else queryset


class KeyFilter(ExactFilter):
    """Which public key, by its SHA-256."""

    title = "key"
    parameter_name = "key"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(spki_sha256=value) if value else queryset


class SubjectFilter(admin.SimpleListFilter):
    """What an event is about; a certificate's story is that of its request, too."""

    title = "object"
    parameter_name = "subject"
    _most: Final = 5

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Django's signature
        self._subjects = [text[:150] for text in request.GET.getlist("subject")[: self._most]]
        super().__init__(request, *args, **kwargs)

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [(subject, subject) for subject in self._subjects if subject]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(subject__in=self._subjects) if self.value() else queryset
