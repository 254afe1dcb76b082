"""What CA administrators do with templates: change, add, publish. Each leaves its differences."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from django.contrib.auth.models import User
from django.db import transaction

from enrollment.ca.template_rules import Problem, problems
from enrollment.models import Template
from enrollment.services import audit, authority, directory

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from django.contrib.auth.models import Group

# A new revision tells clients that the content changed; who may enroll is no content.
_NO_CONTENT: Final = frozenset({"published", "enroll_groups", "approvals_needed"})
_NOT_COMPARED: Final = frozenset({"id", "minor_version"})
_FIRST_CUSTOM_VERSION: Final = (100, 0)
_BACKEND: Final = "django.contrib.auth.backends.ModelBackend"
_ARC_NUMBER: Final = 2**24


class TemplateRefused(Exception):
    """A template that would be dangerous or useless, and why, in one sentence."""


def judge(row: Template, groups: Collection[Group], *, now: datetime) -> tuple[Problem, ...]:
    """Return what is wrong with a template as it would be stored.

    Raises:
        ValueError: the row holds a word that is no key kind, usage or network.
    """
    found = problems(directory.to_value(row, groups), issuer_end=_issuer_end(), now=now)
    managers = User.objects.with_perm(directory.REVIEW_PERMISSION, backend=_BACKEND).count()
    if managers < row.approvals_needed > 1:
        found += (
            Problem(
                "approvals_needed",
                f"{row.approvals_needed} certificate managers must approve, and there are "
                f"{managers}: requests would wait for ever.",
                "Give the role to more people, or choose fewer.",
                blocks=False,
            ),
        )
    return found


def _issuer_end() -> datetime | None:
    try:
        return authority.issuer_of(authority.current()).not_after
    except authority.NoAuthority:
        return None


@transaction.atomic
def save(row: Template, groups: Collection[Group], *, actor: str, now: datetime) -> None:
    """Store a template with its groups, and record what changed.

    Raises:
        TemplateRefused: it must not be stored like this; nothing is.
    """
    _refuse(row, groups, now)
    earlier = Template.objects.filter(pk=row.pk).first() if row.pk else None
    before = _content(earlier, earlier.enroll_groups.all()) if earlier else {}
    if earlier is None:
        row.oid = row.oid or _new_oid()
        row.major_version, row.minor_version = _FIRST_CUSTOM_VERSION
    changes = _changes(before, _content(row, groups))
    if earlier is not None and not changes:
        return
    if earlier is not None and changes.keys() - _NO_CONTENT:
        row.minor_version = earlier.minor_version + 1
    row.save()
    row.enroll_groups.set(groups)
    verb = "template changed" if earlier else "template added"
    audit.record(verb, actor=actor, subject=f"template {row.name}", at=now, changes=changes)


def publish(row: Template, *, published: bool, actor: str, now: datetime) -> None:
    """Offer a template to requesters, or stop offering it.

    Raises:
        TemplateRefused: it must not be offered like this.
    """
    row.published = published
    save(row, list(row.enroll_groups.all()), actor=actor, now=now)


def _refuse(row: Template, groups: Collection[Group], now: datetime) -> None:
    try:
        found = [problem for problem in judge(row, groups, now=now) if problem.blocks]
    except ValueError as error:
        raise TemplateRefused(
            f"Template '{row.name}' holds a word nobody knows: {error}"
        ) from error
    if found:
        raise TemplateRefused(f"Template '{row.name}': {found[0]}")


def _content(row: Template, groups: Collection[Group]) -> dict[str, Any]:
    values = {
        field.name: field.value_from_object(row)
        for field in row._meta.concrete_fields  # noqa: SLF001 - Django's public way to list fields
        if field.name not in _NOT_COMPARED
    }
    return {**values, "enroll_groups": sorted(group.name for group in groups)}


def _changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, list[Any]]:
    """Return ``{field: [before, after]}`` of what differs."""
    return {
        name: [before.get(name), value]
        for name, value in after.items()
        if before.get(name) != value
    }


def _new_oid() -> str:
    """Return a number of our own arc, made as a forest makes them: two more random arcs."""
    first = Template.objects.order_by("pk").values_list("oid", flat=True).first()
    arc = ".".join((first or "1.3.6.1.4.1.311.21.8.1.1.1.1.1.1.1.1").split(".")[:-2])
    return f"{arc}.{secrets.randbelow(_ARC_NUMBER) + 1}.{secrets.randbelow(_ARC_NUMBER) + 1}"
