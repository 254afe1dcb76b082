"""The 503 to those whose directory or provider cannot be asked who they are."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from enrollment.signin.challenge import is_navigation

RETRY_SECONDS: Final = 10
DIRECTORY: Final = (
    "The directory that knows your account does not answer at the moment, so nothing was done."
)
PROVIDER: Final = (
    "The provider that signs you in does not answer this site at the moment, so nothing was done."
)
REMEDY: Final = (
    "You did nothing wrong. Try again in a minute, or tell the operator of this site, whose log "
    "has the reason."
)


def answer(request: HttpRequest, detail: str = DIRECTORY) -> HttpResponse:
    """Say that the site is there, and who could vouch for the asker is not."""
    if is_navigation(request):
        context = {"title": "Try again in a minute", "detail": detail, "remedy": REMEDY}
        response = render(request, "signin/problem.html", context, status=503)
    else:
        response = HttpResponse(
            f"{detail} {REMEDY}\r\n", status=503, content_type="text/plain; charset=utf-8"
        )
    response["Cache-Control"] = "no-store"
    response["Retry-After"] = str(RETRY_SECONDS)
    return response
