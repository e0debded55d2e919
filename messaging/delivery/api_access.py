"""What the calls that send share: the channel, the parts of a message that a body names, and where it came from."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext as _

from accounts.access.api import OrganizationView
from activity.actor import Actor, ActorKind, current_actor
from core.api.errors import invalid
from core.api.strict import Body
from customers.models import Customer
from messaging.delivery import queue as outbound
from messaging.files import services as media
from messaging.models import Channel, Message, Template
from messaging.threads import services as conversations
from messaging.threads.channel_choice import channel_for_sending


def send(view: OrganizationView, customer: Customer, *, kind: str, data: Body) -> Message:
    """Queue a text to a customer on the channel that `data` names by `channel_id`, else on one of that kind.

    Without either: where they were last heard, else on the organization's default.
    """
    actor = current_actor()
    channel = _named(data.pop("channel_id", None), kind) or channel_for_sending(customer=customer, kind=kind)
    if channel is None:
        raise invalid("channel", _("There is no such channel here. An administrator can set one up."))
    conversation = conversations.begin(customer=customer, channel=channel)
    return outbound.queue_message(
        conversation=conversation,
        actor=actor,
        author=view.member.user if actor.kind == ActorKind.USER else None,
        origin=origin(actor),
        **resolved(view, data),
    )


def _named(pk: UUID | None, kind: str) -> Channel | None:
    if pk is None:
        return None
    channel: Channel | None = Channel.objects.filter(pk=pk).first()
    if channel is None:
        raise invalid("channel_id", _("There is no such channel."), code="not_found")
    if kind and channel.kind != kind:
        raise invalid("channel_id", _("This channel is of another kind: %(kind)s.") % {"kind": channel.kind})
    return channel


def resolved(view: OrganizationView, data: Body) -> Body:
    """The templates and files that a body names by their ids, within the member's reach; 400 for what is not there."""
    results = dict(data)
    for name in ("template", "fallback_template"):
        if name in results and not isinstance(results[name], Template):
            results[name] = _template(view, name, results[name])
    if "attachments" in results:
        results["files"] = media.unused(
            results.pop("attachments"), organization=view.member.organization, actor=current_actor()
        )
    return results


def _template(view: OrganizationView, name: str, pk: UUID | None) -> Template | None:
    if pk is None:
        return None
    rows = Template.objects.visible_to(view.member) if view.member.may("templates.view") else Template.objects.none()
    template: Template | None = rows.filter(pk=pk).first()
    if template is None:
        raise invalid(name, "There is no such template.", code="not_found")
    return template


def origin(actor: Actor) -> str:
    """What comes through the API is a person's where a person's session brought it."""
    return outbound.origin_of(actor)
