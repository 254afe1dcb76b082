"""Accounts, as scripts add them; people use the desk."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Final, TypeVar

from django.contrib.auth.models import Group, Permission, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from enrollment.models import Account
from enrollment.services import audit
from enrollment.services.outside.told import folded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from django.db.models import QuerySet


Row = TypeVar("Row")
# Any one of these opens the desk; what lies behind it is asked for again, page by page.
DESK_RIGHTS: Final = (
    "enrollment.review_enrollmentrequest",
    "enrollment.view_enrollmentrequest",
    "enrollment.view_certificate",
    "enrollment.revoke_certificate",
    "enrollment.change_template",
    "enrollment.view_auditevent",
    "enrollment.view_authority",
    "enrollment.view_condition",
    "auth.change_user",
)


class PersonRefused(Exception):
    """An account that cannot be made, and why, in one sentence."""


@dataclass(frozen=True, slots=True)
class NewPerson:
    """What is known of somebody before they have an account."""

    name: str
    password: str
    groups: tuple[str, ...] = ()
    email: str = ""
    dns_name: str = ""
    upn: str = ""


def find(name: str) -> User | None:
    """Return the account of this name, active or not."""
    found = User.objects.select_related("account").filter(username=name).first()
    if found is None:
        rows = User.objects.select_related("account").filter(username__iexact=name)
        found = only_alike(name, rows, lambda user: user.username)
    return found


def only_alike(name: str, rows: Iterable[Row], name_of: Callable[[Row], str]) -> Row | None:
    """Return the one row whose name is `name` in any case; of two that differ in case only, none.

    Windows does not tell ALICE from alice. To some databases, which found the rows, a dotless i is
    an I as well; people may choose such names at a provider.
    """
    alike = [row for row in rows if name_of(row).casefold() == name.casefold()]
    return alike[0] if len(alike) == 1 else None


def who_has(name: str) -> str:
    """Return the account name, in its own letters, that differs from `name` at most in case.

    Databases disagree about letters beyond ASCII, so every name is looked at; this is asked once
    for each new account.
    """
    wanted = folded(name)
    names: Iterable[str] = User.objects.values_list("username", flat=True).iterator()
    return next((taken for taken in names if folded(taken) == wanted), "")


@transaction.atomic
def add(person: NewPerson, *, actor: str, now: datetime) -> User:
    """Make an account with its roles and directory entry.

    Raises:
        PersonRefused: the name is taken, a group does not exist, the password is too simple.
    """
    groups = _groups(person.groups)
    # In any case: names of accounts are compared so wherever somebody signs in.
    if who_has(person.name):
        raise PersonRefused(f"There is an account '{person.name}' already.")
    user = User(username=person.name, email=person.email)
    account = Account(user=user, dns_name=person.dns_name.casefold(), upn=person.upn)
    try:
        validate_password(person.password, user)
        user.set_password(person.password)
        user.full_clean()
        account.full_clean(exclude=["user"])
    except ValidationError as error:
        raise PersonRefused(_sentence(error)) from error
    user.save()
    user.groups.set(groups)
    mark(user)
    if person.dns_name or person.upn:
        account.save()
    audit.record(
        "user added",
        actor=actor,
        subject=f"user {person.name}",
        at=now,
        groups=sorted(person.groups),
    )
    return user


def works_at_desk(user: User) -> bool:
    """Whether somebody has any right there."""
    return user.is_active and any(user.has_perm(right) for right in DESK_RIGHTS)


def workers() -> QuerySet[User]:
    """Return who works at the desk: `works_at_desk` for all accounts, in one query."""
    pairs = (right.split(".") for right in DESK_RIGHTS)
    named = (Q(content_type__app_label=app, codename=name) for app, name in pairs)
    rights = Permission.objects.filter(reduce(or_, named))
    groups = Group.objects.filter(permissions__in=rights)
    has_one = Q(is_superuser=True) | Q(groups__in=groups) | Q(user_permissions__in=rights)
    return User.objects.filter(has_one, is_active=True).distinct()


def mark(user: User) -> None:
    """Remember whether the pages show somebody the way to the desk.

    The mark only draws a link and gives no right; rights are read anew at every click.
    """
    fresh = User.objects.get(pk=user.pk)
    works_there = works_at_desk(fresh)
    if fresh.is_staff != works_there:
        User.objects.filter(pk=user.pk).update(is_staff=works_there)
    user.is_staff = works_there


def _groups(names: tuple[str, ...]) -> list[Group]:
    found = {group.name: group for group in Group.objects.order_by("name")}
    for name in names:
        if name not in found:
            raise PersonRefused(
                f"There is no group '{name}'. The groups are: {', '.join(found) or 'none'}."
            )
    return [found[name] for name in names]


def _sentence(error: ValidationError) -> str:
    if hasattr(error, "error_dict"):
        return " ".join(
            f"{field.replace('_', ' ')}: {' '.join(texts)}"
            for field, texts in error.message_dict.items()
        )
    return " ".join(error.messages)
