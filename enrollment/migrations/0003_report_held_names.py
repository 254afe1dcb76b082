"""A site that runs already is told what would wait, before anything does; its roles grow."""

from django.db import migrations

from enrollment.migrations._rights import hand_out

RIGHTS = {
    "CA Administrators": (
        "view_namegrant",
        "add_namegrant",
        "change_namegrant",
        "delete_namegrant",
    ),
    "Auditors": ("view_namegrant",),
}


def report_only(apps, schema_editor):
    apps.get_model("enrollment", "Template").objects.update(held_names="report")


def new_rights(apps, schema_editor):
    hand_out(apps, RIGHTS)


class Migration(migrations.Migration):
    dependencies = [
        ("enrollment", "0002_names_and_limits"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.RunPython(report_only, migrations.RunPython.noop),
        migrations.RunPython(new_rights, migrations.RunPython.noop),
    ]
