"""Notifications hear of every event that begins or settles a kind, and register with lower apps."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.account import tabs
from accounts.events import MEMBER_ADDED, MEMBER_REMOVED
from accounts.frame import menu, settings_menu
from accounts.permissions import MEMBERSHIP
from activity import installation, live
from activity.registry import subscribe
from workflows.notifications import digests, personal_data, queries, services
from workflows.notifications.kinds import conversations, system, work  # noqa: F401 - each registers its kinds
from workflows.notifications.kinds.registry import event_types

# What is there when the change commits: whoever signs up by the API reads of it at once.
AT_ONCE = frozenset({MEMBER_ADDED})


def register() -> None:
    for event_type in event_types():
        # One name for each: a subscriber's identity is its name.
        subscribe(event_type, services.tell, name=f"workflows.notify.{event_type}", inline=event_type in AT_ONCE)
    menu.register(
        menu.Entry(
            _("Notifications"), "workflows:notifications", "bell", MEMBERSHIP, 8, waiting=queries.unread, waits="unread"
        )
    )
    tabs.register(tabs.Tab(_("Notifications"), "workflows:notification_preferences", 15))
    settings_menu.register(
        settings_menu.SettingsPage(
            _("Notifications"), "workflows:notification_defaults", "bell", "settings.view",
            settings_menu.Group.ORGANIZATION, 60,
            _("What members are told of, by which ways and when not, unless they choose for themselves."),
        )
    )  # fmt: skip
    subscribe(MEMBER_REMOVED, services.forget_member, name="workflows.forget_notifications", inline=True)
    live.OWN_SOURCES.register(live.OwnSource(services.LIVE, services.changed_since))
    installation.register_leaving(digests.cancel_in_copy)
    personal_data.register()
