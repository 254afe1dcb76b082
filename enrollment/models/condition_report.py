"""What the last look at the CA's condition found."""

from __future__ import annotations

from django.db import models


class ConditionReport(models.Model):
    """The newest findings of one scope: the site, its outside, or one of its machines.

    One row a scope, written over by each look; only `services.reports` writes it. `started_at` is
    when somebody last began to look, so that several processes and machines do not do it at once.
    """

    scope = models.CharField(max_length=120, unique=True)
    started_at = models.DateTimeField(null=True, blank=True)
    looked_at = models.DateTimeField(null=True, blank=True)
    checks = models.JSONField(default=list)

    class Meta:
        ordering = ("scope",)
        # Nobody adds, changes or deletes one; who may read, and who may ask for a new look.
        default_permissions = ()
        permissions = (
            ("view_condition", "Can read the condition of the CA and its metrics"),
            ("check_condition", "Can have the condition of the CA checked now"),
        )

    def __str__(self) -> str:
        return f"Condition of {self.scope}"
