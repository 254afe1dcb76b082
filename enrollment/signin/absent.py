"""The 503 to those whose directory cannot be asked who they are."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from enrollment.signin.challenge import is_navigation

RETRY_SECONDS = 10
DETAIL = "The directory that knows your account does not answer at the moment, so nothing was done."
REMEDY = (
    "Your password is not the reason. Try again in a minute, or tell the operator of this site."
)


def answer(request: HttpRequest) -> HttpResponse:
    """Say that the site is there, and who could vouch for the asker is not."""
    if is_navigation(request):
        context = {"title": "The directory is away", "detail": DETAIL, "remedy": REMEDY}
        response = render(request, "signin/problem.html", context, status=503)
    else:
        response = HttpResponse(
            f"{DETAIL} {REMEDY}\r\n", status=503, content_type="text/plain; charset=utf-8"
        )
    response["Cache-Control"] = "no-store"
    response["Retry-After"] = str(RETRY_SECONDS)
    return response
