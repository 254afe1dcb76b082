"""The bridge between two generations of a root."""

from __future__ import annotations

from django.db import models

from enrollment.models.authority import Authority
from enrollment.models.certificate import Certificate


class CrossCertificate(models.Model):
    """One key of the CA certifies another.

    The content is written down before the key is used; until it is signed there is no
    `certificate`. That is a row like every other, so that a bridge can be revoked and listed.
    """

    issuing = models.ForeignKey(Authority, on_delete=models.PROTECT, related_name="crosses_signed")
    target = models.ForeignKey(Authority, on_delete=models.PROTECT, related_name="crosses_received")
    serial_number = models.CharField(max_length=40, unique=True)
    tbs = models.BinaryField()
    crl_partition = models.PositiveIntegerField(default=0)
    certificate = models.OneToOneField(
        Certificate, null=True, blank=True, on_delete=models.PROTECT, related_name="cross"
    )
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("pk",)
        verbose_name = "cross certificate"
        constraints = (models.UniqueConstraint(fields=["issuing", "target"], name="cross_once"),)

    def __str__(self) -> str:
        return f"({self.issuing.index}-{self.target.index})"
