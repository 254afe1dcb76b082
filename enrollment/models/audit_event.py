"""One line of the audit trail."""

from __future__ import annotations

from django.db import models


class AuditEvent(models.Model):
    """What happened, chained by hash to what happened before.

    Only `services.audit` writes rows, and none is ever changed.
    """

    at = models.DateTimeField()
    actor = models.CharField(max_length=150)
    verb = models.CharField(max_length=60)
    subject = models.CharField("object", max_length=120, blank=True)
    detail = models.JSONField(default=dict)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        ordering = ("-pk",)
        indexes = (models.Index(fields=["subject"], name="audit_subject"),)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor}: {self.verb} {self.subject}"
