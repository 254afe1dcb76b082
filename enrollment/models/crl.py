"""A published certificate revocation list."""

from __future__ import annotations

from django.db import models

from enrollment.models.authority import Authority


class CertificateRevocationList(models.Model):
    """One signed list; its number is never given to another, so its row is never deleted.

    `as_of` is the moment whose statuses are in it; `base_number` is the list that a delta is
    relative to; partition 0 is the complete list of a key. A list after which no other comes is
    never due again: its publishing time is its end. `size` is in octets, and `sha256` is empty
    until the list is signed and stored.
    """

    authority = models.ForeignKey(Authority, on_delete=models.PROTECT, related_name="crls")
    number = models.PositiveBigIntegerField()
    is_delta = models.BooleanField(default=False)
    base_number = models.PositiveBigIntegerField(null=True, blank=True)
    partition = models.PositiveIntegerField(default=0)
    entries = models.PositiveIntegerField(default=0)
    as_of = models.DateTimeField()
    size = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64)
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
        # "Which is the newest?" is asked with every download, and every revocation adds rows.
        indexes = (
            models.Index(fields=["-number"], name="crl_number"),
            models.Index(fields=["-as_of"], name="crl_as_of"),
        )

    def __str__(self) -> str:
        return f"CRL {self.number} of {self.authority}"

    @property
    def is_last(self) -> bool:
        """Whether no list is meant to follow: its key had nothing left to list."""
        return self.next_publish >= self.next_update


class RevocationListContent(models.Model):
    """The octets of a list, until it has ended.

    In a table of their own: SQLite reads the columns behind a value of 40 MB by walking through it.
    """

    crl = models.OneToOneField(
        CertificateRevocationList,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="content",
    )
    der = models.BinaryField()

    class Meta:
        ordering = ("-pk",)
        default_permissions = ()
        verbose_name = "content of a certificate revocation list"

    def __str__(self) -> str:
        return str(self.crl)
