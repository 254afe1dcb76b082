"""The audit trail, read only."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin
from django.utils import timezone

from enrollment.admin import chosen, links
from enrollment.admin.filters import SubjectFilter
from enrollment.admin.readonly import RecordAdmin
from enrollment.models import AuditEvent

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.utils.safestring import SafeString

_REQUEST: Final = re.compile(r"request (\d{1,18})")
_CERTIFICATE: Final = re.compile(r"certificate ([0-9a-f]{1,40})")


@admin.register(AuditEvent)
class AuditEventAdmin(RecordAdmin[AuditEvent]):
    """Events are written by the services and chained; the desk only shows them."""

    list_display = ("happened", "actor", "verb", "subject_shown", "told")
    list_filter = (SubjectFilter,)
    search_fields = ("=subject",)
    search_help_text = "What the events are about, for example: request 7."
    list_display_links = ("verb",)
    story_template = "admin/enrollment/auditevent/story.html"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEvent], search_term: str
    ) -> tuple[QuerySet[AuditEvent], bool]:
        """Find the events of one object; a bare number is a request."""
        term = search_term.strip()
        if not term:
            return queryset, False
        request_id = chosen.number(term)
        subject = term if request_id is None else f"request {request_id}"
        return queryset.filter(subject=subject), False

    def story(self, request: HttpRequest, row: AuditEvent) -> dict[str, Any]:
        return {
            "title": f"{row.verb} {row.subject}",
            "detail": json.dumps(row.detail, indent=2, ensure_ascii=False),
            "events_address": links.events_of(row.subject),
        }

    @admin.display(description="when")
    def happened(self, row: AuditEvent) -> SafeString:
        return links.moment(row.at, timezone.now())

    @admin.display(description="object")
    def subject_shown(self, row: AuditEvent) -> SafeString | str:
        if found := _REQUEST.fullmatch(row.subject):
            return links.anchor(links.request_page(int(found[1])), row.subject)
        if found := _CERTIFICATE.fullmatch(row.subject):
            return links.anchor(links.certificates_of(found[1]), row.subject)
        return row.subject

    @admin.display(description="detail")
    def told(self, row: AuditEvent) -> str:
        text = ", ".join(f"{name}: {value}" for name, value in row.detail.items())
        return text if len(text) <= 160 else f"{text[:160]}…"  # noqa: PLR2004 - one line of a table
