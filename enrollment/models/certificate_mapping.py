"""Which certificates sign somebody in."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from enrollment.ca.client_certificate import LONGEST_NAME, Rule


class CertificateMapping(models.Model):
    """One certificate, or one name in the certificates of one other CA, that leads to an account.

    `issuer` stands for the name of that CA: SHA-256 of its DER, empty for one certificate. Only the
    page of a user writes rows, as `services.client_certificates` makes them.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="certificate_mappings"
    )
    rule = models.CharField(
        "what leads to the account",
        max_length=8,
        choices=[
            (Rule.EXACT.value, "this one certificate"),
            (Rule.UPN.value, "its issuer and user principal name"),
            (Rule.EMAIL.value, "its issuer and e-mail address"),
            (Rule.DNS.value, "its issuer and DNS name"),
            (Rule.SUBJECT.value, "its issuer and whole subject"),
        ],
        default=Rule.EXACT.value,
    )
    value = models.CharField(max_length=LONGEST_NAME)
    issuer = models.CharField(max_length=64, blank=True)
    issuer_name = models.CharField(max_length=255)
    subject = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("pk",)
        verbose_name = "certificate to sign in with"
        verbose_name_plural = "certificates to sign in with"
        constraints = (
            models.UniqueConstraint(
                fields=["rule", "value", "issuer"], name="certificate_mapping_leads_to_one"
            ),
        )

    def __str__(self) -> str:
        if self.rule == Rule.EXACT.value:
            return f"certificate {self.value} ({self.subject or 'no subject'})"
        return f"{self.rule} '{self.value}' by {self.issuer_name}"
