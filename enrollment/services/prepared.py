"""Statements that every submission runs, built once.

Django builds the SQL of a query anew each time it is run, which costs several times what SQLite
needs to run it. The few statements on the way of every request are built once per process and
given new parameters; everything else is plain querysets.
"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import connection, transaction
from django.db.models import Model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from django.db.models import Field, QuerySet

Row = TypeVar("Row", bound=Model)
_ROWS_AT_ONCE = 10_000


class PreparedSelect:
    """A queryset of values whose SQL is built at the first call.

    Values come as the database gives them: ask for texts and numbers only.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Any]], *samples: str | int) -> None:
        """Remember how to build the query.

        Args:
            build: makes the queryset of as many arguments as there are samples.
            samples: one value of the right type for each, all different, that stand for the
                parameters while the SQL is built.
        """
        self._build = build
        self._samples = samples
        self._prepared: tuple[str, tuple[Any, ...]] | None = None

    def rows(self, *parameters: str | int) -> list[tuple[Any, ...]]:
        """Run the query with `parameters` and return every row."""
        if self._prepared is None:
            self._prepared = self._build(*self._samples).query.sql_with_params()
        sql, constants = self._prepared
        places = dict(zip(self._samples, parameters, strict=True))
        with connection.cursor() as cursor:
            cursor.execute(sql, [places.get(constant, constant) for constant in constants])
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found


def stream(query: QuerySet[Any, Any]) -> Iterator[tuple[Any, ...]]:
    """Run a queryset of values and give its rows as the database does, a million if need be.

    Django's own iterator takes two and a half times as long. Moments come as `moment` reads them.
    """
    sql, parameters = query.query.sql_with_params()
    with ExitStack() as open_ones:
        if connection.vendor == "postgresql":
            # The server keeps the rows for the length of a transaction; outside of one it would
            # copy them all, and behind a pooler the next statement might not find them.
            open_ones.enter_context(transaction.atomic())
        cursor = open_ones.enter_context(connection.chunked_cursor())
        cursor.execute(sql, parameters)
        while rows := cursor.fetchmany(_ROWS_AT_ONCE):
            yield from rows


def moment(value: str | datetime) -> datetime:
    """Read a moment as the database gives it: SQLite as a text in UTC."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(f"{value}+00:00")


@lru_cache(maxsize=32)
def _insertion(model: type[Model]) -> tuple[str, tuple[Field[Any, Any], ...]]:
    quote = connection.ops.quote_name
    fields = tuple(field for field in model._meta.concrete_fields if not field.primary_key)  # noqa: SLF001 - Django's public spelling
    columns = ", ".join(quote(str(field.column)) for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    key = model._meta.pk  # noqa: SLF001 - as above
    return (
        f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES ({marks}) "  # noqa: S608, SLF001 - names of our own models
        f"RETURNING {quote(str(key.column))}",
        fields,
    )


@lru_cache(maxsize=64)
def _change(
    model: type[Model], where: tuple[str, ...], columns: tuple[str, ...]
) -> tuple[str, tuple[Field[Any, Any], ...]]:
    quote = connection.ops.quote_name
    meta = model._meta  # noqa: SLF001 - Django's public spelling
    by_name = {field.name: field for field in meta.concrete_fields}
    fields = tuple(by_name[name] for name in (*columns, *where))
    marks = [f"{quote(str(field.column))} = %s" for field in fields]
    values, conditions = marks[: len(columns)], marks[len(columns) :]
    return (
        f"UPDATE {quote(meta.db_table)} SET {', '.join(values)} "  # noqa: S608 - as above
        f"WHERE {' AND '.join(conditions)}",
        fields,
    )


def change(model: type[Model], where: Mapping[str, Any], values: Mapping[str, Any]) -> int:
    """Update the rows in which every column of `where` has its value; return how many.

    Foreign keys are given as rows or keys.
    """
    sql, fields = _change(model, tuple(where), tuple(values))
    given = [
        value.pk if isinstance(value, Model) else value
        for value in (*values.values(), *where.values())
    ]
    parameters = [
        field.get_db_prep_save(value, connection)
        for field, value in zip(fields, given, strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)


def insert(row: Row) -> Row:
    """Insert a new row and give it its key; every column must be set."""
    sql, fields = _insertion(type(row))
    values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        row.pk = cursor.fetchone()[0]
    row._state.adding = False  # noqa: SLF001 - what Model.save does
    row._state.db = connection.alias  # noqa: SLF001 - as above
    return row
