"""A certificate of ours that nobody can show: revoked by its number alone."""

from __future__ import annotations

from django.db import models

from enrollment.models.authority import Authority


class LostCertificate(models.Model):
    """A serial number that a key of ours signed and this database knows nothing else of.

    After a restore, when neither database nor logs hold the certificate. Lists and OCSP say that it
    is revoked; once the certificate is found, its own row does. Only `services.lost` writes rows.
    """

    authority = models.ForeignKey(Authority, on_delete=models.PROTECT, related_name="lost")
    serial_number = models.CharField(max_length=40, unique=True)
    crl_partition = models.PositiveIntegerField(default=0)
    revoked_at = models.DateTimeField()
    revocation_reason = models.PositiveSmallIntegerField()
    status_changed_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.serial_number
