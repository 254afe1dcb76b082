"""Published certificate revocation lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.utils import timezone

from enrollment.admin import links
from enrollment.admin.readonly import RecordAdmin
from enrollment.models import CertificateRevocationList

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.utils.safestring import SafeString


@admin.register(CertificateRevocationList)
class CertificateRevocationListAdmin(RecordAdmin[CertificateRevocationList]):
    """Lists are published by the CA; never edited or deleted."""

    list_display = ("number", "authority", "is_delta", "published", "follows")
    list_select_related = ("authority",)
    story_template = "admin/enrollment/certificaterevocationlist/story.html"

    def story(self, request: HttpRequest, row: CertificateRevocationList) -> dict[str, Any]:
        now = timezone.now()
        return {
            "entries": row.entries,
            "size": row.size,
            "published": links.moment(row.this_update, now),
            "ends": links.moment(row.next_update, now),
        }

    @admin.display(description="published")
    def published(self, row: CertificateRevocationList) -> SafeString:
        return links.moment(row.this_update, timezone.now())

    @admin.display(description="ends")
    def follows(self, row: CertificateRevocationList) -> SafeString:
        return links.moment(row.next_update, timezone.now())
