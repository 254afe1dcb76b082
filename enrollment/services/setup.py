"""Bring a site into being; running it again changes nothing that is there."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.contrib.auth.models import Group, Permission, User
from django.db import transaction

from enrollment import conf, keys
from enrollment.ca.builtin import ENROLLEES, builtin_templates
from enrollment.ca.errors import EnrollmentError
from enrollment.ca.issuer import IssuanceFault
from enrollment.models import Authority, Template
from enrollment.services import (
    audit,
    authority,
    directory,
    issuance,
    locks,
    publication,
    subordinate,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from enrollment.models import AuthorityRequest

MANAGERS: Final = "Certificate Managers"
ADMINISTRATORS: Final = "CA Administrators"
REVOKERS: Final = "Certificate Revokers"
AUDITORS: Final = "Auditors"
OPERATORS: Final = "Operators"

_READ_REQUESTS: Final = ("view_enrollmentrequest", "view_certificate", "view_template")
_READ_CA: Final = ("view_authority", "view_certificaterevocationlist", "view_condition")

# What each group may do at the desk; `view_` rows are pages that cannot be edited anyway.
_RIGHTS: Final[Mapping[str, tuple[str, ...]]] = {
    ENROLLEES: (),
    MANAGERS: (*_READ_REQUESTS, *_READ_CA, "review_enrollmentrequest", "revoke_certificate"),
    # Somebody on duty at night may stop a certificate, and issues none.
    REVOKERS: ("view_certificate", *_READ_CA, "revoke_certificate"),
    ADMINISTRATORS: (
        *_READ_REQUESTS,
        *_READ_CA,
        "check_condition",
        "view_auditevent",
        "view_namegrant",
        "add_namegrant",
        "change_namegrant",
        "delete_namegrant",
        "view_agentgrant",
        "add_agentgrant",
        "delete_agentgrant",
        "view_managerscope",
        "add_managerscope",
        "change_managerscope",
        "delete_managerscope",
        "view_certificatemapping",
        "add_certificatemapping",
        "delete_certificatemapping",
        "add_template",
        "change_template",
        "view_user",
        "add_user",
        "change_user",
        "view_group",
        "view_account",
        "add_account",
        "change_account",
    ),
    AUDITORS: (
        *_READ_REQUESTS,
        *_READ_CA,
        "view_namegrant",
        "view_agentgrant",
        "view_managerscope",
        "view_certificatemapping",
        "view_auditevent",
        "view_user",
        "view_group",
    ),
    OPERATORS: (*_READ_CA, "check_condition"),
}
_ARC: Final = "1.3.6.1.4.1.311.21.8"
_ARC_NUMBERS: Final = 6


class SetupFailed(Exception):
    """The site cannot be set up, and why, in a sentence for its operator."""


@dataclass(frozen=True, slots=True)
class SetupReport:
    """What set-up made this time.

    There is no CA certificate yet while `waiting` is a request to the CA above.
    """

    newest: Authority | None
    waiting: AuthorityRequest | None
    made_authority: bool
    made_templates: int
    made_groups: tuple[str, ...]
    admin_password: str | None
    recovered: int

    @property
    def authority(self) -> Authority:
        """The CA certificate.

        Raises:
            authority.NoAuthority: the CA above has not signed it yet.
        """
        return self.newest or authority.current()


def run_setup(*, now: datetime) -> SetupReport:
    """Make what is missing: groups, templates, the CA with its first CRL, the first admin.

    Who runs it at the same time, here or on another node, waits and finds everything made.
    Of a CA below another one, the key and the request are made; its certificate comes later.

    Raises:
        SetupFailed: the CA cannot be made or its key cannot be opened.
    """
    try:
        with locks.exclusive("setup"):
            return _run(now)
    except (
        keys.KeyProblem,
        EnrollmentError,
        IssuanceFault,
        subordinate.RequestRefused,
    ) as error:
        raise SetupFailed(str(error)) from error


def _run(now: datetime) -> SetupReport:
    groups = _make_groups()
    templates = _make_templates()
    row, waiting, made = _make_authority(now)
    publication.publish_due(now)
    password = _make_admin()
    recovered = issuance.recover(now)
    return SetupReport(row, waiting, made, templates, groups, password, len(recovered))


def _make_authority(now: datetime) -> tuple[Authority | None, AuthorityRequest | None, bool]:
    """Return the CA, or the request of one that waits, and whether it was made now."""
    if subordinate.is_expected() and not Authority.objects.exists():
        return None, subordinate.request(new_key=False, actor="setup", now=now).row, False
    with locks.exclusive("ca"):
        row = Authority.objects.order_by("-index").first()
        return (row, None, False) if row else (authority.create_self_signed(now), None, True)


@transaction.atomic
def _make_groups() -> tuple[str, ...]:
    made = []
    for name, codenames in _RIGHTS.items():
        group, is_new = Group.objects.get_or_create(name=name)
        if is_new:
            group.permissions.set(Permission.objects.filter(codename__in=codenames))
            made.append(name)
    return tuple(made)


@transaction.atomic
def _make_templates() -> int:
    if Template.objects.exists():
        return 0
    numbers = (str(secrets.randbelow(2**24 - 1) + 1) for _ in range(_ARC_NUMBERS))
    templates = builtin_templates(".".join((_ARC, *numbers)))
    groups = {group.name: group for group in Group.objects.all()}
    for value in templates:
        row = directory.to_row(value)
        row.save()
        row.enroll_groups.set(groups[name] for name in value.enroll_groups)
    return len(templates)


@transaction.atomic
def _make_admin() -> str | None:
    """Make the first admin when there is no user at all, and return the password it got."""
    if User.objects.exists():
        return None
    password = conf.current().admin_password or secrets.token_urlsafe(15)
    admin = User.objects.create_user("admin", password=password, is_staff=True)
    admin.groups.set(Group.objects.filter(name__in=_RIGHTS))
    audit.record("user added", actor="setup", subject="user admin", groups=sorted(_RIGHTS))
    return password
