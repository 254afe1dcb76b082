"""The application's place in Django."""

from django.apps import AppConfig


class EnrollmentConfig(AppConfig):
    """Certificate Services enrollment: the CA and its doors."""

    name = "enrollment"
    verbose_name = "Certificate Services"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks that judge a set-up at start."""
        from enrollment import checks  # noqa: F401, PLC0415  # registers by being imported
