"""Which site Django's admin is: the certificate managers' desk."""

from django.contrib.admin.apps import AdminConfig


class DeskConfig(AdminConfig):
    """Django's admin, with our desk in the place of its default site."""

    default_site = "enrollment.admin.site.DeskSite"
