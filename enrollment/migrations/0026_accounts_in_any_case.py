"""Find an account by its name in any case without reading all of them.

The table is Django's, so no model of ours can name the index. SQLite answers `iexact` with LIKE,
PostgreSQL with UPPER; each has the index that this takes.
"""

from django.db import migrations

NAME = "enrollment_username_any_case"
EXPRESSIONS = {"sqlite": "username COLLATE NOCASE", "postgresql": "UPPER(username::text)"}


def make(apps, schema_editor):
    expression = EXPRESSIONS.get(schema_editor.connection.vendor)
    if expression is not None:
        schema_editor.execute(f"CREATE INDEX IF NOT EXISTS {NAME} ON auth_user ({expression})")


def drop(apps, schema_editor):
    schema_editor.execute(f"DROP INDEX IF EXISTS {NAME}")


class Migration(migrations.Migration):
    dependencies = [
        ("enrollment", "0025_second_factors"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [migrations.RunPython(make, drop)]
