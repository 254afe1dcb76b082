"""Pages of long lists, without counting the list, and searches of a bounded length."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

CEILING: Final = 10_000
_LONGEST_SEARCH: Final = 200
Row = TypeVar("Row", bound=Model)


def capped_count(rows: QuerySet[Any], ceiling: int = CEILING) -> int:
    """Count at most `ceiling` rows; the database stops reading there."""
    return rows.order_by()[:ceiling].count()


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # generic in the stubs only
    """A paginator that stops counting at `CEILING`.

    ``COUNT(*)`` reads every row that matches, and a desk at ten million certificates is used
    with a filter or a search, not by leafing to page 90,000.
    """

    @cached_property
    def count(self) -> int:
        """How many rows there are, or the ceiling where there are more."""
        return capped_count(self.object_list)  # type: ignore[arg-type]  # the desk pages querysets only

    @property
    def is_capped(self) -> bool:
        """Whether there may be more rows than can be leafed through."""
        return self.count >= CEILING


class BoundedSearch(admin.ModelAdmin[Row]):
    """A list that is searched word by word: no database takes a condition of a thousand words."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Row], search_term: str
    ) -> tuple[QuerySet[Row], bool]:
        """Search for the first words of what was typed; no name here is longer."""
        return super().get_search_results(request, queryset, search_term[:_LONGEST_SEARCH])
