"""The address table: one include per door."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from enrollment.serving import metrics
from enrollment.serving import views as serving

urlpatterns = [
    # First: it is asked most often, and looks at four letters.
    path("", include("enrollment.protocols.ocsp.urls")),
    path("healthz", serving.healthz, name="healthz"),
    path("readyz", serving.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("accounts/", include("enrollment.signin.urls")),
    path("admin", RedirectView.as_view(url="/admin/")),
    path("admin/", admin.site.urls),
    path("", include("enrollment.protocols.web.urls")),
]

handler400 = "enrollment.signin.problems.bad_request"
handler403 = "enrollment.signin.problems.permission_denied"
handler404 = "enrollment.signin.problems.not_found"
handler500 = "enrollment.serving.failures.server_error"
