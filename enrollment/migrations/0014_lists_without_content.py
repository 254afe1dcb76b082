"""Take the octets out of the table of lists, and make lists quick to find and to make."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("enrollment", "0013_move_list_content")]

    operations = [
        migrations.RemoveField(model_name="certificaterevocationlist", name="der"),
        migrations.AddIndex(
            model_name="certificaterevocationlist",
            index=models.Index(fields=["-number"], name="crl_number"),
        ),
        migrations.AddIndex(
            model_name="certificaterevocationlist",
            index=models.Index(fields=["-as_of"], name="crl_as_of"),
        ),
        migrations.RemoveIndex(model_name="certificate", name="certificate_changed"),
        migrations.AddIndex(
            model_name="certificate",
            index=models.Index(
                condition=models.Q(("status_changed_at__isnull", False)),
                fields=[
                    "status_changed_at",
                    "serial_number",
                    "authority",
                    "crl_partition",
                    "revoked_at",
                    "revocation_reason",
                    "invalidity_date",
                    "not_after",
                ],
                name="certificate_status",
            ),
        ),
    ]
