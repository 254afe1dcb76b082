"""A secret by which a program acts for an account, within bounds."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class ApiToken(models.Model):
    """What a token may do and until when; of the token itself only a digest is kept.

    A token is 256 random bits, so one round of SHA-256 is all the hash it needs. Only
    `services.tokens` writes rows.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )
    label = models.CharField(max_length=60)
    digest = models.CharField(max_length=64, unique=True)
    beginning = models.CharField(max_length=16)
    templates = models.JSONField(default=list, blank=True)
    verbs = models.JSONField(default=list)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.label} ({self.beginning}…)"
