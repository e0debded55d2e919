"""The pages of Settings that belong to no app above."""

from django.utils.translation import gettext_lazy as _

from accounts.frame.settings_menu import Group, SettingsPage

PAGES = [
    SettingsPage(
        _("Organization"), "organization:organization_settings", "building-2", "settings.view", Group.ORGANIZATION, 10,
        _("Name, logo, country, time zone, currency, and who has to use a second factor."),
    ),
    SettingsPage(
        _("Business calendars"), "organization:calendars", "calendar-clock", "settings.view", Group.ORGANIZATION, 20,
        _("Opening hours, holidays and closings, for everybody or for a team or channel."),
    ),
    SettingsPage(
        _("People"), "organization:people", "users-round", "users.view", Group.ACCESS, 10,
        _("Who belongs to the organization; invite, change, deactivate or remove."),
    ),
    SettingsPage(
        _("Teams"), "organization:teams", "network", "users.view", Group.ACCESS, 20,
        _("Who works together, and whose records their managers see."),
    ),
    SettingsPage(
        _("Roles"), "organization:roles", "shield-check", "roles.view", Group.ACCESS, 30,
        _("What members may do, and with whose records."),
    ),
    SettingsPage(
        _("Sign-in"), "organization:sign_in_settings", "log-in", "settings.edit", Group.ACCESS, 40,
        _("A provider of your own by which members sign in."),
    ),
    SettingsPage(
        _("Directory"), "organization:directory", "refresh-cw", "settings.edit", Group.ACCESS, 45,
        _("A directory that creates, changes and shuts out members by SCIM, such as Entra ID or Okta."),
    ),
    SettingsPage(
        _("API keys"), "organization:api_keys", "key-round", "api_keys.view", Group.ACCESS, 50,
        _("Other systems’ ways in: for whom they act, what they may, and what they use of it."),
    ),
    SettingsPage(
        _("Health"), "organization:health", "activity", "settings.view", Group.SAFETY, 10,
        _("What works, what fails, since when, and what to do."),
    ),
    SettingsPage(
        _("Audit log"), "organization:audit_log", "scroll-text", "audit.view", Group.SAFETY, 20,
        _("Who did what, when, and what it was before."),
    ),
]  # fmt: skip
