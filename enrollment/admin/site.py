"""The managers' desk: Django's admin with the queue as its front page.

Who may enter is decided by rights (`access`), not by Django's staff flag: one place to hand a
role out, and one to take it away.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import update_wrapper
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from enrollment.admin import access

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern, URLResolver


@dataclass(frozen=True, slots=True)
class Link:
    """One word of the bar at the top."""

    label: str
    address: str
    is_here: bool


# Label, and the model whose list it opens; the order is the order of a day's work.
_LISTS = (
    ("Requests", "enrollment", "enrollmentrequest"),
    ("Certificates", "enrollment", "certificate"),
    ("Templates", "enrollment", "template"),
    ("Names", "enrollment", "namegrant"),
    ("Agents", "enrollment", "agentgrant"),
    ("Authorities", "enrollment", "authority"),
    ("CRLs", "enrollment", "certificaterevocationlist"),
    ("Audit", "enrollment", "auditevent"),
    ("Users", "auth", "user"),
    ("Groups", "auth", "group"),
)


class DeskSite(admin.AdminSite):
    """The admin site of certificate managers, administrators, auditors and operators."""

    site_header = "Certificate desk"
    site_title = "Certificate desk"
    index_title = "Queue"
    site_url = "/certsrv/"
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        return access.may_enter(request.user)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        from enrollment.admin import condition, masthead  # noqa: PLC0415 - they register with this site

        context = super().each_context(request)
        context["desk_links"] = self._links(request) if context["has_permission"] else []
        context["masthead"] = masthead.read()
        context["banners"] = condition.banners(request)
        # Told by the gate in front of the desk, in the dry run of the second factor.
        context["lacks_second_factor"] = getattr(request, "lacks_second_factor", False)
        return context

    def get_urls(self) -> list[URLPattern | URLResolver]:
        # They register with this site.
        from enrollment.admin import bulk, condition, revoke, rollover  # noqa: PLC0415 - see above

        def show_condition(request: HttpRequest) -> HttpResponse:
            return condition.page(request, self)

        return [
            path("condition/", self.admin_view(show_condition), name="condition"),
            path("condition/check/", self.admin_view(condition.check_now), name="condition_check"),
            path("queue/decide/", self.admin_view(bulk.decide), name="queue_decide"),
            path("certificates/status/", self.admin_view(revoke.change), name="certificate_status"),
            path("rollover/", self.admin_view(rollover.page), name="rollover"),
            *super().get_urls(),
        ]

    def index(  # type: ignore[override]  # the stubs want a template's response
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the queue, or the first list that this person may read."""
        from enrollment.admin import queue  # noqa: PLC0415 - they register with this site

        return queue.page(request, self)

    def admin_view(  # type: ignore[override]  # the stubs name a type that exists for them only
        self,
        view: Callable[..., HttpResponse],
        cacheable: bool = False,  # noqa: FBT002 - Django's signature
    ) -> Callable[..., HttpResponse]:
        """Open `view` to those who work here, and tell everybody else where they belong."""
        guarded = super().admin_view(view, cacheable)

        def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:  # noqa: ANN401 - a view's arguments
            if request.user.is_authenticated and not self.has_permission(request):
                context = {**self.each_context(request), "title": "This desk is for managers"}
                return render(request, "admin/no_entry.html", context, status=403)
            return guarded(request, *args, **kwargs)

        return update_wrapper(inner, view)

    def password_change(  # type: ignore[override]  # the stubs want a template's response
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Lead to the page of the site: one door at which an old password can be guessed."""
        return redirect("signin:password")

    @method_decorator(never_cache)
    @method_decorator(login_not_required)
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Send a stranger to the sign-in of the site; the desk has none of its own."""
        front = reverse("admin:index")
        if request.user.is_authenticated:
            return redirect(front)
        return redirect_to_login(front, str(settings.LOGIN_URL))

    def _links(self, request: HttpRequest) -> list[Link]:
        links = []
        if access.may_see_queue(request.user):
            front = reverse("admin:index")
            links.append(Link("Queue", front, request.path == front))
        for label, app, model in _LISTS:
            entry = self._admin_of(app, model)
            if entry is not None and entry.has_view_permission(request):
                address = reverse(f"admin:{app}_{model}_changelist")
                links.append(Link(label, address, request.path.startswith(address)))
        if access.may_see_condition(request.user):
            address = reverse("admin:condition")
            links.append(Link("Condition", address, request.path == address))
        return links

    def _admin_of(self, app: str, model: str) -> admin.ModelAdmin[Any] | None:
        for registered, entry in self._registry.items():
            if registered._meta.label_lower == f"{app}.{model}":  # noqa: SLF001 - Django's public spelling
                return entry
        return None
