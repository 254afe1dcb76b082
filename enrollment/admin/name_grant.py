"""Which names each group may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils import timezone

from enrollment.admin.lines import Lines, read_domain, read_network, read_pattern, read_suffix
from enrollment.admin.titled import TitledAdmin
from enrollment.models import NameGrant
from enrollment.services import name_grants

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.forms import ModelForm
    from django.http import HttpRequest


class NameGrantForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """A group, perhaps a template, and the names it may ask for."""

    dns_suffixes = Lines(
        read_suffix, label="DNS suffixes", help_text="example.com allows everything below, too."
    )
    ip_networks = Lines(read_network, label="IP networks")
    email_domains = Lines(read_domain, label="E-mail domains")
    upn_suffixes = Lines(read_domain, label="UPN suffixes")
    patterns = Lines(read_pattern, label="Patterns", help_text="Such as web-*.example.com.")

    class Meta:
        model = NameGrant
        fields = ("group", "template", *name_grants.LISTS)

    def clean(self) -> dict[str, Any]:
        """Refuse a grant of nothing: it would allow everything."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and not any(cleaned.get(name) for name in name_grants.LISTS):
            raise ValidationError("Write at least one domain, network or pattern.")
        return cleaned


@admin.register(NameGrant)
class NameGrantAdmin(TitledAdmin[NameGrant]):
    """As soon as a template has a grant, only granted names may be asked for by it."""

    form = NameGrantForm
    list_display = ("group", "by", "names_shown")
    ordering = ("group__name", "pk")
    list_per_page = 100
    actions = None
    show_facets = admin.ShowFacets.NEVER

    def get_queryset(self, request: HttpRequest) -> QuerySet[NameGrant]:
        return super().get_queryset(request).select_related("group", "template")

    def save_model(
        self, request: HttpRequest, obj: NameGrant, form: ModelForm[NameGrant], change: bool
    ) -> None:
        """Hand the grant to the service, which records the difference."""
        name_grants.save(obj, actor=request.user.get_username(), now=timezone.now())

    def delete_model(self, request: HttpRequest, obj: NameGrant) -> None:
        """Hand the end of a grant to the service, too."""
        name_grants.delete(obj, actor=request.user.get_username(), now=timezone.now())

    @admin.display(description="by template")
    def by(self, row: NameGrant) -> str:
        return row.template.display_name if row.template else "every template"

    @admin.display(description="names")
    def names_shown(self, row: NameGrant) -> str:
        return str(name_grants.rules_of(row))
