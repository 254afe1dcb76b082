"""A published certificate revocation list."""

from __future__ import annotations

from django.db import models

from enrollment.models.authority import Authority


class CertificateRevocationList(models.Model):
    """One signed list, kept as it was published.

    `as_of` is the moment whose statuses are in it; `base_number` is the list that a delta is
    relative to; partition 0 is the complete list of a key. A list after which no other comes is
    never due again: its publishing time is its end.
    """

    authority = models.ForeignKey(Authority, on_delete=models.PROTECT, related_name="crls")
    number = models.PositiveBigIntegerField()
    is_delta = models.BooleanField(default=False)
    base_number = models.PositiveBigIntegerField(null=True, blank=True)
    partition = models.PositiveIntegerField(default=0)
    entries = models.PositiveIntegerField(default=0)
    as_of = models.DateTimeField()
    sha256 = models.CharField(max_length=64)
    der = models.BinaryField()
    this_update = models.DateTimeField()
    next_update = models.DateTimeField()
    next_publish = models.DateTimeField()

    class Meta:
        ordering = ("-number", "-pk")
        verbose_name = "certificate revocation list"
        constraints = (
            models.UniqueConstraint(
                fields=["authority", "number", "is_delta", "partition"], name="crl_number_once"
            ),
        )

    def __str__(self) -> str:
        return f"CRL {self.number} of {self.authority}"

    @property
    def is_last(self) -> bool:
        """Whether no list is meant to follow: its key had nothing left to list."""
        return self.next_publish >= self.next_update
