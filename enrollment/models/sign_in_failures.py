"""How often a password or a code was wrong lately."""

from __future__ import annotations

from django.db import models


class SignInFailures(models.Model):
    """A count for an account, an address, or both; only `services.lockout` writes rows.

    The account is a name as somebody typed it: there need not be one.
    """

    kind = models.CharField(max_length=8)
    account = models.CharField(max_length=150, blank=True)
    address = models.CharField(max_length=64, blank=True)
    failures = models.PositiveIntegerField(default=0)
    counted_since = models.DateTimeField(db_index=True)
    refused_until = models.DateTimeField(null=True, blank=True)
    # When a password was last right for this account from this address.
    known_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("pk",)
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(
                fields=("account", "address", "kind"), name="one_count_of_a_kind"
            ),
        )

    def __str__(self) -> str:
        return f"{self.failures} of {self.account or 'anybody'} from {self.address or 'anywhere'}"
