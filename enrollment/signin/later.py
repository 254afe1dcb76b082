"""Answers to passwords that are not looked at now."""

import math

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from enrollment.services.lockout import LockedOut
from enrollment.signin.accounts import TooManySignIns
from enrollment.signin.problems import too_many

_BUSY_SECONDS = 10


def answer(request: HttpRequest, reason: LockedOut | TooManySignIns) -> HttpResponse:
    """Say when to come again; whether the password was right is not known here."""
    if isinstance(reason, TooManySignIns):
        return _busy()
    seconds = max(1, math.ceil((reason.until - timezone.now()).total_seconds()))
    minutes = math.ceil(seconds / 60)
    response = too_many(
        request,
        "Too many passwords or codes were wrong, so nothing is looked at for now, right or wrong.",
        f"Try again in {minutes} minute{'s' if minutes > 1 else ''}; trying earlier does not make "
        "it longer. A CA administrator can end it.",
    )
    response["Retry-After"] = str(seconds)
    response["Cache-Control"] = "no-store"
    return response


def _busy() -> HttpResponse:
    response = HttpResponse(
        "Too many sign-ins are being checked at the moment. Try again in ten seconds.\r\n",
        status=503,
        content_type="text/plain; charset=utf-8",
    )
    response["Retry-After"] = str(_BUSY_SECONDS)
    return response
