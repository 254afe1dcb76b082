"""One manager's yes to one content, where a template wants several."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from enrollment.models.signing_record import SigningRecord


class GivenApproval(models.Model):
    """Who approved exactly what; only `services.approvals` writes them.

    An account that is deleted takes its approval with it, so that it no longer counts.
    """

    record = models.ForeignKey(SigningRecord, on_delete=models.CASCADE, related_name="approvals")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="given_approvals"
    )
    approved_at = models.DateTimeField()

    class Meta:
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(fields=["record", "user"], name="approval_once_each"),
        )

    def __str__(self) -> str:
        return f"{self.user} approved {self.record_id}"
