"""Everything under `/ocsp`: proxies fold slashes of base64, so the whole path is one argument."""

from django.urls import re_path

from enrollment.protocols.ocsp import views

app_name = "ocsp"

urlpatterns = [
    re_path(r"^[oO][cC][sS][pP]/?$", views.respond, name="respond"),
    re_path(r"^[oO][cC][sS][pP]/(?P<encoded>[\s\S]+)$", views.respond, name="respond-get"),
]
