"""Who may say who asks for whom, on a site that runs already."""

from django.db import migrations

from enrollment.migrations._rights import hand_out

RIGHTS = {
    "CA Administrators": ("view_agentgrant", "add_agentgrant", "delete_agentgrant"),
    "Auditors": ("view_agentgrant",),
}


def new_rights(apps, schema_editor):
    hand_out(apps, RIGHTS)


class Migration(migrations.Migration):
    dependencies = [
        ("enrollment", "0023_enrollment_agents"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(new_rights, migrations.RunPython.noop)]
