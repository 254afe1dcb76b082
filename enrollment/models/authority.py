"""One CA certificate and where its key is."""

from __future__ import annotations

from django.db import models


class Authority(models.Model):
    """A certificate of this CA; renewal adds a row and changes none.

    `index` is the certificate index, `key_index` the certificate index at which this key first
    appeared (MS-WCCE 3.2.1.4.3.2.39).
    """

    index = models.PositiveIntegerField(unique=True)
    key_index = models.PositiveIntegerField()
    name = models.CharField(max_length=64)
    der = models.BinaryField()
    chain = models.TextField("certificates above it (PEM)", blank=True)
    key_reference = models.CharField(max_length=255)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("-index",)
        verbose_name = "CA certificate"

    def __str__(self) -> str:
        return self.name if self.index == 0 else f"{self.name} ({self.index})"
