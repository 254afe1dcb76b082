"""The numbers that the database gives to rows, and how they are moved ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection, transaction

if TYPE_CHECKING:
    from django.db.models import Model


def raise_to(model: type[Model], number: int) -> int:
    """Let the next row of a table have a number above `number`; return the last one taken.

    Numbers only rise: what is higher already stays.
    """
    table = model._meta.db_table  # noqa: SLF001 - Django's public spelling
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            name = f'"{table}"'
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence(%s, 'id'), GREATEST(%s, "  # noqa: S608 - our own table
                f"(SELECT COALESCE(MAX(id), 1) FROM {name}), "
                "(SELECT COALESCE(last_value, 1) FROM pg_sequences WHERE "
                "format('%%I.%%I', schemaname, sequencename) = pg_get_serial_sequence(%s, 'id'))))",
                [name, number, name],
            )
            return int(cursor.fetchone()[0])
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        held = cursor.fetchone()
        taken = max(number, held[0] if held else 0)
        if held:
            cursor.execute("UPDATE sqlite_sequence SET seq = %s WHERE name = %s", [taken, table])
        else:
            cursor.execute(
                "INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, taken]
            )
        return taken
