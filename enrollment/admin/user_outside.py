"""Accounts that are kept elsewhere, at the desk: what is said there is shown here and not typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError

from enrollment.services.outside import mirror

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from enrollment.models import Account

FACTS_OF_PERSON: Final = ("first_name", "last_name", "email")
FACTS_OF_ENTRY: Final = ("dns_name", "upn", "sid")


def account_of(row: User | None) -> Account | None:
    """Return what is known of an account that is kept elsewhere; None for one of our own."""
    account: Account | None = getattr(row, "account", None)
    return account if account is not None and account.source else None


def of(row: User) -> dict[str, Any]:
    """Return what the page of an account shows of where it is kept."""
    account = account_of(row)
    handed_out = mirror.handed_out(account) if account else frozenset()
    return {"kept_elsewhere": account, "handed_out_elsewhere": sorted(handed_out)}


class PersonForm(UserChangeForm[User]):
    """The form of an account; groups that come from elsewhere are given and taken there."""

    def clean_groups(self) -> QuerySet[Group]:
        """Refuse to set or unset what the source of the account sets and unsets.

        Raises:
            ValidationError: such a group was ticked or unticked.
        """
        wanted: QuerySet[Group] = self.cleaned_data["groups"]
        account = account_of(self.instance)
        if account is not None:
            before = set(self.instance.groups.values_list("name", flat=True))
            changed = before ^ {group.name for group in wanted}
            theirs = sorted(changed & mirror.handed_out(account))
            if theirs:
                raise ValidationError(
                    f"{', '.join(theirs)}: given and taken where the account is kept. Change the "
                    "group there, or the map in the settings."
                )
        return wanted
