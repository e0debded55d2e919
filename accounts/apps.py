from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from django.contrib import admin

        from accounts import events  # noqa: F401 - declares them
        from accounts.access import administered_by
        from core.admin import ParleyAdminSite

        if isinstance(admin.site, ParleyAdminSite):
            admin.site.administered_by = administered_by
