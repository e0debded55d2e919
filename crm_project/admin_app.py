"""The admin console with our site instead of the stock one.

A module of its own: Django takes every config that an `apps.py` names for one of its app.
"""

from django.contrib.admin import autodiscover
from django.contrib.admin.apps import SimpleAdminConfig


class ParleyAdminConfig(SimpleAdminConfig):
    """Discovers every app's admin.py, as the stock config does."""

    default_site = "core.admin.ParleyAdminSite"

    def ready(self) -> None:
        super().ready()
        autodiscover()
