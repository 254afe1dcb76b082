"""Which admin site Django's admin is."""

from django.contrib.admin.apps import AdminConfig


class DeskConfig(AdminConfig):
    """Django's admin, with the managers' desk as its site."""

    default_site = "enrollment.admin.site.DeskSite"
