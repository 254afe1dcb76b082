"""Records that the desk shows and nobody edits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.template.response import TemplateResponse

from enrollment.admin.paging import CappedPaginator
from enrollment.admin.titled import Row, TitledAdmin

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


class RecordAdmin(TitledAdmin[Row]):
    """What happened is read here; never typed in, edited or deleted, not even by a superuser."""

    actions = None
    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 50
    show_facets = admin.ShowFacets.NEVER
    # Sorting by a column without an index would read and sort the whole table.
    sortable_by = ()
    story_template = ""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ANN401 - Django's signature
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ANN401 - Django's signature
        return False

    def story(self, request: HttpRequest, row: Row) -> dict[str, Any]:
        """Return what the page of one record shows."""
        raise NotImplementedError

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one record and its story; there is no form, so nothing can be saved."""
        row = self.get_object(request, unquote(object_id))
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        if row is None:
            gone: HttpResponse = self._get_obj_does_not_exist_redirect(  # type: ignore[attr-defined]  # not in the stubs
                request, self.opts, object_id
            )
            return gone
        context = {
            **self.admin_site.each_context(request),
            "title": str(row),
            "opts": self.opts,
            "original": row,
            "has_view_permission": True,
            **self.story(request, row),
            **(extra_context or {}),
        }
        return TemplateResponse(request, self.story_template, context)
