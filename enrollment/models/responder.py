"""A delegated OCSP signer of one CA key."""

from __future__ import annotations

from django.db import models

from enrollment.models.authority import Authority


class Responder(models.Model):
    """A short-lived certificate that signs OCSP answers; renewal adds a row and changes none."""

    authority = models.ForeignKey(Authority, on_delete=models.PROTECT, related_name="responders")
    der = models.BinaryField()
    key_reference = models.CharField(max_length=255)
    not_before = models.DateTimeField()
    not_after = models.DateTimeField()

    class Meta:
        ordering = ("-pk",)
        verbose_name = "OCSP responder certificate"

    def __str__(self) -> str:
        return f"OCSP responder of {self.authority} until {self.not_after:%Y-%m-%d}"
