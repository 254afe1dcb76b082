"""For whom an enrollment agent may ask, and with which templates."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models

from enrollment.models.template import Template


class AgentGrant(models.Model):
    """An account, or the members of a group, may ask on behalf of the members of other groups.

    Without such a row nobody asks for anybody else. A template or group that is taken out of a row
    leaves less of it, and an empty one grants nothing. Only `services.agents` writes them.
    """

    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="agent_grants",
    )
    agent_group = models.ForeignKey(
        Group,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="agent_grants",
        verbose_name="or agents: the members of",
    )
    templates = models.ManyToManyField(Template, related_name="agent_grants")
    target_groups = models.ManyToManyField(
        Group, related_name="granted_agents", verbose_name="on behalf of the members of"
    )

    class Meta:
        ordering = ("pk",)
        verbose_name = "enrollment agent"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(agent__isnull=True) ^ models.Q(agent_group__isnull=True),
                name="agent_grant_has_one_agent",
                violation_error_message="Choose an account or a group as the agent, not both.",
            ),
        )

    def __str__(self) -> str:
        return str(self.agent or f"members of {self.agent_group}")
