"""Groups are the roles of the site; set-up makes them, and users are put into them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.models import Group

from enrollment.admin.readonly import RecordAdmin

if TYPE_CHECKING:
    from django.http import HttpRequest

admin.site.unregister(Group)


@admin.register(Group)
class RoleAdmin(RecordAdmin[Group]):
    """What a role may do is part of the site; who has it is said on the page of a user."""

    list_display = ("name", "members")
    ordering = ("name",)
    story_template = "admin/auth/group/story.html"

    def story(self, request: HttpRequest, row: Group) -> dict[str, Any]:
        return {
            "members": row.user_set.order_by("username")[:500],
            "rights": row.permissions.select_related("content_type").order_by("name"),
            "templates": row.enrollable_templates.order_by("display_name"),
        }

    @admin.display(description="members")
    def members(self, row: Group) -> int:
        return row.user_set.count()
