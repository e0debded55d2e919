"""Subscribers of workflows to events, and its registrations with lower apps."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.events import ORGANIZATION_CREATED
from accounts.frame import settings_menu
from activity.models import Event
from activity.registry import subscribe, subscribe_many, triggers
from customers.data.merging import hooks as merging
from customers.events import CHANGES_UNDONE, CUSTOMER_MERGED, PACK_CHANGED, PROCESS_CHANGED
from customers.packs import packs
from customers.page import panels
from customers.work.processes.sequences import BEGIN
from messaging.models import Message
from messaging.threads import senders
from workflows.notifications import subscribers as notifications
from workflows.rehearsals import jobs as rehearsals
from workflows.rules import decisions, hand_over, personal_data, running, services, thread, waits
from workflows.rules import going_on as going_on  # the queue of runs that wait
from workflows.rules.performers import customers, messages, notifying  # noqa: F401 - what each action does
from workflows.sequences import (
    bulk,
    panel,
    performers,  # noqa: F401 - what each action does
)
from workflows.sequences import services as sequences


def register() -> None:
    personal_data.register()
    panels.register(
        panels.Panel("Rules", "workflows/rules/customer_panel.html", 70, decisions.in_panel, "workflows.view")
    )
    senders.register(
        senders.Senders("workflows.rules", (Message.Origin.WORKFLOW, Message.Origin.SEQUENCE), thread.senders)
    )
    hand_over.register()
    settings_menu.register(
        settings_menu.SettingsPage(
            _("Rules"), "workflows:rules", "workflow", "workflows.view", settings_menu.Group.CUSTOMERS, 15,
            _("What happens by itself: answers, tags, tasks and moves, and what each rule did."),
        )
    )  # fmt: skip
    for event_type in triggers():
        # One name for each: a subscriber's identity is its name.
        subscribe(event_type, running.run_rules, name=f"workflows.run_rules.{event_type}")
    for event_type in waits.CAUSES:
        subscribe_many(event_type, waits.cancel_by, name=f"workflows.cancel_waits.{event_type}")
    panels.register(
        panels.Panel(str(_("Sequences")), "workflows/sequences/panel.html", 48, panel.sequences_of, "workflows.view")
    )
    bulk.register()
    rehearsals.register()
    BEGIN.register(sequences.begin_for_process)
    subscribe_many(PROCESS_CHANGED, sequences.follow_process, name="workflows.follow_process")
    subscribe_many(CUSTOMER_MERGED, sequences.end_merged, name="workflows.end_merged")
    merging.register_after_unmerge(sequences.after_unmerge)
    subscribe(CHANGES_UNDONE, personal_data.forget_removed, name="workflows.forget_removed")
    subscribe(ORGANIZATION_CREATED, install_rules, name="workflows.install_rules", inline=True)
    subscribe(PACK_CHANGED, install_rules, name="workflows.install_rules_of_other_pack", inline=True)
    # After the rules: whose a customer is, a rule may just have decided.
    notifications.register()


def install_rules(event: Event) -> None:
    """A new organization has its pack's rules, switched off; one that changes to another gets those that it lacks."""
    key = event.payload.get("to") or event.payload["pack"]
    services.install(organization=event.organization, pack=packs()[key])
