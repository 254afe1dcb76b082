"""An account that may sign in with NTLM, and the secret it needs for that."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class NtlmAccount(models.Model):
    """Whoever has a row here was named by an administrator, and nobody else may use NTLM.

    `sealed` is the NT hash of a password that was made for this alone, encrypted under a key that
    follows from the site's secret. Only `services.ntlm_accounts` writes rows.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="ntlm_account"
    )
    sealed = models.BinaryField()
    allowed_at = models.DateTimeField()
    allowed_by = models.CharField(max_length=150)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("pk",)
        verbose_name = "account for NTLM"
        verbose_name_plural = "accounts for NTLM"

    def __str__(self) -> str:
        return f"NTLM account {self.pk}"
