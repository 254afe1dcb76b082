"""A CA in its roll-over: renewals, leaves below each key, and the days on which they end."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from enrollment import conf
from enrollment.models import Authority
from enrollment.services import authority, ca_life, directory
from tests.services.acts import submit

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from django.contrib.auth.models import User

    from enrollment.models import Certificate


def renew(*, new_key: bool = True) -> Authority:
    """Renew the CA, with a new key unless told otherwise."""
    return ca_life.renew(new_key=new_key, actor="test", now=timezone.now())


def issue(user: User, name: str = "www.example.com") -> Certificate:
    """Issue a certificate below the key of today."""
    row = submit(directory.requester_of(user), name)
    assert row.certificate is not None, row.detail
    return row.certificate


def after(leaf: Certificate) -> datetime:
    """Return a moment shortly after a certificate has ended."""
    return leaf.not_after + timedelta(minutes=1)


def root(index: int) -> Authority:
    """Return a CA certificate by its index."""
    return Authority.objects.get(index=index)


def key_file(index: int) -> Path:
    """Return the file in which the key of a CA certificate lies."""
    return conf.current().home / root(index).key_reference


def end_of_ca(index: int) -> datetime:
    """Return the day on which a CA certificate ends."""
    return authority.issuer_of(root(index)).not_after
