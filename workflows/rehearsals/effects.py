"""What each action would have done at a moment of the past: laid over the customer's history, and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import Member, Team
from activity.models import Event
from customers.models import Customer, Stage
from customers.people import assignment
from workflows.rehearsals.history import PastFacts
from workflows.rehearsals.sending import Sender, SendPlan
from workflows.rules.performing import ActionFailed, ActionSkipped

Params = Mapping[str, object]
SENDING: Final = ("send_text", "send_template")


@dataclass(frozen=True, slots=True)
class Done:
    """What an action would have done, in a sentence where there is more to say than its name; the message that would
    have gone out."""

    detail: str = ""
    plan: SendPlan | None = None


class Effects:
    """Takes actions by name; of one that nothing here knows, as a later app may bring, only that it would be taken."""

    def __init__(self, sender: Sender) -> None:
        self.sender = sender
        self._of_teams: dict[str, list[str]] = {}
        self._turns: dict[str, int] = {}
        self._known: Mapping[str, Callable[[Params, PastFacts, Customer], Done]] = {
            "add_tag": self._add_tag,
            "remove_tag": self._remove_tag,
            "set_stage": self._set_stage,
            "set_status": self._set_status,
            "assign": self._assign,
        }

    @cached_property
    def stages(self) -> dict[str, str]:
        return dict(Stage.objects.values_list("key", "name"))

    @cached_property
    def people(self) -> dict[str, str]:
        rows = Member.objects.active().select_related("user")
        return {str(row.user_id): row.user.get_full_name() for row in rows}

    def take(self, name: str, params: Params, event: Event, facts: PastFacts, *, is_resumed: bool) -> Done:
        """Raises ActionSkipped and ActionFailed as the engine's own."""
        if name == "create_task" and event.customer_id is None:
            return Done()
        if name == "notify":
            self._require_recipient(params, facts)
            return Done()
        customer = facts.customer
        if customer is None:
            raise ActionSkipped(_("The event is about no customer."))
        if customer.deleted_at is not None and customer.deleted_at <= facts.at:
            raise ActionSkipped(_("The customer was deleted."))
        if name in SENDING:
            return Done(plan=self.sender.plan(name, params, event, facts, is_resumed=is_resumed))
        if name == "resolve_conversation" and facts.conversation is None:
            raise ActionSkipped(_("The event belongs to no conversation."))
        if name in self._known:
            return self._known[name](params, facts, customer)
        for text in ("title", "body"):
            self.sender.filled(str(params.get(text, "")), customer)
        return Done()

    def _add_tag(self, params: Params, facts: PastFacts, customer: Customer) -> Done:
        name = str(params["tag"])
        if _named(name, facts):
            raise ActionSkipped(_("The tag “%(name)s” was there already.") % {"name": name})
        facts.history.simulate_tag(name, facts.at, is_added=True)
        return Done()

    def _remove_tag(self, params: Params, facts: PastFacts, customer: Customer) -> Done:
        name = str(params["tag"])
        there = _named(name, facts)
        if there is None:
            raise ActionSkipped(_("The tag “%(name)s” was not there.") % {"name": name})
        facts.history.simulate_tag(there, facts.at, is_added=False)
        return Done()

    def _set_stage(self, params: Params, facts: PastFacts, customer: Customer) -> Done:
        key = str(params["stage"])
        if key not in self.stages:
            raise ActionFailed(_("There is no stage “%(key)s” any more.") % {"key": key})
        if facts("customer_stage") == key:
            raise ActionSkipped(_("The customer stands in “%(name)s” already.") % {"name": self.stages[key]})
        return self._set(facts, "customer_stage", key)

    def _set_status(self, params: Params, facts: PastFacts, customer: Customer) -> Done:
        status = Customer.Status(str(params["status"]))
        if facts("customer_status") == status:
            raise ActionSkipped(_("The status was “%(name)s” already.") % {"name": status.label})
        return self._set(facts, "customer_status", status.value)

    def _assign(self, params: Params, facts: PastFacts, customer: Customer) -> Done:
        if "team" in params:
            return self._assign_of_team(str(UUID(str(params["team"]))), facts)
        key = str(UUID(str(params["to"])))
        if key not in self.people:
            raise ActionFailed(_("The person to assign to is no active member any more. Choose another one."))
        if facts("assigned_to") == key:
            raise ActionSkipped(_("%(name)s owns the customer already.") % {"name": self.people[key]})
        return self._set(facts, "assigned_to", key)

    def _assign_of_team(self, key: str, facts: PastFacts) -> Done:
        """To somebody of a team. Whose turn it was then nobody wrote down: one after the other, from the first."""
        if key not in self._of_teams:
            team = Team.objects.select_related("organization").filter(pk=key).first()
            if team is None:
                raise ActionFailed(_("There is no such team any more. Choose another one."))
            self._of_teams[key] = [str(member.user_id) for member in assignment.candidates(team)]
        members = self._of_teams[key]
        owner = facts("assigned_to")
        if owner in members:
            raise ActionSkipped(_("%(name)s owns the customer already.") % {"name": self.people.get(str(owner), "")})
        if not members:
            raise ActionSkipped(_("Nobody of the team can be given customers."))
        turn = self._turns.get(key, 0)
        self._turns[key] = turn + 1
        self._set(facts, "assigned_to", members[turn % len(members)])
        return Done(_("To somebody of the team."))

    def _set(self, facts: PastFacts, field: str, value: object) -> Done:
        facts.history.simulate(field, facts.at, before=facts(field), after=value)
        return Done()

    def _require_recipient(self, params: Params, facts: PastFacts) -> None:
        if "to" in params:
            if str(params["to"]) not in self.people:
                raise ActionFailed(_("The person to notify is no active member any more. Choose another one."))
        elif facts.customer is None:
            raise ActionSkipped(_("The event is about no customer, whose owner could be notified."))
        elif facts("assigned_to") is None:
            raise ActionSkipped(_("The customer has no owner."))


def _named(name: str, facts: PastFacts) -> str | None:
    """The customer's tag of this name, as it is written; in any case, as tags are compared."""
    return next((tag for tag in facts.history.tags(facts.at) if tag.casefold() == name.casefold()), None)
