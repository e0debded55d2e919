"""The pages of Settings about customers and sales."""

from django.utils.translation import gettext_lazy as _

from accounts.frame.settings_menu import Group, SettingsPage

PAGES = [
    SettingsPage(
        _("Fields"), "customers:fields", "text-cursor-input", "settings.view", Group.CUSTOMERS, 10,
        _("What you note of customers, contacts and deals besides the usual."),
    ),
    SettingsPage(
        _("Pipeline"), "customers:pipeline_settings", "square-kanban", "settings.view", Group.CUSTOMERS, 20,
        _("The stages, their times, and why deals are lost."),
    ),
    SettingsPage(
        _("Outcomes"), "customers:outcome_types", "flag", "settings.view", Group.CUSTOMERS, 30,
        _("The results that you count, and the stage that each leads to."),
    ),
    SettingsPage(
        _("Tags"), "customers:tags", "tags", "settings.view", Group.CUSTOMERS, 40,
        _("The words by which customers are sorted."),
    ),
    SettingsPage(
        _("Pack"), "customers:pack", "package", "settings.edit", Group.CUSTOMERS, 50,
        _("Stages, fields, outcomes and templates for a clinic, a school or others."),
    ),
    SettingsPage(
        _("Keeping data"), "customers:keeping", "archive", "settings.edit", Group.SAFETY, 30,
        _("After how long without contact people are erased."),
    ),
]  # fmt: skip
