from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from accounts import events  # noqa: F401 - declared before any app is ready


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from django.contrib import admin

        from accounts.access.pages import administered_by, entry_step
        from accounts.account import tabs
        from accounts.audit import own_records
        from accounts.credentials import notices
        from accounts.frame import menu
        from accounts.invitations import sending
        from accounts.permissions import MEMBERSHIP
        from activity import installation
        from core.admin import ParleyAdminSite

        own_records.register()
        menu.register(menu.Entry("Home", "organization:home", "house", MEMBERSHIP, 5, is_main=True))
        menu.register(menu.Entry(gettext_noop("People"), "organization:people", "users-round", "users.view", 90))
        installation.register_leaving(sending.cancel_in_copy)
        installation.register_leaving(notices.cancel_in_copy)
        tabs.register(tabs.Tab(_("Profile"), "organization:profile", 10))
        tabs.register(tabs.Tab(_("Password"), "organization:account_password", 20))
        tabs.register(tabs.Tab(_("Security"), "organization:security", 30))
        tabs.register(tabs.Tab(_("Devices"), "organization:devices", 40))
        menu.register(menu.Entry(_("Audit log"), "organization:audit_log", "scroll-text", "audit.view", 96))
        menu.register(menu.Entry(_("Roles"), "organization:roles", "shield-check", "roles.view", 94))
        menu.register(menu.Entry(_("Health"), "organization:health", "activity", "settings.view", 96))
        menu.register(menu.Entry(_("Teams"), "organization:teams", "network", "users.view", 93))
        menu.register(menu.Entry(_("Calendars"), "organization:calendars", "calendar-clock", "settings.view", 92))
        if isinstance(admin.site, ParleyAdminSite):
            admin.site.administered_by = administered_by
            admin.site.entry_step = entry_step
