"""The site's addresses and the empty view."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import include, path


@login_not_required  # it shows nothing
def empty(_request: HttpRequest) -> HttpResponse:
    """Answer nothing: what the server and Django's middleware cost by themselves."""
    return HttpResponse(b"")


urlpatterns = [path("empty", empty), path("", include("certsrv.urls"))]
