"""Sessions and other ways in, of people whose accounts are kept elsewhere: do they still count?

Whatever way somebody came in (form, Basic, ticket, token, certificate, a session from an hour ago),
no request is answered on what a directory said longer ago than the settings allow. A provider can
only be asked by the person, at a browser: its word ends.
"""

from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import SessionBase
from django.utils import timezone

from enrollment import conf
from enrollment.services.outside import fresh
from enrollment.services.outside.told import OIDC
from enrollment.signin import session
from enrollment.signin.belief import SignedInBy

_BY_PROVIDER = (SignedInBy.OIDC, SignedInBy.OIDC_MFA)


def still_counts(user: User, kept: SessionBase | None = None) -> bool:
    """Whether somebody who was believed still is somebody; what is known of them is fresh then.

    Args:
        user: who.
        kept: the session by which, if by one.

    Raises:
        SourceUnavailable: the directory keeps the account, and cannot be asked.
    """
    if not fresh.keep_fresh(user):
        return False
    return fresh.source_of(user) != OIDC or _is_recent(user, kept)


def _is_recent(user: User, kept: SessionBase | None) -> bool:
    """Whether the provider signed somebody in so lately that its word counts."""
    settings, account = conf.current().oidc, user.account
    if kept is not None:
        by, at = session.began(kept)
        age = timezone.now().timestamp() - at
        return by in _BY_PROVIDER and 0 <= age < settings.session.total_seconds()
    return account.seen_at is not None and timezone.now() - account.seen_at < settings.programs
