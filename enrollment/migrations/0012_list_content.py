"""Give the octets of lists a table of their own; see `models.crl`."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("enrollment", "0011_a_ca_below_another")]

    operations = [
        migrations.CreateModel(
            name="RevocationListContent",
            fields=[
                (
                    "crl",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="content",
                        serialize=False,
                        to="enrollment.certificaterevocationlist",
                    ),
                ),
                ("der", models.BinaryField()),
            ],
            options={
                "verbose_name": "content of a certificate revocation list",
                "ordering": ("-pk",),
                "default_permissions": (),
            },
        ),
        migrations.AddField(
            model_name="certificaterevocationlist",
            name="size",
            field=models.PositiveBigIntegerField(default=0),
        ),
        # So that the way back can add the column again.
        migrations.AlterField(
            model_name="certificaterevocationlist",
            name="der",
            field=models.BinaryField(default=b""),
        ),
    ]
