"""A request as it was received, and where it stands."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from enrollment.ca.disposition import Disposition


class EnrollmentRequest(models.Model):
    """What arrived, from whom, and what became of it; the key is the ReqID a client sees.

    Only `services.decision.record` writes a disposition.
    """

    requester = models.CharField(max_length=150)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    # Who asked in the name of `requester`, an enrollment agent; empty where they asked themselves.
    agent = models.CharField("enrollment agent", max_length=150, blank=True)
    agent_account = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    door = models.CharField(max_length=20)
    submitted_at = models.DateTimeField()
    raw = models.BinaryField()
    attributes = models.TextField(blank=True)
    friendly_type = models.CharField(max_length=120, blank=True)
    form = models.CharField(max_length=10, blank=True)
    template_name = models.CharField(max_length=64, blank=True)
    subject = models.CharField(max_length=1024, blank=True)
    names = models.JSONField(default=list)
    key_name = models.CharField("key", max_length=60, blank=True)
    remarks = models.JSONField(default=list)
    renews = models.ForeignKey(
        "enrollment.Certificate",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="renewals",
    )
    certificate = models.OneToOneField(
        "enrollment.Certificate",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="request",
    )
    disposition = models.PositiveSmallIntegerField(
        choices=[
            (member.value, member.name.replace("_", " ").capitalize()) for member in Disposition
        ]
    )
    disposition_message = models.TextField(blank=True)
    status_code = models.BigIntegerField(default=0)
    detail = models.TextField(blank=True)
    remedy = models.TextField(blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ("-pk",)
        permissions = (("review_enrollmentrequest", "Can issue and deny pending requests"),)
        indexes = (
            models.Index(fields=["requester", "-id"], name="request_requester"),
            models.Index(
                fields=["agent", "-id"], name="request_agent", condition=~models.Q(agent="")
            ),
            models.Index(fields=["template_name", "-id"], name="request_template"),
            models.Index(fields=["disposition", "-id"], name="request_disposition"),
            models.Index(
                fields=["id"],
                name="request_pending",
                condition=models.Q(disposition=Disposition.UNDER_SUBMISSION.value),
            ),
            models.Index(
                fields=["id"],
                name="request_incomplete",
                condition=models.Q(disposition=Disposition.INCOMPLETE.value),
            ),
        )

    def __str__(self) -> str:
        return f"Request {self.pk}"

    @property
    def sender(self) -> str:
        """Who sent it: the requester, or the enrollment agent on their behalf."""
        return self.agent or self.requester

    @property
    def state(self) -> Disposition:
        """The disposition as a word of the field."""
        return Disposition(self.disposition)
