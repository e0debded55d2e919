"""The action that tells a member something."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import Member
from customers.models import Customer
from workflows.notifications.kinds.registry import KINDS, Notice
from workflows.notifications.kinds.system import RULE
from workflows.notifications.services import raise_lines
from workflows.rules.performing import ActionFailed, ActionSkipped, Result, Run, performs

Params = Mapping[str, object]


@performs("notify")
def notify(run: Run, params: Params) -> Result:
    """One line for a member, or for the customer's owner; what the same step tells of the same customer again raises
    it again. Who may not see the customer is not told of them."""
    customer = run.customer if run.event.customer_id is not None else None
    member = _chosen(run, params["to"]) if "to" in params else _owner(run, customer)
    if customer is not None and not Customer.objects.visible_to(member).filter(pk=customer.pk).exists():
        raise ActionSkipped(_("%(name)s may not see this customer.") % {"name": member.user.get_full_name()})
    text = run.fill(str(params["text"]))
    notice = Notice(
        customer.pk if customer is not None else run.row.workflow_id,
        customer_id=customer.pk if customer is not None else None,
        group=f"{run.row.workflow_id}-{run.step}",
        data={"text": text, "rule": run.actor.label},
    )
    if not raise_lines(KINDS[RULE], notice, [member], event_id=run.event.pk):
        raise ActionSkipped(_("%(name)s wants no notifications of rules.") % {"name": member.user.get_full_name()})
    return Result(_("Notified %(name)s.") % {"name": member.user.get_full_name()}, member)


def _chosen(run: Run, user_id: object) -> Member:
    """Raises ActionFailed for who is no active member any more."""
    member = _people(run).filter(user=UUID(str(user_id))).first()
    if member is None:
        raise ActionFailed(_("The person to notify is no active member any more. Choose another one."))
    return member


def _owner(run: Run, customer: Customer | None) -> Member:
    """Raises ActionSkipped where there is none who could be told."""
    if customer is None:
        raise ActionSkipped(_("The event is about no customer, whose owner could be notified."))
    if customer.assigned_to_id is None:
        raise ActionSkipped(_("The customer has no owner."))
    member = _people(run).filter(user=customer.assigned_to_id).first()
    if member is None:
        raise ActionSkipped(_("The customer’s owner is no active member any more."))
    return member


def _people(run: Run) -> QuerySet[Member]:
    rows: QuerySet[Member] = Member.objects.active().people().with_access().filter(organization=run.organization)
    return rows
