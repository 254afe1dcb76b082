"""By what somebody proves who they are, beside a password."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.db import models

APP: Final = "app"
PASSKEY: Final = "passkey"


class SecondFactor(models.Model):
    """An authenticator app or a passkey; only `services.second_factor` writes rows.

    `secret` is sealed for an app, and the public key for a passkey. `counter` only rises: the step
    of time of the last code, or the signature counter of the passkey, so that nothing is believed
    twice.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="second_factors"
    )
    kind = models.CharField(max_length=8)
    label = models.CharField(max_length=60)
    secret = models.BinaryField()
    # SHA-256 of the identifier, which may be a thousand octets long.
    credential = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001 - none is no value
    counter = models.BigIntegerField(default=0)
    added_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("pk",)
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.kind} {self.label}"


class RecoveryCode(models.Model):
    """A way in, once, for who has lost the rest; of the code itself only a digest is kept."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recovery_codes"
    )
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("pk",)
        default_permissions = ()

    def __str__(self) -> str:
        return f"recovery code {self.pk}"
