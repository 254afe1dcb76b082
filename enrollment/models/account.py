"""What the site's directory knows of a user beyond Django's own columns."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower

# MS-DTYP section 2.4.2.1: revision 1, an authority of 48 bits, at most 15 parts below it.
SID: Final = RegexValidator(
    r"\AS-1-[0-9]{1,15}(-[0-9]{1,10}){1,15}\Z",
    "This is no security identifier. Write it as Windows shows it, such as S-1-5-21-1-2-3-1104.",
)


class Account(models.Model):
    """Names that templates with the subject source "directory" may use, and where a user is from.

    The names are typed by a CA administrator, or read from the directory that the user is from;
    they never come from a request. `source` is empty for users of our own; only
    `services.outside.mirror` writes it and what follows.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="account"
    )
    dns_name = models.CharField("DNS name", max_length=253, blank=True)
    upn = models.CharField("user principal name", max_length=253, blank=True)
    sid = models.CharField("security identifier", max_length=184, blank=True, validators=[SID])
    source = models.CharField("comes from", max_length=8, blank=True, editable=False)
    # Names the user there for good, whatever they are called.
    outside_key = models.CharField(max_length=600, blank=True, editable=False)
    # Our groups that the user has from there, as they were last set.
    given_groups = models.JSONField(default=list, blank=True, editable=False)
    # Switched off from there, and so switched on from there.
    is_off_outside = models.BooleanField(default=False, editable=False)
    # When a source that cannot be asked again last signed them in.
    seen_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("pk",)
        indexes = (models.Index(Lower("dns_name"), name="account_dns_name"),)
        verbose_name = "directory entry"
        verbose_name_plural = "directory entries"
        constraints = (
            models.UniqueConstraint(
                fields=["source", "outside_key"],
                condition=~models.Q(source=""),
                name="account_belongs_to_one_person",
            ),
        )

    def __str__(self) -> str:
        return self.upn or self.dns_name or f"account {self.pk}"
