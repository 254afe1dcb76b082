"""Who may limit certificate managers on a site that runs already."""

from django.db import migrations

from enrollment.migrations._rights import hand_out

RIGHTS = {
    "CA Administrators": (
        "view_managerscope",
        "add_managerscope",
        "change_managerscope",
        "delete_managerscope",
    ),
    "Auditors": ("view_managerscope",),
}


def new_rights(apps, schema_editor):
    hand_out(apps, RIGHTS)


class Migration(migrations.Migration):
    dependencies = [
        ("enrollment", "0007_manager_scopes"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(new_rights, migrations.RunPython.noop)]
