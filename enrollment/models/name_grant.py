"""Which names the members of a group may ask for."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import models

from enrollment.models.template import Template


class NameGrant(models.Model):
    """Names that a group may ask for, by one template or by every one.

    As soon as one such row speaks of a template, only members of groups with a row may ask by it,
    and only for the names of their rows. Only `services.name_grants` writes them.
    """

    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="name_grants")
    template = models.ForeignKey(
        Template,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="name_grants",
        help_text="Empty: by every template that takes names from the request.",
    )
    dns_suffixes = models.JSONField("DNS suffixes", default=list, blank=True)
    ip_networks = models.JSONField("IP networks", default=list, blank=True)
    email_domains = models.JSONField("e-mail domains", default=list, blank=True)
    upn_suffixes = models.JSONField("UPN suffixes", default=list, blank=True)
    patterns = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ("group__name", "pk")
        verbose_name = "name grant"

    def __str__(self) -> str:
        return f"{self.group} by {self.template or 'every template'}"
