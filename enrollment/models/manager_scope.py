"""What a certificate manager's right is limited to."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models

from enrollment.models.template import Template


class ManagerScope(models.Model):
    """A kind of request that a manager may decide: by template, by requester, or both.

    Who has no row may decide everything; so a template or group that a row names cannot be deleted,
    or its end would widen somebody's right. Only the page of a user writes them.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="manager_scopes"
    )
    template = models.ForeignKey(
        Template,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty: every template.",
    )
    requester_group = models.ForeignKey(
        Group,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name="requesters in the group",
        help_text="Empty: every requester.",
    )

    class Meta:
        ordering = ("pk",)
        verbose_name = "limit of a certificate manager"
        verbose_name_plural = "limits of a certificate manager"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(template__isnull=False)
                | models.Q(requester_group__isnull=False),
                name="manager_scope_limits",
                violation_error_message="Choose a template, a group, or both: a limit without "
                "either limits nothing.",
            ),
        )

    def __str__(self) -> str:
        by = self.template.name if self.template else "every template"
        of = f"'{self.requester_group}'" if self.requester_group else "everybody"
        return f"{by}, asked for by {of}"
