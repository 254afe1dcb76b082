"""Which admin site Django's admin is."""

from importlib import import_module

from django.contrib.admin.apps import AdminConfig
from django.contrib.admin.options import BaseModelAdmin


class DeskConfig(AdminConfig):
    """Django's admin, with the managers' desk as its site."""

    default_site = "enrollment.admin.site.DeskSite"

    def ready(self) -> None:
        """Register our pages after Django's own, which ours of users and groups replace."""
        super().ready()
        _let_admins_name_their_model()
        import_module("enrollment.admin.registry")


def _let_admins_name_their_model() -> None:
    """Make `ModelAdmin[Model]` mean `ModelAdmin` at run time; the types know more.

    Django's querysets and managers do so themselves, its admin classes not yet.
    """
    if not hasattr(BaseModelAdmin, "__class_getitem__"):
        BaseModelAdmin.__class_getitem__ = classmethod(lambda cls, _model: cls)  # type: ignore[attr-defined]  # only the types have it
