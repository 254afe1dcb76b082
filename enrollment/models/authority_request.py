"""A request of this CA to the CA above it."""

from __future__ import annotations

import hashlib

from django.db import models

from enrollment.models.authority import Authority


class AuthorityRequest(models.Model):
    """A PKCS #10 for a certificate of this CA, and what became of it.

    It waits as long as the CA certificate that it would follow (`follows`, none for the first) is
    the newest one; an answer that is installed ends the waiting of all others.
    """

    key_reference = models.CharField(max_length=255)
    has_new_key = models.BooleanField()
    der = models.BinaryField()
    created_at = models.DateTimeField()
    follows = models.ForeignKey(
        Authority,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="requests_to_follow",
    )
    authority = models.OneToOneField(
        Authority, null=True, blank=True, on_delete=models.PROTECT, related_name="made_by"
    )

    class Meta:
        ordering = ("-pk",)
        verbose_name = "request to the CA above"
        verbose_name_plural = "requests to the CA above"

    def __str__(self) -> str:
        return f"request of {self.created_at:%Y-%m-%d %H:%M} UTC"

    @property
    def digest(self) -> str:
        """SHA-256 of the request, in hexadecimal: what a ceremony compares."""
        return hashlib.sha256(bytes(self.der)).hexdigest()
