"""What the site's directory knows of a user beyond Django's own columns."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Account(models.Model):
    """Names that templates with the subject source "directory" may use.

    They are typed by a CA administrator and never come from a request.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="account"
    )
    dns_name = models.CharField("DNS name", max_length=253, blank=True)
    upn = models.CharField("user principal name", max_length=253, blank=True)

    class Meta:
        ordering = ("pk",)
        verbose_name = "directory entry"
        verbose_name_plural = "directory entries"

    def __str__(self) -> str:
        return self.upn or self.dns_name or f"account {self.pk}"
