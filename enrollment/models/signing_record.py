"""What is about to be signed, written down before the key is used."""

from __future__ import annotations

from django.db import models
from django.db.models import TextChoices

from enrollment.models.authority import Authority
from enrollment.models.request import EnrollmentRequest


class SigningRecord(models.Model):
    """A serial number and the exact content that goes with it.

    PREPARED was shown to a reviewer and not approved yet; COMMITTED must be signed, also by the
    next start after a crash; SIGNED has its certificate; ABANDONED will never be signed.
    """

    class State(TextChoices):
        """How far it came."""

        PREPARED = "prepared"
        COMMITTED = "committed"
        SIGNED = "signed"
        ABANDONED = "abandoned"

    request = models.ForeignKey(
        EnrollmentRequest, on_delete=models.CASCADE, related_name="signing_records"
    )
    authority = models.ForeignKey(Authority, on_delete=models.PROTECT)
    serial_number = models.CharField(max_length=40, unique=True)
    template_name = models.CharField(max_length=64)
    tbs = models.BinaryField()
    digest = models.CharField(max_length=64)
    crl_partition = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State.choices)
    decided_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("pk",)
        indexes = (
            models.Index(
                fields=["id"],
                name="signing_committed",
                condition=models.Q(state="committed"),
            ),
        )

    def __str__(self) -> str:
        return f"{self.serial_number} ({self.state})"
