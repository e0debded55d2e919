"""Subscribers of messaging to events, and its registrations with lower apps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.calendars import queries as calendars
from accounts.events import (
    ORGANIZATION_CREATED,
    ORGANIZATION_RESTORED,
    ORGANIZATION_RESUMED,
    TEAM_DELETED,
)
from accounts.frame import menu, settings_menu
from accounts.models import Member, Organization
from accounts.organizations import purging
from activity import installation
from activity.actor import SYSTEM, Actor
from activity.models import Event
from activity.registry import subscribe
from customers.data.deletion import blockers
from customers.data.merging import hooks as merging
from customers.events import PACK_CHANGED
from customers.models import Customer
from customers.packs import packs
from customers.page import panels
from customers.page.timeline import queries as timeline
from messaging.costs import jobs as cost_jobs
from messaging.delivery import late
from messaging.delivery import queue as outbound
from messaging.health import checks as health
from messaging.inbox import explanations, hand_over, home, palette, personal_data
from messaging.intake import unverified
from messaging.models import Channel, Conversation, Message
from messaging.settings import integrations
from messaging.settings import services as channels
from messaging.texts.templates import services as templates
from messaging.threads import services as conversations
from messaging.threads.channel_choice import ways_to_write
from messaging.threads.queries import set_aside_for, thread_of_customer


def register() -> None:
    installation.register_leaving(outbound.cancel_in_copy)
    menu.register(
        menu.Entry(
            "Inbox", "messaging:inbox", "inbox", "conversations.view", 10, waiting=unread, waits="unread", is_main=True
        )
    )
    hand_over.register()
    explanations.register()
    menu.register(menu.Entry("Templates", "messaging:templates", "file-text", "templates.view", 85))
    menu.register(
        menu.Entry(
            "Channels", "messaging:channels", "radio-tower", "channels.view", 88, waiting=set_aside_for,
            waits="could not be read",
        )
    )  # fmt: skip
    menu.register(menu.Entry("Simulator", "messaging:simulator", "smartphone", "channels.edit", 90))
    settings_menu.register(
        settings_menu.SettingsPage(
            _("Rate cards"), "messaging:rates", "coins", "channels.edit", settings_menu.Group.ORGANIZATION, 50,
            _("What a message costs, by channel, country and category."),
        )
    )  # fmt: skip
    cost_jobs.register()
    calendars.register_users(calendars.Users("channels", channels_by_calendar))
    panels.register(
        panels.Panel(
            "Conversations",
            "messaging/inbox/customer_conversations.html",
            20,
            conversations_of,
            "conversations.view",
        )
    )
    timeline.register(
        timeline.Source(
            "message", "Messages", "message-circle", "created_at", "messaging/timeline/message.html",
            thread_of_customer, message_data, "conversations.view",
        )
    )  # fmt: skip
    palette.register()
    home.register()
    integrations.register_all()
    purging.OTHER_FILES.register(purging.OtherFiles("copies of messages", Message, copies_of))
    purging.OTHER_ROWS.register(
        purging.OtherRows("deliveries that wait for a channel", Channel, unverified.delete_of_channels)
    )
    blockers.register(blockers.Blocker("messages", queued_messages, cancel_queued))
    personal_data.register()
    health.register_all()
    merging.register(Conversation, conversations.before_merge)
    merging.register_after_unmerge(conversations.after_unmerge)
    subscribe(ORGANIZATION_CREATED, install_templates, name="messaging.install_templates", inline=True)
    subscribe(PACK_CHANGED, install_templates, name="messaging.add_templates", inline=True)
    subscribe(ORGANIZATION_CREATED, set_up_channels, name="messaging.set_up_channels", inline=True)
    for goes_on, how in ((ORGANIZATION_RESUMED, "resumed"), (ORGANIZATION_RESTORED, "restored")):
        subscribe(goes_on, late.stop_late, name=f"messaging.stop_late_{how}", inline=True)
        subscribe(goes_on, late.put_before_people, name=f"messaging.put_late_before_people_{how}")
    subscribe(TEAM_DELETED, release_templates, name="messaging.release_templates", inline=True)


def channels_by_calendar(organization: Organization) -> calendars.Names:
    """Which channels work by which calendar of their own."""
    names: dict[UUID, list[str]] = {}
    for channel in Channel.objects.filter(organization=organization, calendar__isnull=False).order_by("name"):
        names.setdefault(cast("UUID", channel.calendar_id), []).append(channel.name)
    return names


def copies_of(keys: Sequence[UUID]) -> list[purging.File]:
    """What providers keep of messages in files of this machine."""
    return [(file.storage, file.path) for file in personal_data.copies(Message.objects.filter(pk__in=keys))]


def set_up_channels(event: Event) -> None:
    """Create the channels of a new organization, in the transaction that creates it."""
    channels.create_simulators(organization=event.organization, actor=SYSTEM)


def release_templates(event: Event) -> None:
    """A team goes: nobody loses what it shared."""
    templates.release_from_team(team_id=event.subject_id)


def install_templates(event: Event) -> None:
    """A new organization has its pack's templates; one that changes to another gets those that it lacks."""
    key = event.payload.get("to") or event.payload["pack"]
    templates.install(organization=event.organization, pack=packs()[key], actor=SYSTEM)


def unread(member: Member) -> QuerySet[Conversation]:
    """Conversations with something unread, for the menu."""
    return Conversation.objects.visible_to(member).open().unread()


def conversations_of(customer: Customer, member: Member) -> dict[str, object]:
    """The panel of the customer's page."""
    rows = Conversation.objects.visible_to(member).filter(customer=customer).select_related("channel", "customer")
    return {
        "conversations": list(rows.order_by("-last_message_at")),
        "ways": ways_to_write(customer) if member.may("conversations.create") else [],
    }


def message_data(message: Message) -> dict[str, object]:
    """A message in the timeline's API."""
    return {
        "direction": message.direction,
        "channel": message.channel.kind,
        "private": message.is_private,
        "subject": message.subject,
        "body": message.body,
        "status": message.status,
        "conversation": str(message.conversation_id),
    }


def queued_messages(customer: Customer) -> list[str]:
    """The deletion blocker for messages that have not left yet."""
    count = outbound.count_waiting(customer)
    return [f"{count} message{'s' if count > 1 else ''} waiting to be sent"] if count else []


def cancel_queued(customer: Customer, actor: Actor) -> None:
    outbound.cancel_on_deletion(customer=customer, actor=actor)
