"""Lists of the desk are named after what they hold; Django says "Select … to view"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeVar

from django.contrib import admin
from django.db.models import Model

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

Row = TypeVar("Row", bound=Model)
# What the links of a filter that names a field look like, after the field.
_BY_LINK: Final = re.compile(r"(__id)?__(exact|isnull)", re.ASCII)


class TitledAdmin(admin.ModelAdmin[Row]):
    """A list under the plural of its rows' name, narrowed by its own filters alone."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Draw the list with its title."""
        plural = str(self.opts.verbose_name_plural)
        title = plural[:1].upper() + plural[1:]
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Refuse what no link of the list says.

        Django lets an address name any field and any comparison. Some read the whole table; a
        regular expression may keep a process from everything else for as long as it likes.
        """
        own = {getattr(one, "parameter_name", None) for one in self.list_filter}
        fields = [one for one in self.list_filter if isinstance(one, str)]
        is_ours = lookup in own or any(
            lookup.startswith(one) and _BY_LINK.fullmatch(lookup, len(one)) for one in fields
        )
        return is_ours and super().lookup_allowed(lookup, value, request)
