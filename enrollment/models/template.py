"""A certificate template as an administrator edits it."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from enrollment.ca.template import MOST_APPROVALS, Approval, HeldNames, NamesBeyond, SubjectSource


class Template(models.Model):
    """One certificate template; `services.directory.to_value` makes the core's value of it.

    Lists (EKUs, names, curves) are JSON lists of text; `services.directory.from_form` checks them.
    """

    name = models.CharField("name (CN)", max_length=64, unique=True)
    display_name = models.CharField(max_length=120)
    oid = models.CharField("object identifier", max_length=120)
    schema_version = models.PositiveSmallIntegerField(
        default=2, validators=[MinValueValidator(1), MaxValueValidator(4)]
    )
    major_version = models.PositiveIntegerField(default=100)
    minor_version = models.PositiveIntegerField(default=0)
    published = models.BooleanField(default=False)
    subject_source = models.CharField(
        max_length=10, choices=[(member.value, member.label) for member in SubjectSource]
    )
    directory_subject = models.CharField(max_length=20, blank=True)
    directory_alternative_names = models.JSONField(default=list, blank=True)
    extended_key_usages = models.JSONField(default=list, blank=True)
    key_usages = models.JSONField(default=list, blank=True)
    key_usage_critical = models.BooleanField(default=True)
    key_usage_narrowing = models.BooleanField("requests may narrow the key usage", default=False)
    is_ca = models.BooleanField("certificates of subordinate CAs", default=False)
    path_length = models.PositiveSmallIntegerField(null=True, blank=True)
    allowed_keys = models.JSONField(default=list, blank=True)
    minimum_rsa_bits = models.PositiveIntegerField(
        default=2048, validators=[MinValueValidator(1024), MaxValueValidator(16384)]
    )
    weak_request_signatures = models.BooleanField(
        "take SHA-1 request signatures (laboratories)", default=False
    )
    validity_days = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    renewal_days = models.PositiveIntegerField(default=42)
    approval = models.CharField(
        max_length=10, choices=[(member.value, member.label) for member in Approval]
    )
    approvals_needed = models.PositiveSmallIntegerField(
        "certificate managers who must approve",
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_APPROVALS)],
    )
    enroll_groups = models.ManyToManyField(Group, blank=True, related_name="enrollable_templates")
    allowed_dns_suffixes = models.JSONField(default=list, blank=True)
    allowed_ip_networks = models.JSONField(default=list, blank=True)
    allowed_name_patterns = models.JSONField(default=list, blank=True)
    allowed_email_domains = models.JSONField(default=list, blank=True)
    allowed_upn_suffixes = models.JSONField(default=list, blank=True)
    names_beyond = models.CharField(
        "names outside of these",
        max_length=10,
        choices=[(member.value, member.label) for member in NamesBeyond],
        default=NamesBeyond.DENY.value,
    )
    held_names = models.CharField(
        "names that somebody else holds",
        max_length=10,
        choices=[(member.value, member.label) for member in HeldNames],
        default=HeldNames.WAIT.value,
    )
    limit_per_requester = models.PositiveIntegerField("most for one account", default=0)
    limit_per_name = models.PositiveIntegerField("most for one name", default=0)
    limit_in_all = models.PositiveIntegerField("most in all", default=0)
    limit_days = models.PositiveIntegerField(
        "within days", default=7, validators=[MinValueValidator(1), MaxValueValidator(366)]
    )
    san_critical = models.BooleanField("critical subject alternative name", default=False)
    include_revocation_addresses = models.BooleanField(
        "include CRL and issuer addresses", default=True
    )
    include_ocsp_no_check = models.BooleanField("mark as OCSP no-check", default=False)
    include_sid = models.BooleanField("include the account's security identifier", default=True)
    ra_signatures = models.PositiveSmallIntegerField(
        "enrollment agents who must sign", default=0, validators=[MaxValueValidator(8)]
    )
    ra_application_policy = models.CharField(
        "purpose that their certificates must have", max_length=120, blank=True
    )
    same_key_renewal = models.BooleanField("renewal keeps the key", default=False)

    class Meta:
        ordering = ("name",)
        verbose_name = "certificate template"

    def __str__(self) -> str:
        return self.display_name
