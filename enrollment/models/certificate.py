"""An issued certificate, and the names it holds."""

from __future__ import annotations

from django.db import models

from enrollment.models.authority import Authority


class Certificate(models.Model):
    """What was issued, to whom, and until when.

    `crl_partition` is fixed at issuance and written into the certificate. `status_changed_at` is
    the moment of the last revocation, hold or release; only `services.revocation` writes it and
    the three columns before it. A certificate that was released has `status_changed_at` and no
    `revoked_at`.
    """

    # Its index is the one below that has the end of validity beside it.
    authority = models.ForeignKey(
        Authority, on_delete=models.PROTECT, related_name="certificates", db_index=False
    )
    serial_number = models.CharField(max_length=40, unique=True)
    der = models.BinaryField()
    subject = models.CharField(max_length=1024)
    requester = models.CharField(max_length=150, db_index=True)
    template_name = models.CharField(max_length=64)
    not_before = models.DateTimeField()
    not_after = models.DateTimeField(db_index=True)
    issued_at = models.DateTimeField(db_index=True)
    thumbprint_sha1 = models.CharField("thumbprint (SHA-1)", max_length=40, db_index=True)
    thumbprint_sha256 = models.CharField("thumbprint (SHA-256)", max_length=64, unique=True)
    spki_sha256 = models.CharField(max_length=64, db_index=True)
    crl_partition = models.PositiveIntegerField(default=0)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revocation_reason = models.PositiveSmallIntegerField(null=True, blank=True)
    invalidity_date = models.DateTimeField(null=True, blank=True)
    status_changed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        permissions = (("revoke_certificate", "Can revoke, hold and release certificates"),)
        indexes = (
            models.Index(fields=["template_name", "-id"], name="certificate_template"),
            # What is left below a key, and until when.
            models.Index(fields=["authority", "not_after"], name="certificate_left"),
            # Lists and deltas are made of these rows only, for a CA revokes few of what it issues;
            # and of this index only: every column that they need is in it.
            models.Index(
                fields=[
                    "status_changed_at",
                    "serial_number",
                    "authority",
                    "crl_partition",
                    "revoked_at",
                    "revocation_reason",
                    "invalidity_date",
                    "not_after",
                ],
                name="certificate_status",
                condition=models.Q(status_changed_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return self.subject or self.serial_number


class CertificateName(models.Model):
    """One name of one certificate: "who holds www.example.com?" is one index look-up."""

    certificate = models.ForeignKey(Certificate, on_delete=models.CASCADE, related_name="names")
    kind = models.CharField(max_length=8)
    value = models.CharField(max_length=255)
    not_after = models.DateTimeField()

    class Meta:
        ordering = ("pk",)
        indexes = (
            # By octets on PostgreSQL: a language's order finds no beginnings of names.
            models.Index(
                fields=["value", "kind", "not_after"],
                name="name_value",
                opclasses=["varchar_pattern_ops", "varchar_ops", "timestamptz_ops"],
            ),
        )

    def __str__(self) -> str:
        return self.value
