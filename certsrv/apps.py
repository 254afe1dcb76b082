"""Which admin site Django's admin is."""

from importlib import import_module

from django.contrib.admin.apps import AdminConfig


class DeskConfig(AdminConfig):
    """Django's admin, with the managers' desk as its site."""

    default_site = "enrollment.admin.site.DeskSite"

    def ready(self) -> None:
        """Register our pages after Django's own, which ours of users and groups replace."""
        super().ready()
        import_module("enrollment.admin.registry")
