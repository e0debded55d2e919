"""Rules to begin with, by what an organization has: offered on “New rule” where no such rule is there yet.

Each says only what today's triggers and actions can do. One that names a stage or an outcome of a pack is offered where
the organization has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from workflows.models import Workflow
from workflows.rules import fields

A_DAY: Final = 24 * 60


@dataclass(frozen=True, slots=True)
class StartingPoint:
    """A rule as content for the editor. `packs`: by whose organizations it is wanted, empty for all. `like`: the keys
    of packs' rules that do the same."""

    key: str
    name: str | Promise
    description: str | Promise
    trigger_event: str
    actions: tuple[Mapping[str, object], ...]
    conditions: Mapping[str, object]
    hours: str = Workflow.Hours.ANY
    is_once: bool = False
    packs: tuple[str, ...] = ()
    like: tuple[str, ...] = ()

    @property
    def content(self) -> dict[str, object]:
        """What the editor begins with."""
        actions = [{name: _plain(value) for name, value in action.items()} for action in self.actions]
        return {
            "name": str(self.name), "trigger_event": self.trigger_event, "conditions": dict(self.conditions),
            "actions": actions, "hours": self.hours, "is_once": self.is_once,
        }  # fmt: skip


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Promise) else value


POINTS: Final = (
    StartingPoint(
        "welcome", _("Welcome somebody new"), _("A first answer to whoever writes for the first time, and a task."),
        "message.received",
        (
            {"action": "send_text", "delay_minutes": 1, "cancel_on_inbound": True,
             "body": _("Hello {{ customer.first_name|there }}, thank you for writing to {{ organization }}. "
                       "We will answer shortly.")},
            {"action": "create_task", "title": _("Answer {{ customer.first_name|the new enquiry }}"),
             "due_in_minutes": 60},
        ),
        {"is_new_customer": True}, like=("greet",),
    ),
    StartingPoint(
        "away", _("Say that nobody is there"), _("An answer outside business hours."), "message.received",
        ({"action": "send_text", "body": _("Thank you for your message. We are closed just now, and will answer when "
                                           "we are back.")},),
        {}, hours=Workflow.Hours.CLOSED,
    ),
    StartingPoint(
        "no_answer", _("Chase what nobody answered"), _("A task and a tag where somebody waits for an answer."),
        "conversation.unanswered",
        (
            {"action": "create_task", "title": _("Answer {{ customer.first_name|this customer }}"),
             "due_in_minutes": 60, "priority": "high"},
            {"action": "add_tag", "tag": _("waits")},
        ),
        {},
    ),
    StartingPoint(
        "stalled", _("Call a lead that went quiet"), _("A task where a lead has not been answered for days."),
        "lead.stalled",
        ({"action": "create_task", "title": _("Call {{ customer.first_name|this lead }}: no word for days"),
          "due_in_minutes": A_DAY, "priority": "high"},),
        {}, like=("quiet_leads",),
    ),
    *(
        # A task and no text: days later WhatsApp takes no free one.
        StartingPoint(
            key, _("Ask for a review"), _("A task some days after the good end, once for a customer."),
            "outcome.recorded",
            ({"action": "create_task", "title": _("Ask {{ customer.first_name|this customer }} for a review"),
              "due_in_minutes": 5 * A_DAY},),
            {"outcome_type": outcome}, packs=(pack,), is_once=True,
        )
        for key, pack, outcome in (("review", "clinic", "treatment_done"), ("review_won", "general", "won"))
    ),
    *(
        StartingPoint(
            f"no_show_{pack}", _("Win back who did not come"),
            _("A tag, a task for today and a follow-up where somebody missed the appointment."), "outcome.recorded",
            (
                {"action": "add_tag", "tag": _("did not come")},
                {"action": "create_task", "title": _("Call {{ customer.first_name|this customer }}: did not come"),
                 "due_in_minutes": 60, "priority": "high"},
                {"action": "set_follow_up", "days": 2},
            ),
            {"outcome_type": "no_show"}, packs=(pack,),
        )
        for pack in ("clinic", "school")
    ),
    StartingPoint(
        "birthday", _("Wish a happy birthday"), _("A task on the day itself, where the date of birth is known."),
        "customer.date_reached",
        ({"action": "create_task", "title": _("Wish {{ customer.first_name|this customer }} a happy birthday"),
          "due_in_minutes": 4 * 60},),
        {"date_field": "birth_date", "days_until": 0, "years__gt": 0},
    ),
    StartingPoint(
        "open_day", _("Remind of the open day"), _("A task two days before the open day that a family comes to."),
        "customer.date_reached",
        ({"action": "create_task", "title": _("Remind {{ customer.first_name|this family }} of the open day"),
          "due_in_minutes": A_DAY},),
        {"date_field": "open_day", "days_until": 2, "years": 0},
    ),
    StartingPoint(
        "visit_reminder", _("Remind of the visit"), _("A task when the follow-up of a scheduled visit is due."),
        "followup.due",
        ({"action": "create_task", "title": _("Remind {{ customer.first_name|this family }} of the visit"),
          "due_in_minutes": 60, "priority": "high"},),
        {"customer_stage": "visit_scheduled"}, packs=("school",),
    ),
)  # fmt: skip


def offered(organization: Organization) -> list[StartingPoint]:
    """Those that the organization can use and has no such rule of; four queries."""
    rows = Workflow.objects.filter(organization=organization).values_list("key", "name")
    keys, names = {key for key, _name in rows}, {name for _key, name in rows}
    known = {
        "customer_stage": fields.stages(),
        "outcome_type": fields.outcome_types(),
        "date_field": fields.date_fields(),
    }
    return [
        point for point in POINTS
        if (not point.packs or organization.pack in point.packs)
        and str(point.name) not in names
        and keys.isdisjoint(point.like)
        and all(value in known[name] for name, value in point.conditions.items() if name in known)
    ]  # fmt: skip


def find(organization: Organization, key: str) -> StartingPoint | None:
    """One that is offered, by its key."""
    return next((point for point in offered(organization) if point.key == key), None) if key else None
