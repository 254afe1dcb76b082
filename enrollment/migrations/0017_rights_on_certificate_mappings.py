"""Who may say whose certificate is whose, on a site that runs already."""

from django.db import migrations

from enrollment.migrations._rights import hand_out

RIGHTS = {
    "CA Administrators": (
        "view_certificatemapping",
        "add_certificatemapping",
        "delete_certificatemapping",
    ),
    "Auditors": ("view_certificatemapping",),
}


def new_rights(apps, schema_editor):
    hand_out(apps, RIGHTS)


class Migration(migrations.Migration):
    dependencies = [
        ("enrollment", "0016_certificate_mappings"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(new_rights, migrations.RunPython.noop)]
