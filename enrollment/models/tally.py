"""How often things have happened, counted once."""

from __future__ import annotations

from django.db import models


class Tally(models.Model):
    """Counts of the audit trail by verb, up to an event; only `services.tally` writes the one row.

    Nobody has to count a million events anew to say how many certificates were issued.
    """

    up_to = models.PositiveBigIntegerField(default=0)
    counts = models.JSONField(default=dict)

    class Meta:
        ordering = ("pk",)
        default_permissions = ()

    def __str__(self) -> str:
        return f"Counts up to event {self.up_to}"
