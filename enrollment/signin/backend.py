"""Whose passwords are whose: those of the directory first, and never for an account of our own."""

import logging
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from enrollment import conf
from enrollment.services.outside import fresh
from enrollment.services.outside.told import NobodyOfThisName, PersonUnknown
from enrollment.signin.accounts import find
from enrollment.signin.credentials import account_name

log = logging.getLogger("certsrv.signin")


class DirectoryBackend(ModelBackend):
    """Stands before Django's own, which checks the passwords that are kept here.

    An account belongs to one side: who has it here is never asked for there, and a password that
    somebody set here for an account from elsewhere opens nothing.
    """

    def authenticate(
        self,
        request: HttpRequest | None,  # noqa: ARG002  # Django's signature
        username: str | None = None,
        password: str | None = None,
        **_: Any,  # noqa: ANN401  # as above
    ) -> User | None:
        """Return whoever this is in the directory; None for those of ours.

        Raises:
            PermissionDenied: the account is from elsewhere, and this is not its password.
            SourceUnavailable: the directory cannot be asked.
        """
        settings = conf.current()
        name = account_name(username or "", realm=settings.realm, domain=settings.domain)
        if not name or not password:
            return None
        user = find(name)
        if fresh.may_be_theirs(user):
            try:
                return fresh.sign_in(name, password)
            except NobodyOfThisName:
                # Neither the log's business, nor a way to fill it.
                pass
            except PersonUnknown as reason:
                log.warning("a password was refused: %s", reason)
        if fresh.source_of(user):
            raise PermissionDenied
        return None
