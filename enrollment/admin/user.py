"""Users and what the directory says of them; roles are groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.shortcuts import redirect
from django.urls import path
from django.utils import timezone

from enrollment import conf, conf_ntlm
from enrollment.admin import access, links, user_outside, user_sign_in
from enrollment.admin.filters import FactorFilter
from enrollment.admin.mapping import MappingInline
from enrollment.admin.paging import BoundedSearch
from enrollment.admin.titled import TitledAdmin
from enrollment.models import Account, CertificateMapping, ManagerScope
from enrollment.services import (
    audit,
    client_certificates,
    manager_scopes,
    ntlm_accounts,
    people,
    second_factor,
)
from enrollment.services.holdings import Holding, Of

if TYPE_CHECKING:
    from django.forms import BaseModelFormSet, ModelForm
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern

_SECRET: Final = frozenset({"password", "password1", "password2", "usable_password"})
# Recorded as what they are before and after, not field by field.
_WRITTEN: Final = {
    ManagerScope: ("decides_only", manager_scopes.written),
    CertificateMapping: ("signs_in_with", client_certificates.written),
}

admin.site.unregister(User)


class AccountInline(admin.StackedInline[Account, User]):
    """Names that templates may take from the directory."""

    model = Account
    can_delete = False
    verbose_name_plural = "Directory entry"

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        return user_outside.FACTS_OF_ENTRY if user_outside.account_of(obj) else ()


class ScopeInline(admin.TabularInline[ManagerScope, User]):
    """What this certificate manager may decide; without a row, everything."""

    model = ManagerScope
    extra = 1
    verbose_name = "limit"
    verbose_name_plural = "Decides only, as a certificate manager (no row: everything)"


@admin.register(User)
class AccountAdmin(TitledAdmin[User], BoundedSearch[User], UserAdmin[User]):
    """Accounts are added, changed and switched off, never deleted or renamed: much names them."""

    form = user_outside.PersonForm
    inlines = (AccountInline, ScopeInline, MappingInline)
    list_display = ("username", "full_name", "email", "roles", "factors", "is_active")
    list_filter = ("is_active", FactorFilter, "groups")
    ordering = ("username",)
    filter_horizontal = ()
    show_facets = admin.ShowFacets.NEVER
    readonly_fields = ("last_login", "date_joined", "ntlm")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Roles", {"fields": ("is_active", "groups")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:  # noqa: ANN401 - Django's signature
        """Show NTLM where it is on, and where a secret for it is left."""
        fieldsets = super().get_fieldsets(request, obj)
        is_on = conf_ntlm.NTLM in conf.current().sign_in
        if obj is None or not (is_on or hasattr(obj, "ntlm_account")):
            return fieldsets
        return (*fieldsets, ("Old programs", {"fields": ("ntlm",)}))

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        lacks = second_factor.lacking().filter(pk=OuterRef("pk"))
        rows = super().get_queryset(request).prefetch_related("groups", "second_factors")
        return rows.annotate(lacks_factor=Exists(lacks))

    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                "<path:object_id>/unlock/",
                self.admin_site.admin_view(user_sign_in.unlock),
                name="auth_user_unlock",
            ),
            path(
                "<path:object_id>/reset-factors/",
                self.admin_site.admin_view(user_sign_in.reset_factors),
                name="auth_user_reset_factors",
            ),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the account beside its certificates."""
        row = self.get_object(request, object_id)
        around: dict[str, Any] = {}
        if row is not None:
            around = _certificates_of(row, request) | user_sign_in.of(row) | user_outside.of(row)
        return super().change_view(
            request, object_id, form_url, {**around, **(extra_context or {})}
        )

    def user_change_password(
        self,
        request: HttpRequest,
        id: str,  # noqa: A002 - Django's name
        form_url: str = "",
    ) -> HttpResponse:
        """Set no password where it would open nothing."""
        row = self.get_object(request, id)
        if row is not None and user_outside.account_of(row):
            messages.error(request, f"The password of {row} is kept elsewhere. Set it there.")
            return redirect("admin:auth_user_change", row.pk)
        return super().user_change_password(request, id, form_url)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        facts = user_outside.FACTS_OF_PERSON if user_outside.account_of(obj) else ()
        name = () if obj is None else ("username",)
        return (*self.readonly_fields, *name, *facts)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Nobody takes over an account that may do more than they may."""
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def save_related(
        self,
        request: HttpRequest,
        form: ModelForm[User],
        formsets: list[BaseModelFormSet[Model, Any]],
        change: bool,
    ) -> None:
        """Store groups, directory entry, limits and certificates; record what changed."""
        before = _written(form.instance)
        super().save_related(request, form, formsets, change)
        people.mark(form.instance)
        actor = request.user.get_username()
        ntlm_accounts.end_where_not_allowed(form.instance, now=timezone.now(), actor=actor)
        entries = [one for one in formsets if one.model not in _WRITTEN]
        changes: dict[str, Any] = {}
        for each in [form, *(inner for formset in entries for inner in formset.forms)]:
            changes.update(_changes(each))
        for name, after in _written(form.instance).items():
            if before[name] != after:
                changes[name] = [before[name], after]
        if changes or not change:
            audit.record(
                "user changed" if change else "user added",
                actor=actor,
                subject=f"user {form.instance.get_username()}",
                changes=changes,
            )

    def log_change(self, request: HttpRequest, obj: User, message: Any) -> Any:  # noqa: ANN401 - Django's signature
        """Record a password that an administrator set; it comes past nothing else of ours."""
        match = request.resolver_match
        if match is not None and match.url_name == "auth_user_password_change":
            audit.record(
                "password set",
                actor=request.user.get_username(),
                subject=f"user {obj.get_username()}",
            )
        return super().log_change(request, obj, message)

    @admin.display(description="NTLM")
    def ntlm(self, row: User) -> str:
        return ntlm_accounts.written(row)

    @admin.display(description="name")
    def full_name(self, row: User) -> str:
        return row.get_full_name()

    @admin.display(description="second factor")
    def factors(self, row: User) -> str:
        """Say by what somebody proves who they are; a mark is for those who should."""
        asked_for: Any = row  # with what `get_queryset` adds
        kinds = sorted({factor.kind for factor in asked_for.second_factors.all()})
        # On a phone, no heading stands above it.
        return ", ".join(kinds) or ("⚠ no second factor" if asked_for.lacks_factor else "")

    @admin.display(description="roles")
    def roles(self, row: User) -> str:
        return ", ".join(group.name for group in row.groups.all()) or "none"


def _certificates_of(row: User, request: HttpRequest) -> dict[str, Any]:
    name = row.get_username()
    may_see = access.may_see_certificates(request.user)
    holding = Holding(Of.REQUESTER, name)
    takes_back = access.may_revoke(request.user) and holding.rows().exists()
    return {
        "certificates_address": links.certificates_of(name) if may_see else "",
        "holdings": (holding,) if takes_back else (),
    }


def _written(row: User) -> dict[str, list[str]]:
    return {name: written(row) for name, written in _WRITTEN.values()}


def _changes(form: ModelForm[Any]) -> dict[str, list[Any]]:
    """Return ``{field: [before, after]}`` of a form, and never a password."""
    return {
        name: [_plain(form.get_initial_for_field(form.fields[name], name)),
               _plain(form.cleaned_data.get(name))]
        for name in form.changed_data
        if name not in _SECRET
    }  # fmt: skip


def _plain(value: object) -> object:
    """Return a value that JSON can hold; rows by their names."""
    if isinstance(value, (QuerySet, list, tuple)):
        return sorted(str(item) for item in value)
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
