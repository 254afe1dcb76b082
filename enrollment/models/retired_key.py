"""A key of the CA that will never sign again."""

from __future__ import annotations

from django.db import models


class RetiredKey(models.Model):
    """Somebody said that a key has done its work; a row is never taken back.

    `last_list` is the number of the revocation list that stays good until the key's certificate
    ends; none when the key was lost before one could be made. Only `services.retirement` writes.
    """

    key_index = models.PositiveIntegerField(unique=True)
    retired_at = models.DateTimeField()
    retired_by = models.CharField(max_length=150)
    last_list = models.PositiveBigIntegerField(null=True, blank=True)
    destroyed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-key_index",)
        verbose_name = "retired CA key"

    def __str__(self) -> str:
        return f"CA key {self.key_index}, retired {self.retired_at:%Y-%m-%d}"
