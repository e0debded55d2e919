from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from accounts import events  # noqa: F401 - declared before any app is ready


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from django.contrib import admin

        from accounts import settings_pages
        from accounts.access.pages import administered_by, entry_step
        from accounts.account import tabs
        from accounts.audit import own_records
        from accounts.credentials import notices
        from accounts.frame import menu, settings_menu
        from accounts.hand_over import services as hand_over
        from accounts.integrations import own as own_integrations
        from accounts.invitations import sending
        from accounts.permissions import MEMBERSHIP
        from activity import installation
        from core.admin import ParleyAdminSite

        own_records.register()
        own_integrations.register_all()
        menu.register(menu.Entry("Home", "organization:home", "house", MEMBERSHIP, 5, is_main=True))
        menu.register(
            menu.Entry(
                _("Settings"), "organization:settings", "settings", MEMBERSHIP, 95,
                is_for=settings_menu.has_pages, covers=settings_menu.is_in_settings,
            )
        )  # fmt: skip
        for page in settings_pages.PAGES:
            settings_menu.register(page)
        hand_over.register()
        installation.register_leaving(sending.cancel_in_copy)
        installation.register_leaving(notices.cancel_in_copy)
        tabs.register(tabs.Tab(_("Profile"), "organization:profile", 10))
        tabs.register(tabs.Tab(_("Password"), "organization:account_password", 20))
        tabs.register(tabs.Tab(_("Security"), "organization:security", 30))
        tabs.register(tabs.Tab(_("Devices"), "organization:devices", 40))
        tabs.register(tabs.Tab(_("API keys"), "organization:own_api_keys", 50, "api_keys.view"))
        if isinstance(admin.site, ParleyAdminSite):
            admin.site.administered_by = administered_by
            admin.site.entry_step = entry_step
