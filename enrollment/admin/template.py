"""Certificate templates: who may have what, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.utils import timezone

from enrollment.admin import state, trail
from enrollment.admin.paging import BoundedSearch
from enrollment.admin.template_form import TemplateForm
from enrollment.admin.titled import TitledAdmin
from enrollment.models import Template
from enrollment.services import templates

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.forms import ModelForm
    from django.http import HttpRequest, HttpResponse
    from django.utils.safestring import SafeString


@admin.register(Template)
class TemplateAdmin(TitledAdmin[Template], BoundedSearch[Template]):
    """Templates may be added, changed and published, never deleted: certificates name them."""

    form = TemplateForm
    list_display = ("display_name", "name", "offered", "approval", "subject_source",
                    "validity_days", "groups_shown")  # fmt: skip
    list_filter = ("published", "approval", "subject_source")
    search_fields = ("name", "display_name")
    ordering = ("-published", "display_name")
    list_per_page = 100
    show_facets = admin.ShowFacets.NEVER
    actions = ("publish", "withdraw")
    filter_horizontal = ()
    change_form_template = "admin/enrollment/template/change_form.html"
    fieldsets = (
        (None, {"fields": ("display_name", "name", "published", "approval", "approvals_needed",
                           "enroll_groups")}),
        ("Names", {"fields": (
            "subject_source", "allowed_dns_suffixes", "allowed_ip_networks",
            "allowed_email_domains", "allowed_upn_suffixes", "allowed_name_patterns",
            "names_beyond", "held_names", "directory_subject", "directory_alternative_names",
            "include_sid", "san_critical")}),
        ("Limits", {"fields": (
            "limit_per_requester", "limit_per_name", "limit_in_all", "limit_days")}),
        ("Use", {"fields": (
            "extended_key_usages", "key_usages", "key_usage_critical", "key_usage_narrowing",
            "is_ca", "path_length")}),
        ("Keys and signatures", {"fields": (
            "allowed_keys", "minimum_rsa_bits", "weak_request_signatures", "same_key_renewal",
            "ra_signatures", "ra_application_policy")}),
        ("Time", {"fields": ("validity_days", "renewal_days")}),
        ("Addresses", {"fields": ("include_revocation_addresses", "include_ocsp_no_check")}),
        ("Identity", {"fields": ("oid", "schema_version", "major_version", "minor_version")}),
    )  # fmt: skip

    def get_readonly_fields(
        self, request: HttpRequest, obj: Template | None = None
    ) -> tuple[str, ...]:
        """The identity of a template is what clients know it by: set once, by the CA."""
        identity = ("oid", "schema_version", "major_version", "minor_version")
        return identity if obj is None else ("name", *identity)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Template]:
        return super().get_queryset(request).prefetch_related("enroll_groups")

    def has_delete_permission(self, request: HttpRequest, obj: Template | None = None) -> bool:
        return False

    def has_publish_permission(self, request: HttpRequest) -> bool:
        """Publishing is changing."""
        return self.has_change_permission(request)

    def save_model(
        self, request: HttpRequest, obj: Template, form: ModelForm[Template], change: bool
    ) -> None:
        """Hand the template to the service, which records the difference."""
        templates.save(
            obj,
            list(form.cleaned_data["enroll_groups"]),
            actor=request.user.get_username(),
            now=timezone.now(),
        )
        for problem in getattr(form, "advice", ()):
            self.message_user(request, str(problem), messages.WARNING)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the form beside what happened to this template."""
        row = self.get_object(request, object_id)
        events = trail.of(f"template {row.name}") if row else trail.of()
        return super().change_view(
            request, object_id, form_url, {**events, **(extra_context or {})}
        )

    @admin.action(description="Publish selected templates", permissions=["publish"])
    def publish(self, request: HttpRequest, queryset: QuerySet[Template]) -> None:
        """Offer each; one that is refused does not keep the others back."""
        self._set_published(request, queryset, published=True)

    @admin.action(description="Stop offering selected templates", permissions=["publish"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Template]) -> None:
        """Stop offering each; what was issued stays valid."""
        self._set_published(request, queryset, published=False)

    def _set_published(
        self, request: HttpRequest, queryset: QuerySet[Template], *, published: bool
    ) -> None:
        actor, now = request.user.get_username(), timezone.now()
        for row in queryset:
            try:
                templates.publish(row, published=published, actor=actor, now=now)
            except templates.TemplateRefused as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                word = "is published" if published else "is no longer offered"
                self.message_user(request, f"'{row}' {word}.", messages.SUCCESS)

    @admin.display(description="state")
    def offered(self, row: Template) -> SafeString:
        if row.published:
            return state.badge("good", "✓", "Published")
        return state.badge("none", "–", "Not offered")  # noqa: RUF001 - a dash for a person

    @admin.display(description="who may enroll")
    def groups_shown(self, row: Template) -> str:
        return ", ".join(group.name for group in row.enroll_groups.all()) or "nobody"
