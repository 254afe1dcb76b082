"""Requests: the list of all, and the page of one, where a waiting one is reviewed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import path
from django.utils import timezone
from django.utils.html import format_html

from enrollment.admin import access, chosen, links, state, story
from enrollment.admin import decide as desk
from enrollment.admin.decide import DenyForm
from enrollment.admin.filters import (
    AgentFilter,
    DispositionFilter,
    RequesterFilter,
    TemplateFilter,
)
from enrollment.admin.queue import names_of
from enrollment.admin.readonly import RecordAdmin
from enrollment.ca.names import visible
from enrollment.models import EnrollmentRequest

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern
    from django.utils.safestring import SafeString


@admin.register(EnrollmentRequest)
class EnrollmentRequestAdmin(RecordAdmin[EnrollmentRequest]):
    """Requests may be read and reviewed here; never typed in, edited or deleted."""

    list_display = ("names_shown", "state_shown", "requester_shown", "template_name", "key_name",
                    "arrived", "number")  # fmt: skip
    list_filter = (DispositionFilter, TemplateFilter, RequesterFilter, AgentFilter)
    search_fields = ("=requester",)
    search_help_text = "A request number, or a requester's account name."
    ordering = ("-pk",)
    story_template = "admin/enrollment/enrollmentrequest/story.html"

    def has_view_permission(
        self, request: HttpRequest, obj: EnrollmentRequest | None = None
    ) -> bool:
        return access.may_see_queue(request.user)

    def get_queryset(self, request: HttpRequest) -> QuerySet[EnrollmentRequest]:
        rows = super().get_queryset(request).select_related("certificate")
        return rows.defer("raw", "attributes", "certificate__der")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[EnrollmentRequest], search_term: str
    ) -> tuple[QuerySet[EnrollmentRequest], bool]:
        """A number is a request id; everything else an account."""
        term = search_term.strip()
        if not term:
            return queryset, False
        request_id = chosen.number(term)
        if request_id is not None:
            return queryset.filter(pk=request_id), False
        return queryset.filter(requester=term), False

    def get_urls(self) -> list[URLPattern]:
        """One more address: where Issue and Deny are sent."""
        decide = path(
            "<int:request_id>/decide/",
            self.admin_site.admin_view(self.decide),
            name="enrollment_enrollmentrequest_decide",
        )
        return [decide, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one request; a post belongs to `decide`."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return super().change_view(
            request, object_id, form_url, {"form": DenyForm(), **(extra_context or {})}
        )

    def story(self, request: HttpRequest, row: EnrollmentRequest) -> dict[str, Any]:
        return story.context(row, request.user)

    def decide(self, request: HttpRequest, request_id: int) -> HttpResponse:
        """Issue or deny one request, then return to the queue."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not access.may_review(request.user):
            raise PermissionDenied
        if request.POST.get("act") == "issue":
            result = desk.issue(request_id, request.POST.get("digest", ""), request.user)
        else:
            form = DenyForm(request.POST)
            if not form.is_valid():
                return super().change_view(request, str(request_id), extra_context={"form": form})
            result = desk.deny(request_id, form.cleaned_data["reason"], request.user)
        messages.add_message(request, result.level, result.text)
        # A refusal leads back to the request, which then shows the content of now.
        return redirect("admin:index" if result.is_done else links.request_page(request_id))

    @admin.display(description="names")
    def names_shown(self, row: EnrollmentRequest) -> str:
        return names_of(row)

    @admin.display(description="state")
    def state_shown(self, row: EnrollmentRequest) -> SafeString:
        return state.of_request(row)

    @admin.display(description="requester")
    def requester_shown(self, row: EnrollmentRequest) -> SafeString:
        anchor = links.anchor(links.requests_of(row.requester), row.requester)
        if not row.agent:
            return anchor
        return format_html("{} by agent <bdi>{}</bdi>", anchor, visible(row.agent))

    @admin.display(description="arrived")
    def arrived(self, row: EnrollmentRequest) -> SafeString:
        return links.moment(row.submitted_at, timezone.now())

    @admin.display(description="request")
    def number(self, row: EnrollmentRequest) -> int:
        return row.pk
