"""Those who run or audit a site that was set up before may see its condition, too."""

from django.db import migrations

from enrollment.migrations._rights import hand_out

RIGHTS = {
    "Certificate Managers": ("view_condition",),
    "Certificate Revokers": ("view_condition",),
    "CA Administrators": ("view_condition", "check_condition"),
    "Auditors": ("view_condition",),
    "Operators": ("view_condition", "check_condition"),
}


def new_rights(apps, schema_editor):
    hand_out(apps, RIGHTS)


class Migration(migrations.Migration):
    dependencies = [
        ("enrollment", "0005_condition_and_counts"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(new_rights, migrations.RunPython.noop)]
