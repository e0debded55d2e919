"""Actions on the customer of the event: tags, stage, status, owner, follow-up, tasks and notes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Member, Team
from customers.models import Customer
from customers.people import assignment
from customers.people.customers import services as customers
from customers.people.customers import stage_moves
from customers.people.tags import services as tags
from customers.work.interactions import services as interactions
from customers.work.tasks import services as tasks
from messaging.delivery import queue as outbound
from workflows.rules.performing import TASK_ORIGIN, ActionFailed, ActionSkipped, Result, Run, performs

Params = Mapping[str, object]


@performs("add_tag")
def add_tag(run: Run, params: Params) -> Result:
    name = str(params["tag"])
    if not tags.add(customer=run.customer, names=[name], actor=run.actor):
        raise ActionSkipped(_("The tag “%(name)s” was there already.") % {"name": name})
    return Result(_("Added the tag “%(name)s”.") % {"name": name}, run.customer)


@performs("remove_tag")
def remove_tag(run: Run, params: Params) -> Result:
    name = str(params["tag"])
    if not tags.remove(customer=run.customer, names=[name], actor=run.actor):
        raise ActionSkipped(_("The tag “%(name)s” was not there.") % {"name": name})
    return Result(_("Took the tag “%(name)s” off.") % {"name": name}, run.customer)


@performs("set_stage")
def set_stage(run: Run, params: Params) -> Result:
    try:
        stage = stage_moves.find_stage(organization=run.organization, key=str(params["stage"]))
    except stage_moves.UnknownStage as error:
        raise ActionFailed(str(error)) from error
    if stage_moves.move(customer=run.customer, stage=stage, actor=run.actor) is None:
        raise ActionSkipped(_("The customer stands in “%(name)s” already.") % {"name": stage.name})
    return Result(_("Moved to “%(name)s”.") % {"name": stage.name}, run.customer)


@performs("set_status")
def set_status(run: Run, params: Params) -> Result:
    status = Customer.Status(str(params["status"]))
    if run.customer.status == status:
        raise ActionSkipped(_("The status was “%(name)s” already.") % {"name": status.label})
    customers.update(customer=run.customer, actor=run.actor, changes={"status": status.value})
    return Result(_("Set the status to “%(name)s”.") % {"name": status.label}, run.customer)


@performs("assign")
def assign(run: Run, params: Params) -> Result:
    if "team" in params:
        return _assign_of_team(run, params)
    members = Member.objects.active().select_related("user")
    member = members.filter(organization=run.organization, user=UUID(str(params["to"]))).first()
    if member is None:
        raise ActionFailed(_("The person to assign to is no active member any more. Choose another one."))
    name = member.user.get_full_name()
    if not customers.assign(customer=run.customer, owner=member.user, actor=run.actor):
        raise ActionSkipped(_("%(name)s owns the customer already.") % {"name": name})
    return Result(_("Gave the customer to %(name)s.") % {"name": name}, run.customer)


def _assign_of_team(run: Run, params: Params) -> Result:
    """To somebody of a team; whose customer it is already keeps it, and loses no turn."""
    rows = Team.objects.select_related("organization").filter(organization=run.organization)
    team = rows.filter(pk=UUID(str(params["team"]))).first()
    if team is None:
        raise ActionFailed(_("There is no such team any more. Choose another one."))
    owner = run.customer.assigned_to
    if owner is not None and any(member.user_id == owner.pk for member in assignment.candidates(team)):
        raise ActionSkipped(_("%(name)s owns the customer already.") % {"name": owner.get_full_name()})
    choice = assignment.choose(team=team, how=assignment.How(str(params.get("how", assignment.How.IN_TURN))))
    if choice is None:
        raise ActionSkipped(_("Nobody of the team “%(name)s” can be given customers.") % {"name": team.name})
    customers.assign(customer=run.customer, owner=choice.member.user, actor=run.actor)
    values = {"name": choice.member.user.get_full_name(), "team": team.name, "why": choice.reason}
    return Result(_("Gave the customer to %(name)s of “%(team)s”: %(why)s.") % values, run.customer)


@performs("set_follow_up")
def set_follow_up(run: Run, params: Params) -> Result:
    if not params:
        if run.customer.next_follow_up_at is None:
            raise ActionSkipped(_("There was no follow-up to clear."))
        customers.set_follow_up(customer=run.customer, at=None, actor=run.actor)
        return Result(_("Cleared the follow-up."), run.customer)
    length = timedelta(days=_number(params, "days"), minutes=_number(params, "minutes"))
    customers.set_follow_up(customer=run.customer, at=timezone.now() + length, actor=run.actor)
    return Result(_("Set the next follow-up."), run.customer)


@performs("create_task")
def create_task(run: Run, params: Params) -> Result:
    # A schedule's task is about nobody; every other event's is about its customer, if there is one.
    customer = run.customer if run.event.customer_id is not None else None
    due_at = (
        timezone.now() + timedelta(minutes=_number(params, "due_in_minutes")) if "due_in_minutes" in params else None
    )
    owner = customer.assigned_to if customer is not None else None
    if owner is not None and not Member.objects.active().filter(organization=run.organization, user=owner).exists():
        owner = None
    task = tasks.create(
        organization=run.organization,
        customer=customer,
        actor=run.actor,
        title=run.fill(str(params["title"]))[:200],
        description=run.fill(str(params.get("description", ""))),
        priority=str(params.get("priority", "normal")),
        due_at=due_at,
        assigned_to=owner,
        origin=f"{TASK_ORIGIN}{run.row.pk}:{run.step}",
    )
    return Result(_("Made the task “%(title)s”.") % {"title": task.title}, task)


@performs("add_note")
def add_note(run: Run, params: Params) -> Result:
    """Into the thread in which it happened; where there is none, into the customer's history."""
    text = run.fill(str(params["body"]))
    if run.facts.conversation is not None and run.customer is not None:
        note = outbound.add_note(conversation=run.facts.conversation, body=text, actor=run.actor)
        return Result(_("Wrote a note into the conversation."), note)
    logged = interactions.log(customer=run.customer, actor=run.actor, content=text, channel="note")
    return Result(_("Wrote a note into the history."), logged)


def _number(params: Params, name: str) -> int:
    value = params.get(name, 0)
    return value if isinstance(value, int) else 0
