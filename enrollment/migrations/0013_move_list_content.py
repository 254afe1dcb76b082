"""Move the octets of finished lists into their table, or back."""

from django.db import migrations

LISTS = "enrollment_certificaterevocationlist"
CONTENT = "enrollment_revocationlistcontent"


class Migration(migrations.Migration):
    dependencies = [("enrollment", "0012_list_content")]

    operations = [
        migrations.RunSQL(
            [
                f"INSERT INTO {CONTENT} (crl_id, der) SELECT id, der FROM {LISTS} "
                "WHERE sha256 <> ''",
                f"UPDATE {LISTS} SET size = length(der)",
            ],
            [
                f"UPDATE {LISTS} SET der = (SELECT {CONTENT}.der FROM {CONTENT} "
                f"WHERE crl_id = {LISTS}.id) WHERE id IN (SELECT crl_id FROM {CONTENT})",
                f"DELETE FROM {CONTENT}",
            ],
        ),
    ]
